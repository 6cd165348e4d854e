//! Workers, modules and keys: whether they are where they are looked for, and whether somebody else could change them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ringfence::ipc::signature::TrustedKeys;
use rustix::process::geteuid;

use super::Check;

/// Names the worker program.
const WORKER: &str = "RINGFENCE_WORKER";
/// Folders of modules, before those built in.
const MODULES: &str = "RINGFENCE_MODULE_PATH";
/// Where modules are looked for without being told.
const BUILT_IN: [&str; 2] = ["/usr/local/lib/ringfence/modules", "/usr/lib/ringfence/modules"];
/// Where keys are looked for.
const KEYS: &str = "/etc/ringfence/keys";

pub fn checks() -> Vec<Check> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let named = set(MODULES);
    let named =
        named.iter().flat_map(|list| env::split_paths(list)).filter(|path| !path.as_os_str().is_empty());
    let folders: Vec<PathBuf> = named.chain(BUILT_IN.map(PathBuf::from)).collect();
    vec![worker(set(WORKER).as_deref()), modules(&folders), keys(Path::new(KEYS))]
}

/// Which program a host starts as a worker, unless it says itself.
fn worker(named: Option<&OsStr>) -> Check {
    const NAME: &str = "worker program";
    if let Some(program) = named.map(Path::new) {
        let shown = program.display();
        let is_program =
            |metadata: &fs::Metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
        return match fs::metadata(program) {
            Ok(metadata) if is_program(&metadata) => {
                Check::ok(NAME, format!("{shown}, which {WORKER} names"))
            }
            Ok(_) => Check::required(NAME, format!("{shown}, which {WORKER} names, is no program"))
                .mend(format!("unset {WORKER}")),
            Err(error) => Check::required(NAME, format!("{shown}, which {WORKER} names: {error}"))
                .mend(format!("unset {WORKER}")),
        };
    }
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join("ringfence-worker")));
    match beside.filter(|path| path.is_file()) {
        Some(path) => Check::ok(NAME, format!("this program is its own; {} for others", path.display())),
        None => Check::ok(NAME, "this program is its own"),
    }
}

/// The folders of modules that are there.
fn modules(folders: &[PathBuf]) -> Check {
    const NAME: &str = "module folders";
    let mut there = Vec::new();
    for folder in folders {
        match fs::metadata(folder) {
            Ok(metadata) if !metadata.is_dir() => {
                return Check::missing(NAME, format!("{} is no folder", folder.display()));
            }
            Ok(metadata) => {
                if let Some((what, mend)) = others_may_write(folder, &metadata) {
                    return Check::missing(NAME, what).mend(mend);
                }
                match count(folder) {
                    Ok(count) => there.push(format!("{} ({count})", folder.display())),
                    Err(error) => return Check::missing(NAME, format!("{}: {error}", folder.display())),
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Check::missing(NAME, format!("{}: {error}", folder.display())),
        }
    }
    if there.is_empty() {
        return Check::missing(NAME, "none: only what is linked in, or named by its path, is found")
            .mend(format!("sudo install -d -m 755 {}", BUILT_IN[0]));
    }
    Check::ok(NAME, there.join(", "))
}

/// How many modules are in a folder, by their names.
fn count(folder: &Path) -> std::io::Result<usize> {
    let is_module = |entry: &fs::DirEntry| entry.path().extension() == Some(OsStr::new("so"));
    Ok(fs::read_dir(folder)?.flatten().filter(is_module).count())
}

/// What is wrong with the owner or the mode of a file that decides what runs, and how to mend it.
fn others_may_write(path: &Path, metadata: &fs::Metadata) -> Option<(String, String)> {
    let shown = path.display();
    if metadata.uid() != 0 && metadata.uid() != geteuid().as_raw() {
        return Some((format!("{shown} belongs to somebody else"), format!("sudo chown root {shown}")));
    }
    (metadata.mode() & 0o022 != 0)
        .then(|| (format!("{shown} can be written by others"), format!("sudo chmod go-w {shown}")))
}

/// The keys whose signatures let a module run outside of a worker.
fn keys(folder: &Path) -> Check {
    const NAME: &str = "keys";
    let shown = folder.display();
    match TrustedKeys::none().add_folder(folder) {
        Ok(keys) if keys.is_empty() => {
            Check::ok(NAME, format!("none in {shown}: every module file runs in a worker"))
        }
        Ok(keys) => Check::ok(NAME, format!("{} in {shown}", keys.iter().count())),
        Err(error) if error.is_missing() => {
            Check::ok(NAME, format!("no {shown}: every module file runs in a worker"))
        }
        Err(error) => Check::missing(NAME, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_worker_that_is_named_must_be_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("worker");
        assert_eq!(worker(Some(file.as_os_str())).state, State::Required);
        fs::write(&file, "").unwrap();
        mode(&file, 0o644);
        assert_eq!(worker(Some(file.as_os_str())).state, State::Required);
        mode(&file, 0o755);
        assert_eq!(worker(Some(file.as_os_str())).state, State::Ok);
        assert_eq!(worker(None).state, State::Ok);
    }

    #[test]
    fn a_folder_that_others_can_write_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let modules_folder = folder.path().join("modules");
        let folders = [modules_folder.clone()];
        assert_eq!(modules(&folders).state, State::Missing);
        fs::create_dir(&modules_folder).unwrap();
        mode(&modules_folder, 0o755);
        for name in ["a.so", "b.so", "a.so.sig"] {
            fs::write(modules_folder.join(name), "").unwrap();
        }
        assert_eq!(modules(&folders).found, format!("{} (2)", modules_folder.display()));
        mode(&modules_folder, 0o777);
        let check = modules(&folders);
        assert_eq!(check.state, State::Missing);
        assert_eq!(check.mend, [format!("sudo chmod go-w {}", modules_folder.display())]);
    }

    #[test]
    fn keys_that_others_can_write_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(keys(&folder.path().join("none")).state, State::Ok);
        mode(folder.path(), 0o755);
        assert_eq!(keys(folder.path()).state, State::Ok);
        mode(folder.path(), 0o777);
        assert_eq!(keys(folder.path()).state, State::Missing);
    }
}
