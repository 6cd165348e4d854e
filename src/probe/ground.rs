//! What the host lays out for a worker to reach for, and how it sees that something was reached.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;

use rustix::fs::{
    MemfdFlags, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fcntl_getfl, fstat, ftruncate,
    memfd_create,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// What the secret file says.
const SECRET: &str = "nobody may read this\n";
/// Bytes of the buffer, and each of them.
const BUFFER_BYTES: usize = 64 << 10;
const BUFFER_BYTE: u8 = 0x5a;

/// Nothing could be laid out.
#[derive(Debug, thiserror::Error)]
#[error("{what} could not be laid out for the probe: {source}")]
pub struct GroundError {
    what: &'static str,
    source: io::Error,
}

/// Where a worker finds what it is to reach for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ground {
    /// The host's process id.
    pub host: u32,
    /// Home of the host's user.
    pub home: PathBuf,
    /// A folder with the file `secret` and the socket `socket`.
    pub folder: PathBuf,
    /// A TCP port that the host listens on.
    pub port: u16,
    /// Name of an abstract socket that the host listens on.
    pub abstract_name: String,
}

/// The host's side of it. Gone when dropped.
#[derive(Debug)]
pub(super) struct Laid {
    ground: Ground,
    folder: TempDir,
    tcp: TcpListener,
    unix: UnixListener,
    named: UnixListener,
    buffer: OwnedFd,
}

impl Laid {
    pub fn new() -> Result<Self, GroundError> {
        let failed = |what| move |source| GroundError { what, source };
        let folder = tempfile::Builder::new().prefix("ringfence-probe-").tempdir();
        let folder = folder.map_err(failed("a folder"))?;
        fs::write(folder.path().join("secret"), SECRET).map_err(failed("a file"))?;
        let unix = UnixListener::bind(folder.path().join("socket")).map_err(failed("a Unix socket"))?;
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let named =
            SocketAddr::from_abstract_name(&name).and_then(|address| UnixListener::bind_addr(&address));
        let named = named.map_err(failed("an abstract socket"))?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("a TCP port"))?;
        let port = tcp.local_addr().map_err(failed("a TCP port"))?.port();
        let quiet =
            tcp.set_nonblocking(true).and(unix.set_nonblocking(true)).and(named.set_nonblocking(true));
        quiet.map_err(failed("a socket that does not block"))?;
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let ground = Ground {
            host: std::process::id(),
            home,
            folder: folder.path().to_owned(),
            port,
            abstract_name: name,
        };
        let buffer = buffer().map_err(|errno| failed("a shared buffer")(errno.into()))?;
        Ok(Self { ground, folder, tcp, unix, named, buffer })
    }

    /// What the worker is told.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The buffer for it to map.
    pub fn buffer(&self) -> io::Result<OwnedFd> {
        self.buffer.try_clone()
    }

    /// What was touched of all that, if anything was.
    pub fn touched(&self) -> Option<&'static str> {
        let files = || -> io::Result<bool> {
            let path = self.folder.path();
            let count = fs::read_dir(path)?.count();
            let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path.join("secret"))?);
            Ok(count == 2 && fs::read(path.join("secret"))? == SECRET.as_bytes() && mode & 0o111 == 0)
        };
        let content = || -> io::Result<bool> {
            let mut bytes = vec![0; BUFFER_BYTES];
            rustix::io::pread(&self.buffer, &mut bytes, 0)?;
            Ok(bytes.iter().all(|byte| *byte == BUFFER_BYTE)
                && fstat(&self.buffer)?.st_size == BUFFER_BYTES as i64
                && fcntl_get_seals(&self.buffer)? == seals()
                && !fcntl_getfl(&self.buffer)?.contains(OFlags::NONBLOCK))
        };
        if self.tcp.accept().is_ok() {
            Some("the host's TCP port was connected to")
        } else if self.unix.accept().is_ok() || self.named.accept().is_ok() {
            Some("the host's Unix socket was connected to")
        } else if !files().unwrap_or(false) {
            Some("the host's files were changed")
        } else if !content().unwrap_or(false) {
            Some("the shared buffer was changed")
        } else {
            None
        }
    }
}

fn seals() -> SealFlags {
    SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL
}

fn buffer() -> rustix::io::Result<OwnedFd> {
    let fd = memfd_create("ringfence-probe", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&fd, BUFFER_BYTES as u64)?;
    rustix::io::pwrite(&fd, &[BUFFER_BYTE; BUFFER_BYTES], 0)?;
    fcntl_add_seals(&fd, seals())?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Touch = (&'static str, fn(&Laid));

    #[test]
    fn every_touch_is_seen() {
        let touches: &[Touch] = &[
            ("TCP", |laid| drop(std::net::TcpStream::connect(laid.tcp.local_addr().unwrap()).unwrap())),
            ("Unix", |laid| {
                drop(std::os::unix::net::UnixStream::connect(laid.ground.folder.join("socket")).unwrap());
            }),
            ("files", |laid| fs::write(laid.ground.folder.join("new"), "").unwrap()),
            ("files", |laid| fs::write(laid.ground.folder.join("secret"), "").unwrap()),
            ("files", |laid| fs::remove_file(laid.ground.folder.join("secret")).unwrap()),
            ("buffer", |laid| assert_eq!(rustix::io::pwrite(&laid.buffer, &[0], 7), Ok(1))),
            ("buffer", |laid| rustix::fs::fcntl_setfl(&laid.buffer, OFlags::NONBLOCK).unwrap()),
        ];
        for (what, touch) in touches {
            let laid = Laid::new().unwrap();
            assert_eq!(laid.touched(), None);
            touch(&laid);
            assert!(laid.touched().is_some_and(|touched| touched.contains(what)), "{what}");
        }
    }
}
