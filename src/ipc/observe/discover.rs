//! Finding pages among the descriptors of processes.

use std::fs::{metadata, read_dir, read_link, read_to_string};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{FileType, Mode as FileMode, OFlags, fstat, open};
use rustix::io::Errno;

use super::describe::{Described, describe};
use super::{Observed, RingMemory, map_page, word};
use crate::ipc::status::layout::{CLOSED, NAME, RING_NAMES};
use crate::shm::{Geometry, SharedMemory};

/// The most connections of one process that are looked at: more than it has descriptors for, unless its limit was raised.
const MOST_PAGES: usize = 4096;

/// The connections of all hosts whose descriptors this process may look at: as a rule those of the same user, or of
/// everybody for root.
///
/// Closed connections, pages that this version does not understand, and what only looks like one, are left out.
#[must_use]
pub fn connections() -> Vec<Observed> {
    let Ok(processes) = read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found: Vec<Observed> = pids.flat_map(connections_of).collect();
    found.sort_by_key(|it| (it.host_pid, it.since_ns, it.id));
    found
}

/// The connections of the host with this process id; none if there is no such process, or if this one may not look into it.
#[must_use]
pub fn connections_of(pid: u32) -> Vec<Observed> {
    let names = [NAME, RING_NAMES[0], RING_NAMES[1]].map(|name| format!("/memfd:{name} (deleted)"));
    let mut fds: [Vec<PathBuf>; 3] = Default::default();
    let Ok(entries) = read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).take(1 << 20) {
        let Ok(link) = read_link(&path) else { continue };
        if let Some(kind) = names.iter().position(|name| link.as_os_str() == name.as_str())
            && fds[kind].len() < MOST_PAGES
        {
            fds[kind].push(path);
        }
    }
    let [pages, to_module, to_host] = fds;
    if pages.is_empty() {
        return Vec::new();
    }
    let rings = [to_module, to_host].map(with_inodes);
    let mut found: Vec<Observed> = Vec::new();
    for (path, inode) in with_inodes(pages) {
        // The same page twice is one connection.
        if found.iter().all(|other| other.found_at.inode != inode) {
            match look(pid, path, inode, &rings) {
                Ok(observed) => found.extend(observed),
                Err(error) => tracing::debug!(pid, "a page cannot be read: {error}"),
            }
        }
    }
    found
}

/// Where a page was found.
#[derive(Debug)]
pub(super) struct FoundAt {
    path: PathBuf,
    inode: u64,
}

impl FoundAt {
    /// Whether the process still has it there.
    pub fn is_still_there(&self) -> bool {
        metadata(&self.path).is_ok_and(|file| file.ino() == self.inode)
    }
}

fn with_inodes(paths: Vec<PathBuf>) -> Vec<(PathBuf, u64)> {
    paths.into_iter().filter_map(|path| Some((path.clone(), metadata(path).ok()?.ino()))).collect()
}

fn look(
    pid: u32,
    path: PathBuf,
    inode: u64,
    rings: &[Vec<(PathBuf, u64)>; 2],
) -> Result<Option<Observed>, Box<dyn std::error::Error>> {
    let (memory, page) = map_page(reopen(&path, OFlags::RDWR)?)?;
    let inode_now = memory.inode()?;
    let is_of_host = |described: &Described| inode_now == inode && is_called(pid, described.host_pid);
    let Some(described) = describe(&page).filter(is_of_host) else { return Ok(None) };
    if word(&page, CLOSED) != 0 {
        return Ok(None);
    }
    // Rings that are not there, or not what they should be, leave a connection without counts.
    let ring = |index: usize| {
        let (inode, lines) = described.rings[index];
        let (path, _) = rings[index].iter().find(|(_, found)| *found == inode && inode != 0)?;
        let geometry = Geometry::from_lines(lines)?;
        let memory = SharedMemory::adopt(reopen(path, OFlags::RDONLY).ok()?, geometry.memory_bytes()).ok()?;
        Some(RingMemory { memory, lines })
    };
    let rings = ring(0).and_then(|to_module| Some([to_module, ring(1)?]));
    Ok(Some(Observed {
        id: described.id,
        host_pid: pid,
        worker_pid: described.worker_pid,
        mode: described.mode,
        interface: described.interface,
        interface_hash: described.interface_hash,
        encoding: described.encoding,
        component: described.component,
        label: described.label,
        methods: described.methods,
        events: described.events,
        since_ns: described.since_ns,
        memory,
        found_at: FoundAt { path, inode },
        page: Arc::new(page),
        rings,
    }))
}

/// Whether the process that we know as `pid` knows itself as `name`, perhaps in a PID namespace of its own. Who only has the
/// page open, as observers do, and children that were forked and have not begun their own program, are not its host.
fn is_called(pid: u32, name: u32) -> bool {
    let is_name = |text: &str| text.parse() == Ok(name);
    pid == name
        || read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
            let names = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            names.and_then(|names| names.split_whitespace().next_back()).is_some_and(is_name)
        })
}

/// Opens what a process has open, if it is a plain file: to open anything else could have an effect.
fn reopen(path: &std::path::Path, access: OFlags) -> Result<OwnedFd, Errno> {
    let handle = open(path, OFlags::PATH | OFlags::CLOEXEC, FileMode::empty())?;
    if FileType::from_raw_mode(fstat(&handle)?.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    open(format!("/proc/self/fd/{}", handle.as_raw_fd()), access | OFlags::CLOEXEC, FileMode::empty())
}
