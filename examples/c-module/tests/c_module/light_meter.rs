//! The example, as its host sees it.

use std::time::{Duration, Instant};

use c_module::LightMeter;
use c_module::{INTERFACE, LightMeterEvent, LightMeterProxy, wire};
use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::{Connection, Interface, Options, Worker};

use crate::compile::{MODULE, cc, compile};
use crate::{patient, watchdog};

/// The light meter, compiled to a file of this name, since tests run side by side.
fn module(name: &str) -> Option<ModuleFile> {
    Some(ModuleFile::read(compile(&cc()?, &MODULE, &["module.c"], name)).unwrap())
}

/// A worker for it, which is this executable again.
fn worker(module: &ModuleFile) -> Worker {
    let own = std::env::current_exe().unwrap();
    Worker::loading(module).program(own).args(["--exact", "speed::worker_entry", "--nocapture"])
}

#[test]
fn its_file_says_what_it_is() {
    let Some(module) = module("told.so") else { return };
    let info = module.info();
    assert_eq!((info.name.as_str(), info.pipeline.as_str()), ("c light meter", "example"));
    assert_eq!((info.interface.as_str(), info.interface_hash), (INTERFACE.name, INTERFACE.hash));
    module.fits(&INTERFACE).unwrap();
}

#[test]
fn it_measures_in_a_sandboxed_worker() {
    let Some(module) = module("isolated.so") else { return };
    watchdog(|| {
        let mut proxy = LightMeterProxy::isolated(&patient(Options::new()), &worker(&module)).unwrap();
        assert_eq!(proxy.measure(&[]).unwrap(), (0.0, 0));
        assert_eq!(proxy.measure(&[1, 2, 4]).unwrap(), (7.0 / 3.0, 0));
        for size in 1..2000 {
            assert_eq!(proxy.measure(&vec![7; size]).unwrap(), (7.0, 0));
        }
        assert_eq!(proxy.next_event().unwrap(), None);
        assert_eq!(proxy.measure(&[4095, 0, 4095, 0]).unwrap(), (2047.5, 2));
        assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
        assert_eq!(proxy.next_event().unwrap(), Some(LightMeterEvent::TooBright { clipped: 2 }));
        assert_eq!(proxy.next_event().unwrap(), None);
    });
}

#[test]
fn it_measures_in_threads_of_the_host() {
    let Some(module) = module("threaded.so") else { return };
    watchdog(|| {
        let connect = || {
            let module = module.clone();
            Connection::threaded(&INTERFACE, &patient(Options::new()), move |endpoint| module.serve(endpoint))
                .unwrap()
        };
        // Several at once, of one module.
        let mut connections = [connect(), connect(), connect()];
        for size in 1..500 {
            for connection in &mut connections {
                let results = connection.call(1, &vec![size as u16; size], |input| {
                    let results = input.fixed::<wire::reply::Measure>()?;
                    Ok((results.mean.get(), results.clipped.get()))
                });
                assert_eq!(results.unwrap(), (size as f64, 0));
            }
        }
        let [first, second, _] = &mut connections;
        first.call(1, &vec![4095u16; 3], |input| input.fixed::<wire::reply::Measure>().copied()).unwrap();
        assert!(first.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
        assert_eq!(first.next_event().unwrap(), Some(LightMeterEvent::TooBright { clipped: 3 }));
        assert_eq!(second.next_event::<LightMeterEvent>().unwrap(), None);
    });
}

#[test]
fn another_interface_is_refused_in_one_line() {
    static OTHER: Interface = Interface { hash: INTERFACE.hash ^ 1, ..INTERFACE };
    let Some(module) = module("refused.so") else { return };
    watchdog(|| {
        let options = patient(Options::new());
        // By the host, which has read the file and starts nothing.
        let error = Connection::isolated(&OTHER, &options, &worker(&module)).unwrap_err().to_string();
        assert!(
            error.contains("does not fit: it implements example.LightMeterInterface with hash 0x"),
            "{error}"
        );
        // By the module, if nobody has looked.
        let serve = move |endpoint| module.serve(endpoint);
        let error = Connection::threaded(&OTHER, &options, serve).unwrap_err().to_string();
        let expected = format!(
            "the module of example.LightMeterInterface was refused: it says: it has interface example.LightMeterInterface with hash {:#018x}, this side example.LightMeterInterface with {:#018x}; build both sides from the same mojom file",
            OTHER.hash, INTERFACE.hash
        );
        assert_eq!(error, expected);
    });
}
