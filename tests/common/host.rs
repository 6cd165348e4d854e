//! A libcamera host as far as a worker can see one: it starts the program as libcamera does, and speaks bytes.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::datagrams::{receive, send, send_with};

/// A worker that was started.
#[derive(Debug)]
pub struct Started {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    /// The host's end of the connection.
    pub socket: OwnedFd,
}

/// A pair of sockets as libcamera makes it: the host's end, here a blocking one that gives up some time, and the
/// worker's, which does not block.
pub fn sockets() -> (OwnedFd, OwnedFd) {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).unwrap();
    ioctl_fionbio(&theirs, true).unwrap();
    // What does not come by then does not come at all.
    set_socket_timeout(&ours, Timeout::Recv, Some(Duration::from_secs(60))).unwrap();
    (ours, theirs)
}

impl Started {
    /// Starts `program` in `folder`, for a module that there is not.
    pub fn new(program: impl AsRef<Path>, folder: &Path) -> Self {
        let (socket, theirs) = sockets();
        let mut command = Command::new(program.as_ref());
        command
            .args(["/nowhere/ipa_none.so", &theirs.as_raw_fd().to_string()])
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .env_remove("LIBCAMERA_LOG_LEVELS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let inherit = move || Ok(fcntl_setfd(&theirs, FdFlags::empty())?);
        // SAFETY: one system call, which is async-signal-safe.
        unsafe { command.pre_exec(inherit) };
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, stderr: Some(stderr), socket }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `bytes` as a call, and checks that this is the answer.
    #[track_caller]
    pub fn expect(&self, bytes: &[u8], answer: &[u8]) {
        send(&self.socket, bytes, 0);
        assert_eq!(receive(&self.socket), (answer.to_vec(), 0));
    }

    /// Asks it to end.
    pub fn exit(self) -> (ExitStatus, String) {
        send(&self.socket, &[0; 8], 0);
        self.wait()
    }

    /// Waits for its end: its status, and what it wrote to standard error.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a call or an event: its number, its cookie, and so many words.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Memory of so many bytes.
pub fn memory(bytes: u64) -> OwnedFd {
    let fd = memfd_create("ringfence-test", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&fd, bytes).unwrap();
    fd
}

/// What was written to a file that begins with nothing.
pub fn written(fd: &OwnedFd) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 10];
    let length = rustix::io::pread(fd.as_fd(), &mut bytes, 0).unwrap();
    bytes.truncate(length);
    bytes
}

/// A call that maps buffers of one page each, with these ids: the descriptors go with it.
pub fn map_buffers(cookie: u32, ids: &[u32]) -> Vec<u8> {
    let mut bytes = words(&[5, cookie, ids.len() as u32]);
    for id in ids {
        // Sizes and descriptors of the buffer, its id, those of its planes; one plane, and those of it.
        bytes.extend(words(&[36, 1, *id, 24, 1, 1, 12, 1, 1, 0, 4096]));
    }
    bytes
}

/// A call of the vimc interface's `computeParams`, which has no reply.
pub fn compute_params(cookie: u32, frame: u32, buffer: u32) -> Vec<u8> {
    words(&[8, cookie, 4, 4, frame, buffer])
}

/// The event that follows it, if the buffer is mapped.
pub fn params_computed(buffer: u32) -> Vec<u8> {
    words(&[1, 0, 4, 4, buffer, 0])
}

/// Makes a worker of the vimc interface send more events than any socket holds, and begins to read only when nothing moves
/// any more: all have to be there, whole and in order.
pub fn flood(worker: &Started) {
    const FRAMES: u32 = 2000;
    let buffers = [7, 8, 9];
    let pages: Vec<OwnedFd> = buffers.iter().map(|_| memory(4096)).collect();
    let pages: Vec<_> = pages.iter().map(AsFd::as_fd).collect();
    send_with(&worker.socket, &map_buffers(1, &buffers), &pages);
    assert_eq!(receive(&worker.socket).0, words(&[5, 1]));
    let buffer_of = |frame: u32| buffers[frame as usize % buffers.len()];
    let sent = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for frame in 0..FRAMES {
                send(&worker.socket, &compute_params(2 + frame, frame, buffer_of(frame)), 0);
                // ORDERING: Relaxed: only looked at to see whether it still changes.
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut before = 0;
        loop {
            std::thread::sleep(Duration::from_millis(300));
            // ORDERING: as above.
            let now = sent.load(Ordering::Relaxed);
            if now == before && now > 0 {
                break;
            }
            before = now;
        }
        assert!(before < FRAMES, "the sockets hold everything, so nothing had to wait");
        for frame in 0..FRAMES {
            let event = receive(&worker.socket);
            assert_eq!(event, (params_computed(buffer_of(frame)), 0), "frame {frame}");
        }
    });
}

/// Starts `program` below a process that stands for a host, and returns that process, our end of the connection, and
/// the process id of the worker.
pub fn below_a_host(program: impl AsRef<Path>) -> (Child, OwnedFd, u32) {
    let (socket, theirs) = sockets();
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            r#""$0" /nowhere/ipa_none.so "$1" >/dev/null 2>&1 & echo $!; exec sleep 600 >/dev/null"#,
        ])
        .arg(program.as_ref())
        .arg(theirs.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let inherit = move || Ok(fcntl_setfd(&theirs, FdFlags::empty())?);
    // SAFETY: one system call, which is async-signal-safe.
    unsafe { command.pre_exec(inherit) };
    let mut host = command.spawn().unwrap();
    let mut pid = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    (host, socket, pid.trim().parse().unwrap())
}
