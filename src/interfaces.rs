//! The interfaces of image-processing modules, generated from `interfaces/*.mojom`.
//!
//! For each one: its types, the trait that a module implements, the proxy through which a host calls it
//! in whatever mode it runs, and the dispatcher that serves it. [`crate::ipc`] has what they rest on.
//!
//! A module in a thread of this process, behind the trait that it would also implement in another process:
//!
//! ```
//! use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
//! use ringfence::ipc::Options;
//! use ringfence::vimc::Vimc;
//!
//! let mut module = IpaVimcProxy::threaded(&Options::new(), Vimc::new)?;
//! assert_eq!(module.start()?, 0);
//! module.stop()?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

/// `core.mojom`: types that all interfaces share.
///
/// ```
/// use ringfence::interfaces::libcamera::IpaSettings;
///
/// let settings = IpaSettings { sensor_model: "imx219".to_owned(), ..IpaSettings::default() };
/// assert!(settings.configuration_file.is_empty());
/// ```
pub mod libcamera {
    include!(concat!(env!("OUT_DIR"), "/core.rs"));
}

/// `raspberrypi.mojom`: the module of the Raspberry Pi's cameras.
///
/// ```no_run
/// use ringfence::interfaces::rpi::IpaRPiProxy;
/// use ringfence::ipc::{Mode, Options};
/// use ringfence::rpi::worker;
///
/// let module = IpaRPiProxy::isolated(&Options::new(), &worker::worker(""))?;
/// assert_eq!(module.mode(), Mode::Isolated);
/// # Ok::<_, ringfence::ipc::ConnectError>(())
/// ```
pub mod rpi {
    include!(concat!(env!("OUT_DIR"), "/raspberrypi.rs"));
}

/// `vimc.mojom`: the module of the kernel's virtual media controller, to test the machinery with.
///
/// ```
/// use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
/// use ringfence::vimc::Vimc;
///
/// let mut module = IpaVimcProxy::direct(Vimc::new)?;
/// assert_eq!(module.start()?, 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub mod vimc {
    include!(concat!(env!("OUT_DIR"), "/vimc.rs"));
}

/// The interfaces as libcamera 0.0.3 has them, which Debian 12 ships: its modules speak `libcamera-1`, and this is
/// what it says.
///
/// ```
/// use ringfence::interfaces::libcamera_0_0_3::vimc::IpaVimcProxy;
/// use ringfence::ipc::libcamera::{Version, Worker};
/// use ringfence::ipc::Options;
///
/// let worker = Worker::new("/nowhere/vimc_ipa_proxy", "/nowhere/ipa_vimc.so", Version::V1);
/// let error = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap_err();
/// assert!(error.to_string().starts_with("the worker /nowhere/vimc_ipa_proxy could not be started"));
/// ```
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
