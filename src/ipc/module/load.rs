//! Loads a module into this process, and has it serve a connection.
//!
//! A module is never unloaded: threads of it may run on, and destructors of its thread-local values wait for their
//! threads. So each copy of the same bytes is loaded once, however often it is read.

use std::ffi::{CStr, c_void};
use std::mem::ManuallyDrop;
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
    /// Nothing, if it is not what its file says.
    serve: Option<Serve>,
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
        let path = || self.path().to_owned();
        if let Some(known) = known {
            return known.serve.ok_or_else(|| ModuleError::Changed { path: path() });
        }
        let failed = |error: libloading::Error| {
            let reason = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
            ModuleError::Load { path: path(), reason: printable_line(&reason) }
        };
        // SAFETY: code of the module runs here. Whoever calls this has decided that it may.
        let library = unsafe { Library::open(Some(self.link()), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)?;
        // From here on it is there for ever, even if it is refused: it can see to it that it is not unloaded.
        let library = ManuallyDrop::new(library);
        loaded.push(Loaded { file: self.clone(), serve: None });
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
        tracing::debug!(module = %self.info(), path = %self.path().display(), "loaded a module");
        if let Some(loaded) = loaded.last_mut() {
            loaded.serve = Some(serve);
        }
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::ipc::module::file_tests::record;
    use crate::ipc::socket::Socket;

    /// Builds a module that says this of itself in its file, and that once it is loaded.
    fn module(folder: &std::path::Path, says: &[u8], then: &[u8], reason: &str) -> ModuleFile {
        let list = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let source = format!(
            "#include <string.h>\n\
             unsigned char ringfence_module_info[512] = {{{}}};\n\
             static const unsigned char then[512] = {{{}}};\n\
             __attribute__((constructor)) static void start(void) {{ memcpy(ringfence_module_info, then, 512); }}\n\
             int ringfence_module_serve(int socket, unsigned flags, char *reason, size_t bytes) {{\n\
                 strncpy(reason, \"{reason}\", bytes);\n\
                 return 1;\n\
             }}\n",
            list(says),
            list(then)
        );
        let (code, file) = (folder.join("module.c"), folder.join("module.so"));
        std::fs::write(&code, source).unwrap();
        let mut command = Command::new("cc");
        // It stays where it is once it is loaded.
        command.args(["-shared", "-fPIC", "-Wl,-z,nodelete", "-o"]).arg(&file).arg(code);
        assert!(command.status().unwrap().success());
        ModuleFile::read(file).unwrap()
    }

    fn serve(module: &ModuleFile) -> String {
        let (_host, socket) = Socket::pair().unwrap();
        module.serve(Endpoint::adopt(socket, false)).unwrap_err().to_string()
    }

    /// The number of its descriptor stays its own: the dynamic linker takes who comes with it for the one that it has.
    #[test]
    fn a_module_that_is_refused_is_not_taken_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let (honest, mut other) = (record(), record());
        other[16] = 9;
        let liar = module(folder.path(), &other, &honest, "the liar");
        for _ in 0..2 {
            let said = serve(&liar);
            assert!(said.contains("record") && !said.contains("the liar"), "{said}");
        }
        let link = liar.link();
        drop(liar);
        let next = module(folder.path(), &honest, &honest, "the next");
        assert_ne!(next.link(), link);
        let said = serve(&next);
        assert!(said.contains("the next"), "{said}");
    }
}
