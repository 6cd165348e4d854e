//! Loads a module into this process, and has it serve a connection.
//!
//! A module is never unloaded: threads of it may run on, and destructors of its thread-local values wait for their
//! threads. So each copy of the same bytes is loaded once, however often it is read.

use std::ffi::{CStr, c_void};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use parking_lot::Mutex;
use rustix::io::{FdFlags, fcntl_setfd};

use super::abi::{INFO_SYMBOL, OWN_PROCESS, RECORD_BYTES, SERVE_SYMBOL, Serve};
use super::{ModuleError, ModuleFile};
use crate::ipc::printable::printable_line;
use crate::ipc::{Endpoint, ServeError};

/// Bytes that a module has for its reason.
const REASON_BYTES: usize = 1024;

/// What is loaded.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

struct Loaded {
    /// Kept for ever, so that no other file gets the number of its descriptor: the dynamic linker knows what it has loaded
    /// by its path, which is that number.
    file: ModuleFile,
    serve: Serve,
}

impl ModuleFile {
    /// Loads the module into this process, unless it is, and serves one connection until the host is done: for
    /// [`Mode::Threaded`](crate::ipc::Mode::Threaded). What the module does wrong then, it does to this process.
    ///
    /// The module logs nothing: it has a copy of this library of its own, and with it a log of its own, that nobody reads.
    ///
    /// # Errors
    /// [`ServeError::Load`] if it cannot be loaded, and [`ServeError::Module`] with its own reason if it did not serve
    /// well.
    ///
    /// ```no_run
    /// use ringfence::interfaces::rpi;
    /// use ringfence::ipc::module::ModuleFile;
    /// use ringfence::ipc::{Connection, Options};
    ///
    /// let module = ModuleFile::read("/usr/lib/ringfence/modules/rpi.so")?;
    /// module.fits(&rpi::INTERFACE)?;
    /// let connection =
    ///     Connection::threaded(&rpi::INTERFACE, &Options::new(), move |endpoint| module.serve(endpoint))?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve(&self, endpoint: Endpoint) -> Result<(), ServeError> {
        let flags = if endpoint.is_isolated() { OWN_PROCESS } else { 0 };
        let serve = self.load()?;
        let mut reason = [0u8; REASON_BYTES];
        let socket = endpoint.into_fd().into_raw_fd();
        // SAFETY: the module is loaded for good, and its function is called as the ABI says: it owns the socket, and may
        // write so many bytes to the buffer.
        let code = unsafe { serve(socket, flags, reason.as_mut_ptr().cast(), REASON_BYTES) };
        if code == 0 {
            return Ok(());
        }
        let text = CStr::from_bytes_until_nul(&reason).unwrap_or_default().to_string_lossy();
        let reason =
            if text.is_empty() { format!("no reason, but code {code}") } else { printable_line(&text) };
        Err(ServeError::Module { module: self.info().to_string(), reason })
    }

    /// The function of the module, which is loaded then.
    fn load(&self) -> Result<Serve, ModuleError> {
        // Loading takes turns, as it does in the dynamic linker.
        let mut loaded = LOADED.lock();
        let known = loaded.iter().find(|known| known.file.digest() == self.digest());
        if let Some(known) = known {
            return Ok(known.serve);
        }
        let path = || self.path().to_owned();
        let failed = |error: libloading::Error| {
            let reason = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
            ModuleError::Load { path: path(), reason: printable_line(&reason) }
        };
        // SAFETY: code of the module runs here. Whoever calls this has decided that it may.
        let library = unsafe { Library::open(Some(self.link()), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)?;
        // SAFETY: only its address is used, below.
        let info = unsafe { library.get::<*const c_void>(INFO_SYMBOL) }.map_err(failed)?.as_raw_ptr();
        // SAFETY: the symbol has so many bytes in the file, and a module that lies about that is loaded all the same: it
        // could do worse than to let this read fail.
        let record = unsafe { info.cast::<[u8; RECORD_BYTES]>().read_unaligned() };
        if record != *self.record() {
            return Err(ModuleError::Changed { path: path() });
        }
        // SAFETY: the ABI, whose version the record has, says what type the function has.
        let serve = unsafe { *library.get::<Serve>(SERVE_SYMBOL).map_err(failed)? };
        // For ever.
        let _ = library.into_raw();
        tracing::debug!(module = %self.info(), path = %self.path().display(), "loaded a module");
        loaded.push(Loaded { file: self.clone(), serve });
        Ok(serve)
    }
}

/// Serves, in a worker process, the module of which the host has passed on a sealed copy under this number.
pub(in crate::ipc) fn serve_passed(number: &str) -> Result<(), ServeError> {
    let number = number.parse::<RawFd>().ok().filter(|number| *number > 2).ok_or(ServeError::NotAWorker)?;
    // SAFETY: the host has opened it for this, as it says in a variable that nobody else sets; it is taken once, by a
    // process that does nothing but serve.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC)
        .map_err(|errno| ServeError::System { call: "fcntl(F_SETFD)", errno })?;
    // First, since from then on this process ends with its host, whatever the module does as it is loaded.
    let endpoint = Endpoint::from_stdin()?;
    ModuleFile::adopt(fd)?.serve(endpoint)
}
