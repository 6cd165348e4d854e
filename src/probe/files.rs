//! Attempts on files and sockets.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::attempts::{Attempt, Need};
use super::call::{tried, tried_fd};

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("open-shadow", "read the passwords in /etc/shadow", |_, _| read("/etc/shadow"))
        .needs(Need::Favour),
    Attempt::new("open-passwd", "read the names in /etc/passwd", |_, _| read("/etc/passwd")),
    Attempt::new("open-home", "list the user's home", |ground, _| read(&ground.home)),
    Attempt::new("open-root", "list /", |_, _| read("/")),
    Attempt::new("open-secret", "read a file of the host's", |ground, _| read(ground.folder.join("secret"))),
    Attempt::new("write-file", "write a new file in a folder of the host's", |ground, _| {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        open(ground.folder.join("written"), flags)
    }),
    Attempt::new("overwrite-file", "overwrite a file of the host's", |ground, _| {
        open(ground.folder.join("secret"), OFlags::WRONLY | OFlags::TRUNC)
    }),
    Attempt::new("temporary-file", "make a file without a name in /tmp", |_, _| {
        open("/tmp", OFlags::WRONLY | OFlags::TMPFILE)
    })
    .needs(Need::Favour),
    Attempt::new("shm-open", "make a named shared memory", |_, _| {
        let path = format!("/dev/shm/ringfence-probe-{}", std::process::id());
        open(&path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        rustix::fs::unlink(path)
    }),
    Attempt::new("unlink", "remove a file of the host's", |ground, _| {
        rustix::fs::unlink(ground.folder.join("secret"))
    }),
    Attempt::new("rename", "rename a file of the host's", |ground, _| {
        rustix::fs::rename(ground.folder.join("secret"), ground.folder.join("renamed"))
    }),
    Attempt::new("mkdir", "make a folder", |ground, _| {
        rustix::fs::mkdir(ground.folder.join("made"), Mode::RWXU)
    }),
    Attempt::new("symlink", "make a link", |ground, _| {
        rustix::fs::symlink("/etc/shadow", ground.folder.join("link"))
    }),
    Attempt::new("chmod", "change who may read a file", |ground, _| {
        rustix::fs::chmod(ground.folder.join("secret"), Mode::from(0o777))
    }),
    Attempt::new("chdir", "go to another folder", |_, _| rustix::process::chdir("/")),
    Attempt::new("host-environment", "read the host's environment", |ground, _| {
        read(format!("/proc/{}/environ", ground.host))
    }),
    Attempt::new("host-memory", "open the host's memory for writing", |ground, _| {
        open(format!("/proc/{}/mem", ground.host), OFlags::RDWR)
    }),
    Attempt::new(
        "host-descriptors",
        "list the host's descriptors, to take a buffer that was not given",
        |ground, _| read(format!("/proc/{}/fd", ground.host)),
    ),
    Attempt::new("tcp-connect", "connect to a TCP port of the host's", |ground, _| {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, ground.port);
        TcpStream::connect(address).map(drop).map_err(errno)
    }),
    Attempt::new("udp-socket", "make a socket for datagrams", |_, _| {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop).map_err(errno)
    }),
    Attempt::new("unix-connect", "connect to a Unix socket of the host's", |ground, _| {
        UnixStream::connect(ground.folder.join("socket")).map(drop).map_err(errno)
    }),
    Attempt::new("abstract-connect", "connect to an abstract Unix socket of the host's", |ground, _| {
        let address = SocketAddr::from_abstract_name(&ground.abstract_name).map_err(errno)?;
        UnixStream::connect_addr(&address).map(drop).map_err(errno)
    }),
    // AF_NETLINK, SOCK_RAW.
    Attempt::new("netlink", "ask the kernel about the network", |_, _| tried_fd("socket", &[16, 3, 0])),
    Attempt::new("socketpair", "make two connected sockets", |_, _| {
        let mut fds = [0_i32; 2];
        tried("socketpair", &[1, 1, 0, (&raw mut fds).addr()])
    }),
    Attempt::new("inotify", "watch files", |_, _| tried_fd("inotify_init1", &[0])),
    Attempt::new("fanotify", "watch a file system", |_, _| tried_fd("fanotify_init", &[0, 0]))
        .needs(Need::Favour),
    Attempt::new("memfd", "make memory that is charged to nobody", |_, _| {
        tried_fd("memfd_create", &[c"probe".as_ptr().addr(), 0])
    }),
];

fn open(path: impl AsRef<Path>, flags: OFlags) -> Result<(), Errno> {
    rustix::fs::open(path.as_ref(), flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR).map(drop)
}

fn read(path: impl AsRef<Path>) -> Result<(), Errno> {
    open(path, OFlags::RDONLY)
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
