//! What makes calls and buffers fast.

use std::fs;
use std::path::Path;

use ringfence::bench::allowed_processors;

use super::{Check, setting};

/// Where the kernel tells about processors.
const PROCESSORS: &str = "/sys/devices/system/cpu";

pub fn checks() -> Vec<Check> {
    let (folder, allowed) = (Path::new(PROCESSORS), allowed_processors());
    vec![processors(folder, &allowed), isolated(folder, &allowed), governor(folder, &allowed), huge_pages()]
}

/// How many there are, and how near each other the first two are: on those, host and worker meet.
fn processors(folder: &Path, allowed: &[u32]) -> Check {
    const NAME: &str = "processors";
    let [host, worker, ..] = *allowed else {
        return Check::missing(
            NAME,
            "one: neither side can look for a message while the other works, so every call sleeps",
        )
        .mend("allow the host a second processor (taskset, cpuset)");
    };
    let count = allowed.len();
    let near = match shared(folder, host, worker) {
        Some(Shared::Core) => {
            return Check::missing(
                NAME,
                format!(
                    "{count}, but {host} and {worker} are threads of one core: who looks takes time from who works"
                ),
            )
            .mend("start the host on processors of different cores (taskset)");
        }
        Some(Shared::Cache(level)) => format!("{host} and {worker} share a cache of level {level}"),
        None => format!("{host} and {worker} share no cache, so that each message takes longer"),
    };
    Check::ok(NAME, format!("{count}: both sides of a call can run at once; {near}"))
}

/// The nearest thing that two processors share.
#[derive(Debug, PartialEq, Eq)]
enum Shared {
    Core,
    /// Of this level.
    Cache(u32),
}

fn shared(folder: &Path, one: u32, other: u32) -> Option<Shared> {
    let processor = folder.join(format!("cpu{one}"));
    let holds = |path: &Path| list(path).contains(&other);
    if holds(&processor.join("topology/thread_siblings_list")) {
        return Some(Shared::Core);
    }
    let caches = fs::read_dir(processor.join("cache")).ok()?.flatten().map(|entry| entry.path());
    let shared = caches.filter(|cache| holds(&cache.join("shared_cpu_list")));
    let level = |cache: &Path| fs::read_to_string(cache.join("level")).ok()?.trim().parse().ok();
    shared.filter_map(|cache| level(&cache)).min().map(Shared::Cache)
}

/// The processors in a file such as `0-3,8`; none if it is empty or not there.
fn list(path: &Path) -> Vec<u32> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let range = |part: &str| -> Option<std::ops::RangeInclusive<u32>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// Whether there are processors that the scheduler gives to nobody who does not ask for them.
fn isolated(folder: &Path, allowed: &[u32]) -> Check {
    const NAME: &str = "isolated cores";
    let isolated = list(&folder.join("isolated"));
    let text = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if isolated.is_empty() {
        return Check::ok(
            NAME,
            "none: a call may be interrupted by whatever else runs (isolcpus= changes it)",
        );
    }
    let usable = isolated.iter().filter(|number| allowed.contains(number)).count();
    if usable == 0 {
        let text = text(&isolated);
        return Check::missing(NAME, format!("{text}, which this process may not use"))
            .mend(format!("start the host with taskset -c {}", text.replace(' ', "")));
    }
    Check::ok(NAME, text(&isolated))
}

/// How the clock of the processors follows the load. A call is over before most governors look.
fn governor(folder: &Path, allowed: &[u32]) -> Check {
    const NAME: &str = "CPU governor";
    let mut found: Vec<String> = allowed
        .iter()
        .filter_map(|number| {
            fs::read_to_string(folder.join(format!("cpu{number}/cpufreq/scaling_governor"))).ok()
        })
        .map(|text| text.trim().to_owned())
        .collect();
    found.sort();
    found.dedup();
    match found.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Check::ok(NAME, "none: the machine sets its clock by itself"),
        ["performance"] => Check::ok(NAME, "performance"),
        _ => Check::missing(NAME, format!("{}: the first calls after a pause are slow", found.join(", ")))
            .mend(format!("echo performance | sudo tee {}/cpu*/cpufreq/scaling_governor", folder.display())),
    }
}

fn huge_pages() -> Check {
    const NAME: &str = "huge pages";
    const PATH: &str = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    let Some(text) = setting(PATH) else {
        return Check::missing(
            NAME,
            "this kernel has none for shared memory: mapping large buffers takes longer",
        );
    };
    let chosen =
        text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("?", |(chosen, _)| chosen);
    match chosen {
        "never" | "deny" => {
            Check::missing(NAME, format!("{chosen} for shared memory: mapping large buffers takes longer"))
                .mend(format!("echo advise | sudo tee {PATH}"))
        }
        _ => Check::ok(NAME, format!("{chosen} for shared memory")),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::State;
    use super::*;

    /// A machine with these files.
    fn machine(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        root
    }

    #[test]
    fn lists_have_ranges() {
        let root = machine(&[("list", "0-2,8,10-11"), ("empty", "")]);
        assert_eq!(list(&root.path().join("list")), [0, 1, 2, 8, 10, 11]);
        assert!(list(&root.path().join("empty")).is_empty() && list(&root.path().join("none")).is_empty());
    }

    #[test]
    fn how_near_two_processors_are_decides() {
        let root = machine(&[
            ("cpu0/topology/thread_siblings_list", "0,4"),
            ("cpu0/cache/index0/level", "1"),
            ("cpu0/cache/index0/shared_cpu_list", "0,4"),
            ("cpu0/cache/index3/level", "3"),
            ("cpu0/cache/index3/shared_cpu_list", "0-7"),
        ]);
        assert_eq!(shared(root.path(), 0, 4), Some(Shared::Core));
        assert_eq!(shared(root.path(), 0, 1), Some(Shared::Cache(3)));
        assert_eq!(shared(root.path(), 0, 9), None);
        assert_eq!(processors(root.path(), &[0, 4]).state, State::Missing);
        assert_eq!(processors(root.path(), &[0, 1]).state, State::Ok);
        assert_eq!(processors(root.path(), &[0]).state, State::Missing);
    }

    #[test]
    fn isolated_processors_are_of_use_to_who_may_use_them() {
        let root = machine(&[("isolated", "2-3")]);
        assert_eq!(isolated(root.path(), &[0, 1, 2, 3]).found, "2, 3");
        let check = isolated(root.path(), &[0, 1]);
        assert_eq!(
            (check.state, check.mend[0].as_str()),
            (State::Missing, "start the host with taskset -c 2,3")
        );
    }

    #[test]
    fn a_clock_that_follows_the_load_is_told() {
        let path = |number| format!("cpu{number}/cpufreq/scaling_governor");
        let root = machine(&[(&path(0), "performance"), (&path(1), "schedutil")]);
        assert_eq!(governor(root.path(), &[0]).state, State::Ok);
        assert_eq!(governor(root.path(), &[0, 1]).state, State::Missing);
        assert_eq!(governor(root.path(), &[2]).state, State::Ok);
    }
}
