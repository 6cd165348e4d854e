//! The bodies of the fuzz targets, one function each, so that the fuzzer and an ordinary test run the same code.
//!
//! A body takes bytes that anybody may have written and panics if a promise of `ringfence` does not hold
//! for them. It says nothing about inputs that are merely refused. [`TARGETS`] lists them all, and
//! [`seeds`](mod@seeds) makes the inputs from which a fuzzer starts.

mod controls;
mod dispatcher;
mod handshake;
mod heap;
mod input;
mod libcamera;
mod libcamera_socket;
mod mojom;
mod mutate;
mod native;
mod peer;
mod ring_consumer;
mod ring_producer;
mod rings;
pub mod seeds;
mod tuning;
mod wire;

pub use controls::controls;
pub use dispatcher::dispatcher;
pub use handshake::handshake;
pub use libcamera::{libcamera_1, libcamera_2};
pub use libcamera_socket::libcamera_socket;
pub use mojom::{mojom, mojom_text};
pub use mutate::Mutator;
pub use native::{native_events, native_rpi};
pub use ring_consumer::ring_consumer;
pub use ring_producer::ring_producer;
pub use tuning::tuning;
pub use wire::wire;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its directory below `seeds/` too.
    pub name: &'static str,
    /// Its body.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "native_rpi", run: native_rpi },
    Target { name: "native_events", run: native_events },
    Target { name: "controls", run: controls },
    Target { name: "libcamera_1", run: libcamera_1 },
    Target { name: "libcamera_2", run: libcamera_2 },
    Target { name: "libcamera_socket", run: libcamera_socket },
    Target { name: "handshake", run: handshake },
    Target { name: "dispatcher", run: dispatcher },
    Target { name: "ring_consumer", run: ring_consumer },
    Target { name: "ring_producer", run: ring_producer },
    Target { name: "mojom", run: mojom },
    Target { name: "mojom_text", run: mojom_text },
    Target { name: "tuning", run: tuning },
    Target { name: "wire", run: wire },
];
