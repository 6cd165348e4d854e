//! Makes a module of a `cdylib`: its record, and the function that C sees.

use std::any::Any;
use std::ffi::{c_char, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::abi::OWN_PROCESS;
use crate::ipc::{Endpoint, ServeError};

/// What a module answers if it did not serve well.
const FAILED: i32 = 1;

/// Makes a module of this `cdylib`: it exports the module's record and the function that serves a connection.
///
/// | argument | what |
/// |---|---|
/// | `name` | name of the module, of 1 to 63 bytes |
/// | `version` | its version: major, minor, patch |
/// | `pipeline` | the pipeline that it is for, of 1 to 63 bytes |
/// | `pipeline_versions` | the versions of that which it fits, such as `1..=3` |
/// | `interface` | the `INTERFACE` of the generated code |
/// | `serve` | serves a connection: a function or a closure without captures that calls the generated `serve` |
/// | `loads_until` | optional: the mojom method in whose first call the module still opens files; if nothing is said, it opens none after the handshake |
///
/// What cannot be said in a record, such as a name that is too long, is an error of the compiler, and so is a `loads_until`
/// that is no method of the interface.
///
/// A crate does this once. Its symbols are public: a program cannot link two such crates, but load as many as it likes. A
/// crate that forbids unsafe code has to deny it instead, since to export a symbol counts as such.
///
/// ```
/// use ringfence::interfaces::vimc;
/// use ringfence::vimc::Vimc;
///
/// ringfence::export_module! {
///     name: "vimc",
///     version: (1, 0, 0),
///     pipeline: "vimc",
///     pipeline_versions: 1..=1,
///     interface: vimc::INTERFACE,
///     serve: |endpoint| vimc::serve(endpoint, Vimc::new),
///     loads_until: "init",
/// }
/// # fn main() {}
/// ```
///
/// ```compile_fail
/// # use ringfence::interfaces::vimc;
/// # use ringfence::vimc::Vimc;
/// ringfence::export_module! {
///     name: "vimc",
///     version: (1, 0, 0),
///     pipeline: "vimc",
///     pipeline_versions: 1..=1,
///     interface: vimc::INTERFACE,
///     serve: |endpoint| vimc::serve(endpoint, Vimc::new),
///     loads_until: "there is no such method",
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_module {
    (
        name: $name:expr,
        version: $version:expr,
        pipeline: $pipeline:expr,
        pipeline_versions: $pipeline_versions:expr,
        interface: $interface:expr,
        serve: $serve:expr $(,)?
    ) => {
        $crate::export_module! {
            name: $name,
            version: $version,
            pipeline: $pipeline,
            pipeline_versions: $pipeline_versions,
            interface: $interface,
            serve: $serve,
            loads_until: "",
        }
    };
    (
        name: $name:expr,
        version: $version:expr,
        pipeline: $pipeline:expr,
        pipeline_versions: $pipeline_versions:expr,
        interface: $interface:expr,
        serve: $serve:expr,
        loads_until: $loads_until:expr $(,)?
    ) => {
        /// What the module says of itself.
        #[allow(non_upper_case_globals, unsafe_code)]
        #[unsafe(no_mangle)]
        #[used]
        pub static ringfence_module_info: $crate::ipc::module::abi::Record = {
            let interface: &$crate::ipc::Interface = &$interface;
            let versions: ::core::ops::RangeInclusive<u32> = $pipeline_versions;
            $crate::ipc::module::abi::Record::describing(&$crate::ipc::module::abi::Description {
                name: $name,
                version: $version,
                pipeline: $pipeline,
                pipeline_versions: (*versions.start(), *versions.end()),
                interface,
                loads_until: $loads_until,
            })
        };

        /// Serves one connection.
        ///
        /// # Safety
        /// As the module ABI says: `socket` is the function's to close, and `reason` has room for `reason_bytes` bytes.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn ringfence_module_serve(
            socket: ::core::ffi::c_int,
            flags: u32,
            reason: *mut ::core::ffi::c_char,
            reason_bytes: usize,
        ) -> i32 {
            // SAFETY: the caller keeps to the same rules.
            unsafe { $crate::ipc::module::serve_exported(socket, flags, reason, reason_bytes, $serve) }
        }
    };
}

