//! Settings of a connection. A wrong one is told when they are used, so that setting needs no checks.

use std::ffi::c_char;
use std::path::PathBuf;

use ringfence::ipc::sandbox::SystemCall;
use ringfence::ipc::{Layers, OnFlood, OnFull, Options, SandboxPolicy, WaitPolicy};

use crate::argument::{choice, object, path, text, time};
use crate::error::{quietly, rf_error};
use crate::nursery::rf_nursery;

/// rf_options_sandbox(): every layer that there is, and the worker is not started without those that are required.
pub const RF_SANDBOX_STRICT: u32 = 0;
/// rf_options_sandbox(): every layer that there is; rf_layers() tells which.
pub const RF_SANDBOX_BEST_EFFORT: u32 = 1;
/// rf_options_sandbox(): none. The component may do whatever this process may.
pub const RF_SANDBOX_OFF: u32 = 2;

/// rf_options_host_wait(): looks for a while, as long as it pays, and then sleeps.
pub const RF_WAIT_ADAPTIVE: u32 = 0;
/// rf_options_host_wait(): looks without pause, and takes a processor for itself meanwhile.
pub const RF_WAIT_SPIN: u32 = 1;
/// rf_options_host_wait(): sleeps at once.
pub const RF_WAIT_BLOCK: u32 = 2;

/// rf_options_on_full(): a call waits for room until its deadline.
pub const RF_FULL_WAIT: u32 = 0;
/// rf_options_on_full(): it fails at once with RF_ERROR_FULL.
pub const RF_FULL_FAIL: u32 = 1;

/// rf_options_queue(): the worker is ended, with RF_ERROR_PROTOCOL.
pub const RF_FLOOD_CUT_OFF: u32 = 0;
/// rf_options_queue(): the oldest events make room.
pub const RF_FLOOD_DROP_OLDEST: u32 = 1;
/// rf_options_queue(): those that come are dropped until there is room.
pub const RF_FLOOD_DROP_NEWEST: u32 = 2;

/// A layer: no program that the worker could start would have more privileges than it.
pub const RF_LAYER_NO_NEW_PRIVS: u32 = 1;
/// A layer: no descriptor of the host's but those that it needs.
pub const RF_LAYER_CLOSED_FDS: u32 = 2;
/// A layer: limits of memory, descriptors and file sizes; no core dumps.
pub const RF_LAYER_RLIMITS: u32 = 4;
/// A layer: a user namespace of its own, in which it is nobody in particular.
pub const RF_LAYER_USER_NS: u32 = 8;
/// A layer: a network namespace of its own, in which there is no network.
pub const RF_LAYER_NET_NS: u32 = 16;
/// A layer: System V objects and message queues of its own, which are none.
pub const RF_LAYER_IPC_NS: u32 = 32;
/// A layer: a host name of its own.
pub const RF_LAYER_UTS_NS: u32 = 64;
/// A layer: it can name no other process.
pub const RF_LAYER_PID_NS: u32 = 128;
/// A layer: of the file system it sees only the files it is to read.
pub const RF_LAYER_LANDLOCK: u32 = 256;
/// A layer: a filter of system calls.
pub const RF_LAYER_SECCOMP: u32 = 512;
/// A layer: once its module is loaded, it may open no more files and map nothing executable.
pub const RF_LAYER_SEAL: u32 = 1024;

/// Settings of a connection. What is not set is as rf_options_new() says.
#[derive(Debug)]
pub struct rf_options {
    options: Options,
    sandbox: u32,
    minimum: Option<Layers>,
    reads: Vec<PathBuf>,
    calls: Vec<SystemCall>,
    address_space: Option<u64>,
    /// The first that was wrong.
    problem: Option<String>,
}

impl rf_options {
    fn new() -> Self {
        Self {
            options: Options::new(),
            sandbox: RF_SANDBOX_STRICT,
            minimum: None,
            reads: Vec::new(),
            calls: Vec::new(),
            address_space: None,
            problem: None,
        }
    }

    /// All of them together, or what is wrong with them.
    pub(crate) fn build(&self) -> Result<Options, rf_error> {
        if let Some(problem) = &self.problem {
            return Err(rf_error::argument(problem));
        }
        let mut policy = match self.sandbox {
            RF_SANDBOX_OFF => SandboxPolicy::off(),
            RF_SANDBOX_BEST_EFFORT => SandboxPolicy::best_effort(),
            _ => SandboxPolicy::strict(),
        };
        if let Some(layers) = self.minimum {
            policy = policy.minimum(layers);
        }
        if let Some(bytes) = self.address_space {
            policy = policy.address_space(bytes);
        }
        policy = self.reads.iter().fold(policy, SandboxPolicy::read_path);
        policy = self.calls.iter().fold(policy, |policy, call| policy.allow_call(*call));
        Ok(self.options.clone().sandbox(policy))
    }

