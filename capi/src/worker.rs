//! Which program runs as a worker.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use ringfence::ipc::Worker;
use ringfence::ipc::module::ModuleFile;

use crate::argument::{path, string, text};
use crate::error::{quietly, rf_error};

/// Which worker to start.
#[derive(Debug)]
pub struct rf_worker {
    worker: Worker,
    /// The first that was wrong.
    problem: Option<String>,
}

impl rf_worker {
    /// The worker, or what is wrong with it.
    pub(crate) fn build(&self) -> Result<&Worker, rf_error> {
        match &self.problem {
            None => Ok(&self.worker),
            Some(problem) => Err(rf_error::argument(problem)),
        }
    }
}

/// Changes a worker, or remembers why it cannot be changed so.
///
/// # Safety
/// The pointer is NULL, or leads to a worker that nobody else uses meanwhile.
unsafe fn set(worker: *mut rf_worker, change: impl FnOnce(Worker) -> Result<Worker, rf_error>) {
    quietly((), || {
        // SAFETY: the caller's promise.
        let Some(this) = (unsafe { worker.as_mut() }) else { return };
        match change(this.worker.clone()) {
            Ok(worker) => this.worker = worker,
            Err(error) => this.problem = this.problem.take().or(Some(error.text())),
        }
    });
}

/// A worker that serves the component of this name. The program is that of rf_worker_program(); else the one that the
/// environment variable RINGFENCE_WORKER names; else `ringfence-worker` beside this executable.
///
/// What is wrong with a worker is told by rf_connect(), as with options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_component(name: *const c_char) -> *mut rf_worker {
    quietly(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise, as everywhere below.
        let (name, problem) = match unsafe { text(name, "rf_worker_component: name") } {
            Ok(name) => (name, None),
            Err(error) => ("", Some(error.text())),
        };
        Box::into_raw(Box::new(rf_worker { worker: Worker::component(name), problem }))
    })
}

/// A worker that loads this module, and serves it: a shared object made with `include/ringfence.h` or Rust's `export_module!`.
/// The file is copied at once, so that what becomes of it afterwards does not matter. The program is found as by
/// rf_worker_component(); `ringfence-worker` can load every module. If the module says until when it loads files, that holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_module(file: *const c_char) -> *mut rf_worker {
    quietly(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let read = unsafe { path(file, "rf_worker_module: file") }.and_then(|file| {
            ModuleFile::read(file).map_err(|error| rf_error::argument(format!("rf_worker_module: {error}")))
        });
        let (worker, problem) = match read {
            Ok(module) => (Worker::loading(&module), None),
            Err(error) => (Worker::component(""), Some(error.text())),
        };
        Box::into_raw(Box::new(rf_worker { worker, problem }))
    })
}

/// Frees a worker. Connections that were made with it do not need it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_free(worker: *mut rf_worker) {
    if !worker.is_null() {
        // SAFETY: it came from `rf_worker_component`, and the caller frees it once.
        quietly((), || drop(unsafe { Box::from_raw(worker) }));
    }
}

/// Starts this program instead of looking for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_program(worker: *mut rf_worker, file: *const c_char) {
    // SAFETY: as above.
    unsafe { set(worker, |these| Ok(these.program(path(file, "rf_worker_program: file")?))) }
}

/// Gives the program another argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_arg(worker: *mut rf_worker, argument: *const c_char) {
    // SAFETY: as above.
    unsafe {
        set(
            worker,
            |these| Ok(these.args([OsStr::from_bytes(string(argument, "rf_worker_arg: argument")?)])),
        );
    }
}

/// Lets this worker read this file, or what is in this folder and below it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_reads(worker: *mut rf_worker, file: *const c_char) {
    // SAFETY: as above.
    unsafe { set(worker, |these| Ok(these.reads(path(file, "rf_worker_reads: file")?))) }
}

/// Says that the worker may open files until the first call of the method of this mojom name has returned. If nothing is
/// said, it may not from the handshake on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_loads_until(worker: *mut rf_worker, method: *const c_char) {
    // SAFETY: as above.
    unsafe { set(worker, |these| Ok(these.loads_until(text(method, "rf_worker_loads_until: method")?))) }
}
