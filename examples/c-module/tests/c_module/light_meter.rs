//! The example, as its host sees it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use c_module::{INTERFACE, LightMeter, LightMeterEvent, LightMeterProxy};
use ringfence::ipc::{Connection, Interface, Options, Worker};

use crate::compile::{cc, compile};
use crate::watchdog;

/// The light meter as a program.
fn worker() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || Some(compile(&cc()?, &["-O2"], &["module.c", "tests/c_module/worker.c"], "light-meter"));
    PROGRAM.get_or_init(make).as_deref()
}

/// Measures light and hears of too much.
fn use_it(mut proxy: LightMeterProxy) {
    assert_eq!(proxy.measure(&[]).unwrap(), (0.0, 0));
    assert_eq!(proxy.measure(&[1, 2, 4]).unwrap(), (7.0 / 3.0, 0));
    for size in 0..2000 {
        assert_eq!(proxy.measure(&vec![7; size]).unwrap(), (if size > 0 { 7.0 } else { 0.0 }, 0));
    }
    assert_eq!(proxy.next_event().unwrap(), None);
    assert_eq!(proxy.measure(&[4095, 0, 4095, 0]).unwrap(), (2047.5, 2));
    assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
    assert_eq!(proxy.next_event().unwrap(), Some(LightMeterEvent::TooBright { clipped: 2 }));
    assert_eq!(proxy.next_event().unwrap(), None);
}

#[test]
fn it_measures_in_a_worker_of_its_own() {
    let Some(program) = worker() else { return };
    watchdog(|| {
        let worker = Worker::component("light-meter").program(program);
        use_it(LightMeterProxy::isolated(&Options::new(), &worker).unwrap());
    });
}

#[test]
fn another_interface_is_refused_in_one_line() {
    static OTHER: Interface = Interface { hash: INTERFACE.hash ^ 1, ..INTERFACE };
    let Some(program) = worker() else { return };
    watchdog(|| {
        let worker = Worker::component("light-meter").program(program);
        let error = Connection::isolated(&OTHER, &Options::new(), &worker).unwrap_err().to_string();
        let expected = format!(
            "the module of example.LightMeterInterface was refused: it says: it has interface example.LightMeterInterface with hash {:#018x}, this side example.LightMeterInterface with {:#018x}; build both sides from the same mojom file",
            OTHER.hash, INTERFACE.hash
        );
        assert_eq!(error, expected);
    });
}