    /// The options if nothing is said.
    pub(crate) fn default_options() -> Options {
        Options::new()
    }
}

/// Changes options, or remembers why they cannot be changed so.
///
/// # Safety
/// The pointer is NULL, or leads to options that nobody else uses meanwhile.
unsafe fn set(options: *mut rf_options, change: impl FnOnce(&mut rf_options) -> Result<(), rf_error>) {
    quietly((), || {
        // SAFETY: the caller's promise.
        let Some(options) = (unsafe { options.as_mut() }) else { return };
        if let Err(error) = change(options) {
            options.problem.get_or_insert_with(|| error.text());
        }
    });
}

/// Changes the library's own options.
///
/// # Safety
/// As [`set`].
unsafe fn set_own(options: *mut rf_options, change: impl FnOnce(Options) -> Result<Options, rf_error>) {
    // SAFETY: the caller's promise.
    unsafe {
        set(options, |these| {
            these.options = change(these.options.clone())?;
            Ok(())
        });
    }
}

/// The defaults: rings for 256 KiB each way, calls of at most 5 s, adaptive waiting, the strict sandbox.
///
/// The functions that set one of them return nothing. If one is given what it cannot take, rf_connect() says so with
/// RF_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn rf_options_new() -> *mut rf_options {
    quietly(std::ptr::null_mut(), || Box::into_raw(Box::new(rf_options::new())))
}

/// Frees options. Connections that were made with them do not need them any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_free(options: *mut rf_options) {
    if !options.is_null() {
        // SAFETY: they came from `rf_options_new`, and the caller frees them once.
        quietly((), || drop(unsafe { Box::from_raw(options) }));
    }
}

/// Bytes that the ring to the worker and the ring from it shall hold, rounded up. No message can be longer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_ring_bytes(options: *mut rf_options, to_worker: usize, to_host: usize) {
    // SAFETY: the caller's promise, as everywhere below.
    unsafe { set_own(options, |these| Ok(these.ring_bytes(to_worker, to_host))) }
}

/// How long a call may take, waiting for room included, unless the call or its method has a time of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_call_deadline(options: *mut rf_options, nanoseconds: u64) {
    // SAFETY: as above.
    unsafe { set_own(options, |these| Ok(these.call_deadline(time(nanoseconds)))) }
}

/// How long calls of the method of this mojom name may take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_method_deadline(
    options: *mut rf_options,
    method: *const c_char,
    nanoseconds: u64,
) {
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| {
            Ok(these.method_deadline(text(method, "rf_options_method_deadline: method")?, time(nanoseconds)))
        });
    }
}

/// How long a worker may go on without a sign of life after a call has passed its deadline: 1 s by default. Then it is
/// killed, which is RF_EXIT_WEDGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_grace(options: *mut rf_options, nanoseconds: u64) {
    // SAFETY: as above.
    unsafe { set_own(options, |these| Ok(these.grace(time(nanoseconds)))) }
}

/// How long a worker may take from its start until it has answered the handshake: 10 s by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_handshake_deadline(options: *mut rf_options, nanoseconds: u64) {
    // SAFETY: as above.
    unsafe { set_own(options, |these| Ok(these.handshake_deadline(time(nanoseconds)))) }
}

/// How long a worker may take to end in rf_close() before it is killed: 500 ms by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_exit_deadline(options: *mut rf_options, nanoseconds: u64) {
    // SAFETY: as above.
    unsafe { set_own(options, |these| Ok(these.exit_deadline(time(nanoseconds)))) }
}

/// What the connection is called to whoever watches it with `ringfence top`, such as "camera 0".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_label(options: *mut rf_options, label: *const c_char) {
    // SAFETY: as above.
    unsafe { set_own(options, |these| Ok(these.label(text(label, "rf_options_label: label")?))) }
}

/// Lets the nursery's thread start the worker. Without one, the thread that calls rf_connect() starts it, and the kernel kills
/// the worker when that thread ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_nursery(options: *mut rf_options, nursery: *const rf_nursery) {
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| Ok(these.nursery(&object(nursery, "rf_options_nursery: nursery")?.nursery)));
    }
}

const WAITS: [WaitPolicy; 3] = [WaitPolicy::Adaptive, WaitPolicy::Spin, WaitPolicy::Block];

/// How this side waits for replies: RF_WAIT_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_host_wait(options: *mut rf_options, wait: u32) {
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| Ok(these.host_wait(choice(wait, &WAITS, "rf_options_host_wait: wait")?)))
    }
}

/// How the worker waits for calls: RF_WAIT_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_worker_wait(options: *mut rf_options, wait: u32) {
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| {
            Ok(these.worker_wait(choice(wait, &WAITS, "rf_options_worker_wait: wait")?))
        });
    }
}

/// What a call does when the ring to the worker is full: RF_FULL_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_on_full(options: *mut rf_options, on_full: u32) {
    let choices = [OnFull::Wait, OnFull::Fail];
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| {
            Ok(these.on_full(choice(on_full, &choices, "rf_options_on_full: on_full")?))
        });
    }
}