/// What the function of [`export_module!`](crate::export_module) does.
///
/// # Safety
/// `socket` is a descriptor that nobody else owns, or -1. `reason` can be written to for `reason_bytes` bytes, unless they
/// are none.
#[doc(hidden)]
pub unsafe fn serve_exported(
    socket: c_int,
    flags: u32,
    reason: *mut c_char,
    reason_bytes: usize,
    serve: fn(Endpoint) -> Result<(), ServeError>,
) -> i32 {
    // SAFETY: the caller says so. A negative number is no descriptor.
    let socket = (socket >= 0).then(|| unsafe { OwnedFd::from_raw_fd(socket) });
    let own_process = flags & OWN_PROCESS != 0;
    let served = catch_unwind(AssertUnwindSafe(|| {
        if own_process {
            log_to_stderr();
        }
        serve(Endpoint::adopt(socket.ok_or(ServeError::NotAWorker)?, own_process))
    }));
    let text = match served {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = format!("it panicked: {}", panic_message(&*panic));
            // To drop it could panic again.
            std::mem::forget(panic);
            text
        }
    };
    let end = text.floor_char_boundary(reason_bytes.saturating_sub(1));
    if reason_bytes > 0 && !reason.is_null() {
        // SAFETY: `end` is less than `reason_bytes`, for which the caller vouches.
        unsafe {
            reason.copy_from_nonoverlapping(text.as_ptr().cast(), end);
            reason.add(end).write(0);
        }
    }
    FAILED
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Logs what `RUST_LOG` asks for, else the important: this library is here once more, and its log with it. The host adds
/// time and level to each line. If somebody else has begun to log, so be it.
///
/// Without the feature `log`, the module's author sees to it.
#[cfg(feature = "log")]
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;

    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.without_time().with_target(false).with_ansi(false).try_init();
}

#[cfg(not(feature = "log"))]
fn log_to_stderr() {}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;
    use crate::ipc::socket::Socket;

    /// Calls it as C does, with so much room for a reason.
    fn call(room: usize, serve: fn(Endpoint) -> Result<(), ServeError>) -> (i32, Vec<u8>) {
        let (_host, socket) = Socket::pair().unwrap();
        let mut reason = vec![0x7fu8; room + 1];
        // SAFETY: the socket is nobody's any more, and there is so much room.
        let code =
            unsafe { serve_exported(socket.into_raw_fd(), 0, reason.as_mut_ptr().cast(), room, serve) };
        assert_eq!(reason.pop(), Some(0x7f), "nothing is written beyond the end");
        reason.retain(|byte| *byte != 0x7f);
        (code, reason)
    }

    #[test]
    fn all_is_well_or_there_is_a_reason() {
        assert_eq!(call(64, |_| Ok(())), (0, vec![]));
        let (code, reason) = call(64, |_| Err(ServeError::NotAWorker));
        assert_eq!(code, FAILED);
        assert!(reason.starts_with(b"this program is a worker") && reason.len() == 64, "{reason:?}");
    }

    #[test]
    fn a_panic_ends_at_the_border() {
        assert_eq!(call(64, |_| panic!("bäh")), (FAILED, "it panicked: bäh\0".into()));
        // In the middle of a character.
        assert_eq!(call(16, |_| panic!("bäh")), (FAILED, "it panicked: b\0".into()));
        assert_eq!(call(1, |_| panic!("bäh")), (FAILED, "\0".into()));
        assert_eq!(call(0, |_| panic!("bäh")), (FAILED, vec![]));
        assert_eq!(call(64, |_| std::panic::panic_any(7)), (FAILED, "it panicked: no message\0".into()));
    }

    #[test]
    fn no_socket_is_an_error() {
        fn serve(_: Endpoint) -> Result<(), ServeError> {
            unreachable!()
        }
        // SAFETY: it is told that there is neither a socket nor room.
        let code = unsafe { serve_exported(-1, 0, std::ptr::null_mut(), 9, serve) };
        assert_eq!(code, FAILED);
    }
}
