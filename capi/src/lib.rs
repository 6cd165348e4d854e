//! The host side of `ringfence` for C and C++: `include/ringfence_host.h`, which cbindgen makes of this crate.
//!
//! Everything here is a thin skin over [`ringfence::ipc`]: it checks what a C caller passes, lets no panic out, and gives
//! each error a number. Messages are opaque: a host brings its own encoder. What the functions do is told where C
//! programmers look for it, in the header, and in `docs/c-api.md`.
//!
//! The crate is called `ringfence_capi`, since the Rust library has the other name; it is installed as `libringfence`.

#![allow(non_camel_case_types, reason = "the names are those of the header")]
#![allow(
    clippy::missing_safety_doc,
    reason = "what pointers have to be is told once, at the top of the header"
)]

// The header has this order.
mod status;

mod error;

mod interface;

mod worker;

mod options;

mod message;

mod connection;

mod counters;

mod log;

mod nursery;

mod argument;

use std::ffi::c_char;

pub use connection::{
    rf_call, rf_cast, rf_close, rf_connect, rf_connection, rf_fd, rf_is_connected, rf_layers, rf_next_event,
    rf_wait, rf_worker_pid,
};
pub use counters::{rf_counters, rf_read_counters};
pub use error::{rf_error, rf_error_exit, rf_error_free, rf_error_message, rf_error_status};
pub use interface::{rf_interface, rf_method};
pub use log::{
    RF_LOG_DEBUG, RF_LOG_ERROR, RF_LOG_INFO, RF_LOG_TRACE, RF_LOG_WARNING, rf_log_callback, rf_log_to,
};
pub use message::{
    rf_body, rf_message, rf_message_bytes, rf_message_fd, rf_message_fd_count, rf_message_free,
    rf_message_new, rf_message_number, rf_message_take_fd,
};
pub use nursery::{rf_nursery, rf_nursery_free, rf_nursery_new};
pub use options::*;
pub use status::{rf_exit, rf_status};
pub use worker::{
    rf_worker, rf_worker_arg, rf_worker_component, rf_worker_free, rf_worker_loads_until, rf_worker_module,
    rf_worker_program, rf_worker_reads,
};

/// Version of the functions and structs of this header. It changes when a program has to be compiled anew.
pub const RF_ABI_VERSION: u32 = 1;

/// RF_ABI_VERSION of the library that is loaded. A program that finds another one than it was compiled with should stop.
#[unsafe(no_mangle)]
pub extern "C" fn rf_abi_version() -> u32 {
    RF_ABI_VERSION
}

/// Version of the library as text, such as "0.1.0". Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rf_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