/// Bytes of events that are kept while nobody takes them, 16 MiB by default, and what happens to more: RF_FLOOD_*. An
/// event counts for 256 bytes more than it has, and a descriptor for 64 KiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_queue(options: *mut rf_options, bytes: usize, on_flood: u32) {
    let choices = [OnFlood::CutOff, OnFlood::DropOldest, OnFlood::DropNewest];
    // SAFETY: as above.
    unsafe {
        set_own(options, |these| {
            let on_flood = choice(on_flood, &choices, "rf_options_queue: on_flood")?;
            Ok(these.queue_bytes(bytes).on_flood(on_flood))
        });
    }
}

/// How much of a sandbox the worker gets: RF_SANDBOX_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_sandbox(options: *mut rf_options, sandbox: u32) {
    let choices = [RF_SANDBOX_STRICT, RF_SANDBOX_BEST_EFFORT, RF_SANDBOX_OFF];
    // SAFETY: as above.
    unsafe {
        set(options, |these| {
            these.sandbox = choice(sandbox, &choices, "rf_options_sandbox: sandbox")?;
            Ok(())
        });
    }
}

/// Layers without which the worker is not started, RF_LAYER_* added up, instead of those that the sandbox requires by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_required_layers(options: *mut rf_options, layers: u32) {
    // SAFETY: as above.
    unsafe {
        set(options, |these| {
            let known = Layers::from_bits(layers).ok_or_else(|| {
                rf_error::argument(format!("rf_options_required_layers: {layers:#x} has bits of no layer"))
            })?;
            these.minimum = Some(known);
            Ok(())
        });
    }
}

/// Lets the worker read this file, or what is in this folder and below it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_read_path(options: *mut rf_options, file: *const c_char) {
    // SAFETY: as above.
    unsafe {
        set(options, |these| {
            these.reads.push(path(file, "rf_options_read_path: file")?.to_owned());
            Ok(())
        });
    }
}

/// Lets the worker make the system call of this name, such as "sched_setaffinity", with any arguments and at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_allow_call(options: *mut rf_options, name: *const c_char) {
    // SAFETY: as above.
    unsafe {
        set(options, |these| {
            let call = text(name, "rf_options_allow_call: name")?.parse();
            let call = call.map_err(|error| rf_error::argument(format!("rf_options_allow_call: {error}")))?;
            these.calls.push(call);
            Ok(())
        });
    }
}

/// Bytes of address space that the worker may have: 4 GiB by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_options_address_space(options: *mut rf_options, bytes: u64) {
    // SAFETY: as above.
    unsafe {
        set(options, |these| {
            these.address_space = Some(bytes);
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_of_the_header_are_those_of_the_library() {
        let pairs = [
            (RF_LAYER_NO_NEW_PRIVS, Layers::NO_NEW_PRIVS),
            (RF_LAYER_CLOSED_FDS, Layers::CLOSED_FDS),
            (RF_LAYER_RLIMITS, Layers::RLIMITS),
            (RF_LAYER_USER_NS, Layers::USER_NS),
            (RF_LAYER_NET_NS, Layers::NET_NS),
            (RF_LAYER_IPC_NS, Layers::IPC_NS),
            (RF_LAYER_UTS_NS, Layers::UTS_NS),
            (RF_LAYER_PID_NS, Layers::PID_NS),
            (RF_LAYER_LANDLOCK, Layers::LANDLOCK),
            (RF_LAYER_SECCOMP, Layers::SECCOMP),
            (RF_LAYER_SEAL, Layers::SEAL),
        ];
        for (number, layer) in pairs {
            assert_eq!(number, layer.bits(), "{layer}");
        }
        let all = pairs.iter().fold(0, |all, (number, _)| all | number);
        assert_eq!(all, Layers::all().bits(), "a layer has no name in the header");
    }

    #[test]
    fn options_in_any_order_make_one_policy() {
        let options = rf_options_new();
        // SAFETY: they live until they are freed below.
        let built = unsafe {
            rf_options_read_path(options, c"/usr/share".as_ptr());
            rf_options_allow_call(options, c"sched_setaffinity".as_ptr());
            rf_options_address_space(options, 1 << 30);
            rf_options_required_layers(options, RF_LAYER_SECCOMP);
            rf_options_sandbox(options, RF_SANDBOX_BEST_EFFORT);
            let built = (*options).build();
            rf_options_free(options);
            built
        };
        let policy = SandboxPolicy::best_effort()
            .minimum(Layers::SECCOMP)
            .address_space(1 << 30)
            .read_path("/usr/share")
            .allow_call("sched_setaffinity".parse().unwrap());
        let expected = Options::new().sandbox(policy);
        assert_eq!(format!("{:?}", built.unwrap()), format!("{expected:?}"));
    }
}
