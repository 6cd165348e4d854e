//! Where buffers come from that a camera's hardware can reach.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Check;

/// What a host without them does.
const INSTEAD: &str =
    "buffers are memfds, which no camera hardware can reach (the virtual camera needs no more)";
/// The group that cameras' devices have on most systems.
const GROUP: &str = "video";

pub fn checks() -> Vec<Check> {
    vec![heaps(Path::new("/dev/dma_heap")), udmabuf(Path::new("/dev/udmabuf"))]
}

fn heaps(folder: &Path) -> Check {
    const NAME: &str = "DMA heaps";
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut heaps: Vec<PathBuf> = entries.unwrap_or_default();
    heaps.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = |paths: Vec<&PathBuf>| paths.into_iter().map(name).collect::<Vec<_>>().join(", ");
    let (open, closed): (Vec<_>, Vec<_>) = heaps.iter().partition(|path| writable(path).is_ok());
    if !open.is_empty() {
        return Check::ok(NAME, names(open));
    }
    match closed.first() {
        Some(heap) => {
            let mend = Node::of(heap).mends("SUBSYSTEM==\"dma_heap\"", "60-dma-heap.rules");
            let what = names(closed.clone());
            Check { mend, ..Check::missing(NAME, format!("{what} may not be opened: {INSTEAD}")) }
        }
        None => Check::missing(NAME, format!("none: {INSTEAD}"))
            .mend("a kernel with CONFIG_DMABUF_HEAPS and a heap"),
    }
}

fn udmabuf(device: &Path) -> Check {
    const NAME: &str = "udmabuf";
    match writable(device) {
        Ok(()) => Check::ok(NAME, "memfds can be shared with hardware"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let mend = Node::of(device).mends("KERNEL==\"udmabuf\"", "60-udmabuf.rules");
            let path = device.display();
            Check { mend, ..Check::missing(NAME, format!("{path} may not be opened: {INSTEAD}")) }
        }
        Err(_) => Check::missing(NAME, format!("none: {INSTEAD}")).mend("sudo modprobe udmabuf"),
    }
}

fn writable(path: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open(path).map(drop)
}

/// A device that may not be opened.
#[derive(Debug)]
struct Node {
    path: PathBuf,
    /// The group whose members may open it, unless that is root's.
    group: Option<String>,
}

impl Node {
    fn of(path: &Path) -> Self {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let metadata = fs::metadata(path).ok().filter(|metadata| metadata.mode() & 0o060 == 0o060);
        let group = metadata.filter(|metadata| metadata.gid() != 0);
        Self { path: path.to_owned(), group: group.and_then(|metadata| group_name(&groups, metadata.gid())) }
    }

    /// What lets this user open it: for good, and for now. `matches` and `rules` are udev's.
    fn mends(&self, matches: &str, rules: &str) -> Vec<String> {
        let now = format!("for now: sudo setfacl -m u:$USER:rw {}", self.path.display());
        match &self.group {
            Some(group) => vec![format!("sudo usermod -aG {group} $USER, and log in again"), now],
            None => vec![
                format!(
                    "echo '{matches}, GROUP=\"{GROUP}\", MODE=\"0660\"' | sudo tee /etc/udev/rules.d/{rules} && \
                     sudo udevadm control --reload && sudo udevadm trigger {} && sudo usermod -aG {GROUP} $USER, and \
                     log in again",
                    self.path.display()
                ),
                now,
            ],
        }
    }
}

/// The name of a group in the text of `/etc/group`.
fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn heaps_are_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(heaps(folder.path()).state, State::Missing);
        for heap in ["system", "linux,cma"] {
            fs::write(folder.path().join(heap), "").unwrap();
        }
        let check = heaps(folder.path());
        assert_eq!((check.state, check.found.as_str()), (State::Ok, "linux,cma, system"));
    }

    #[test]
    fn a_device_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("udmabuf");
        assert_eq!(udmabuf(&device).state, State::Missing);
        fs::write(&device, "").unwrap();
        assert_eq!(udmabuf(&device).state, State::Ok);
    }

    #[test]
    fn the_group_that_may_is_the_one_to_join() {
        assert_eq!(group_name("root:x:0:\nvideo:x:44:pi,me\n", 44).as_deref(), Some("video"));
        assert_eq!(group_name("root:x:0:\nbroken\n", 44), None);
        let node =
            |group: Option<&str>| Node { path: "/dev/dma_heap/system".into(), group: group.map(Into::into) };
        let mends = node(Some("video")).mends("…", "…");
        assert_eq!(mends[0], "sudo usermod -aG video $USER, and log in again");
        assert_eq!(mends[1], "for now: sudo setfacl -m u:$USER:rw /dev/dma_heap/system");
        let mends = node(None).mends("SUBSYSTEM==\"dma_heap\"", "60-dma-heap.rules");
        assert!(
            mends[0].starts_with(
                "echo 'SUBSYSTEM==\"dma_heap\", GROUP=\"video\", MODE=\"0660\"' | \
                 sudo tee /etc/udev/rules.d/60-dma-heap.rules"
            ),
            "{mends:?}"
        );
    }
}
