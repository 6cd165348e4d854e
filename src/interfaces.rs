//! The interfaces of image-processing modules, generated from `interfaces/*.mojom`.
//!
//! For each one: its types, the trait that a module implements, the proxy through which a host calls it
//! in whatever mode it runs, and the dispatcher that serves it. [`crate::ipc`] has what they rest on.

#![forbid(unsafe_code)]

/// `core.mojom`: types that all interfaces share.
pub mod libcamera {
    include!(concat!(env!("OUT_DIR"), "/core.rs"));
}

/// `raspberrypi.mojom`: the module of the Raspberry Pi's cameras.
pub mod rpi {
    include!(concat!(env!("OUT_DIR"), "/raspberrypi.rs"));
}

/// `vimc.mojom`: the module of the kernel's virtual media controller, to test the machinery with.
pub mod vimc {
    include!(concat!(env!("OUT_DIR"), "/vimc.rs"));
}

/// The interfaces as libcamera 0.0.3 has them, which Debian 12 ships: its modules speak `libcamera-1`, and this is
/// what it says.
pub mod libcamera_0_0_3 {
    /// `libcamera-0.0.3/core.mojom`: types that all interfaces share.
    pub mod libcamera {
        include!(concat!(env!("OUT_DIR"), "/libcamera-0.0.3/core.rs"));
    }

    /// `libcamera-0.0.3/raspberrypi.mojom`: the module of the Raspberry Pi's cameras.
    pub mod rpi {
        include!(concat!(env!("OUT_DIR"), "/libcamera-0.0.3/raspberrypi.rs"));
    }

    /// `libcamera-0.0.3/vimc.mojom`: the module of the kernel's virtual media controller.
    pub mod vimc {
        include!(concat!(env!("OUT_DIR"), "/libcamera-0.0.3/vimc.rs"));
    }
}

// What holds for these holds for every generated proxy: they differ in their types of events alone.
crate::ipc::promise!(vimc::IpaVimcProxy: Send, !Sync);
crate::ipc::promise!(rpi::IpaRPiProxy: Send, !Sync);
crate::ipc::promise!(bench::BenchProxy: Send, !Sync);

/// `probe.mojom`: what a worker may not do, to be tried.
pub mod probe {
    include!(concat!(env!("OUT_DIR"), "/probe.rs"));
}

/// `bench.mojom`: nothing that does any work, to measure the way there and back with.
pub mod bench {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}
