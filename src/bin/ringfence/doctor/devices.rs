//! Where buffers come from that a camera's hardware can reach.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Check;

/// What a host without them does.
const INSTEAD: &str =
    "buffers are memfds, which no camera hardware can reach (the virtual camera needs no more)";

pub fn checks() -> Vec<Check> {
    vec![heaps(Path::new("/dev/dma_heap")), udmabuf(Path::new("/dev/udmabuf"))]
}

fn heaps(folder: &Path) -> Check {
    const NAME: &str = "DMA heaps";
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut heaps: Vec<PathBuf> = entries.unwrap_or_default();
    heaps.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (open, closed): (Vec<_>, Vec<_>) = heaps.iter().partition(|path| writable(path).is_ok());
    if !open.is_empty() {
        return Check::ok(NAME, open.into_iter().map(name).collect::<Vec<_>>().join(", "));
    }
    match closed.first() {
        Some(heap) => Check::missing(NAME, format!("{} may not be opened: {INSTEAD}", name(heap)))
            .mend(format!("setfacl -m u:$USER:rw {}", heap.display())),
        None => Check::missing(NAME, format!("none: {INSTEAD}"))
            .mend("a kernel with CONFIG_DMABUF_HEAPS and a heap".to_owned()),
    }
}

fn udmabuf(device: &Path) -> Check {
    const NAME: &str = "udmabuf";
    match writable(device) {
        Ok(()) => Check::ok(NAME, "memfds can be shared with hardware"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Check::missing(NAME, format!("{} may not be opened: {INSTEAD}", device.display()))
                .mend(format!("setfacl -m u:$USER:rw {}", device.display()))
        }
        Err(_) => Check::missing(NAME, format!("none: {INSTEAD}")).mend("modprobe udmabuf".to_owned()),
    }
}

fn writable(path: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open(path).map(drop)
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
}
