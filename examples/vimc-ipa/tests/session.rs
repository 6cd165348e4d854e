//! The example under a host, and in the documentation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvent, IpaVimcProxy, TestFlag};
use ringfence::ipc::Options;
use ringfence::ipc::libcamera::{Version, Worker};
use ringfence::serialize::controls::ids::controls::BRIGHTNESS;
use ringfence::serialize::{ControlList, Flags, Plane, SharedFd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

#[test]
fn a_session() {
    // Every call ends at its deadline at the latest, so this test ends too.
    let worker = Worker::new(env!("CARGO_BIN_EXE_vimc-ipa"), "whatever", Version::V2);
    let mut proxy = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
    let settings = IpaSettings { configuration_file: String::new(), sensor_model: "vimc".into() };
    let flags = Flags::from(TestFlag::Flag3);
    let code = IpaOperationCode::IpaOperationInit;
    assert_eq!(proxy.init(&settings, &SharedFd::none(), code, flags).unwrap(), (0, flags));
    let info = IpaCameraSensorInfo::default();
    assert_eq!(proxy.configure(&info, &BTreeMap::new(), &BTreeMap::new()).unwrap(), 0);
    let memory = memfd_create("vimc-ipa", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&memory, 4096).unwrap();
    let plane = Plane { fd: memory.into(), offset: 0, length: 4096 };
    proxy.map_buffers(&[IpaBuffer { id: 7, planes: vec![plane] }]).unwrap();
    assert_eq!(proxy.start().unwrap(), 0);
    let mut controls = ControlList::default();
    controls.set(&BRIGHTNESS, 0.5);
    proxy.queue_request(0, &controls).unwrap();
    proxy.compute_params(0, 8).unwrap();
    proxy.compute_params(0, 7).unwrap();
    assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
    let event = proxy.next_event().unwrap().unwrap();
    assert_eq!(event, IpaVimcEvent::ParamsComputed { buffer_id: 7, flags: Flags::empty() });
    proxy.unmap_buffers(&[7]).unwrap();
    proxy.compute_params(1, 7).unwrap();
    proxy.stop().unwrap();
    assert_eq!(proxy.next_event().unwrap(), None);
}

#[test]
fn the_documentation_shows_this_program() {
    let program = include_str!("../src/main.rs");
    let documentation = include_str!("../../../docs/libcamera.md");
    assert!(
        documentation.contains(&format!("```rust\n{program}```\n")),
        "docs/libcamera.md shows another program than examples/vimc-ipa/src/main.rs"
    );
    assert_eq!(program.lines().count(), 60, "docs/libcamera.md says how long it is");
}
