//! Every generated type as bytes and back, whole, cut off and damaged.
//!
//! A type that is added to an interface and forgotten here makes `every_generated_type_is_listed` fail; an event
//! that is added does not even compile.

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use common::{seed, watchdog};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringfence::interfaces::bench::{BenchEvent, Pod, Prepare, Rival};
use ringfence::interfaces::libcamera::{
    ControlInfoMap, ControlList, IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream, Point, Rectangle,
    SharedFd, Size, SizeRange,
};
use ringfence::interfaces::rpi::{
    BufferIds, ConfigParams, ConfigResult, InitParams, InitResult, IpaRPi, IpaRPiEvent, IpaRPiEvents,
    IpaRPiProxy, PrepareParams, ProcessParams, SensorConfig, StartResult,
};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimcEvent, TestFlag};
use ringfence::interfaces::{bench, rpi, vimc};
use ringfence::ipc::{CallError, Event, Options};
use ringfence::serialize::native::{Decode, Decoder, Encode, Encoder, Sink};
use ringfence::serialize::{Flags, Plane};

/// Values of each type.
const CASES: u32 = 300;

/// What a damaged message is tried with.
#[derive(Debug, Clone)]
struct Damage {
    /// Place, scaled to the length of the message, and what is put there.
    changes: Vec<(prop::sample::Index, u8)>,
    /// Where it is cut off.
    cut: prop::sample::Index,
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let byte = prop_oneof![Just(0u8), Just(1), Just(8), Just(0xff), any::<u8>()];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), byte), 1..4);
    let one = (changes, any::<prop::sample::Index>()).prop_map(|(changes, cut)| Damage { changes, cut });
    prop::collection::vec(one, 8)
}

/// Runs a property on bytes to make values from, and on damage for what they are encoded to.
fn property(name: &str, test: impl Fn(&[u8], &[Damage])) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let input = (prop::collection::vec(any::<u8>(), 0..1200), damage());
    let run = runner.run(&input, |(bytes, damage)| {
        test(&bytes, &damage);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn encode<T: Encode + ?Sized>(value: &T) -> (Vec<u8>, Vec<SharedFd>) {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).expect("the value can be sent");
    (bytes, fds)
}

/// Descriptors as they arrive: copies, in the same order.
fn sent(fds: &[SharedFd]) -> Vec<Option<OwnedFd>> {
    fds.iter().map(|fd| Some(fd.get().unwrap().try_clone_to_owned().unwrap())).collect()
}

/// The message with `damage` done to it: altered, altered and cut off.
fn damaged(bytes: &[u8], damage: &Damage) -> [Vec<u8>; 2] {
    let mut whole = bytes.to_vec();
    if !whole.is_empty() {
        for (place, byte) in &damage.changes {
            let place = place.index(whole.len());
            whole[place] = *byte;
        }
    }
    let cut = whole[..damage.cut.index(whole.len() + 1)].to_vec();
    [whole, cut]
}

/// Checks that a value survives, and that damage to its bytes is found, or harmless.
fn round_trip<T: Encode + Decode + Debug>(value: &T, damage: &[Damage]) {
    let (bytes, fds) = encode(value);
    let back: T = Decoder::message(&bytes, &mut sent(&fds)).expect("what was encoded can be decoded");
    let (again, fds_again) = encode(&back);
    assert_eq!(bytes, again);
    assert_eq!(fds.len(), fds_again.len());
    for (one, other) in fds.iter().zip(&fds_again) {
        let inode = |fd: &SharedFd| rustix::fs::fstat(fd.get().unwrap()).unwrap().st_ino;
        assert_eq!(inode(one), inode(other));
    }
    // With descriptors in it, a value shows their numbers, which differ.
    if fds.is_empty() {
        assert_eq!(format!("{value:?}"), format!("{back:?}"));
    }
    for length in 0..bytes.len().min(300) {
        let cut = Decoder::message::<T>(&bytes[..length], &mut sent(&fds));
        assert!(cut.is_err(), "{length} of {} bytes were taken as {cut:?}", bytes.len());
    }
    if !fds.is_empty() {
        Decoder::message::<T>(&bytes, &mut sent(&fds[1..])).expect_err("a descriptor is missing");
        let mut surplus = sent(&fds);
        surplus.extend(sent(&fds[..1]));
        Decoder::message::<T>(&bytes, &mut surplus).expect_err("there is a descriptor too many");
    }
    for bytes in damage.iter().flat_map(|damage| damaged(&bytes, damage)) {
        if let Ok(other) = Decoder::message::<T>(&bytes, &mut sent(&fds)) {
            assert_eq!(encode(&other).0, bytes, "{other:?} was decoded from bytes that it is not encoded to");
        }
    }
    // Anything at all.
    for bytes in damage.iter().map(|damage| damage.changes.iter().map(|change| change.1).collect::<Vec<_>>())
    {
        let _ = Decoder::message::<T>(&bytes, &mut []);
    }
}

/// A type by its name, with what tests it.
struct Case {
    name: &'static str,
    run: fn(&'static str),
}

fn run<T: for<'a> Arbitrary<'a> + Encode + Decode + Debug>(name: &'static str) {
    let made = Cell::new(0);
    property(name, |bytes, damage| {
        if let Ok(value) = T::arbitrary(&mut Unstructured::new(bytes)) {
            made.set(made.get() + 1);
            round_trip(&value, damage);
        }
        // What was not made by an encoder at all.
        let _ = Decoder::message::<T>(bytes, &mut []);
    });
    assert!(made.get() > CASES / 2, "only {} of {CASES} inputs gave a {name}", made.get());
}

/// As [`run`], and the value compares equal, unless a number in it is none.
fn run_equal<T: for<'a> Arbitrary<'a> + Encode + Decode + Debug + PartialEq>(name: &'static str) {
    run::<T>(name);
    property(name, |bytes, _| {
        if let Ok(value) = T::arbitrary(&mut Unstructured::new(bytes)) {
            let back: T = Decoder::message(&encode(&value).0, &mut []).unwrap();
            #[expect(clippy::eq_op, reason = "a value that is not a number differs from itself")]
            let comparable = value == value;
            assert_eq!(value == back, comparable);
        }
    });
}

macro_rules! cases {
    ($module:literal: $($kind:ident $type:ident),* $(,)?) => {
        ($module, &[$(Case { name: stringify!($type), run: $kind::<$type> }),*])
    };
}

/// Every type of every interface. Those with descriptors in them cannot be compared.
const CASES_BY_MODULE: [(&str, &[Case]); 5] = [
    cases! { "bench": run_equal Pod, run_equal Prepare, run_equal Rival },
    cases! {
        "core":
        run SharedFd, run_equal ControlInfoMap, run_equal ControlList, run_equal Point, run_equal Size,
        run_equal SizeRange, run_equal Rectangle, run_equal IpaCameraSensorInfo, run IpaBuffer,
        run_equal IpaSettings, run_equal IpaStream,
    },
    cases! { "probe": },
    cases! {
        "raspberrypi":
        run_equal SensorConfig, run InitParams, run_equal InitResult, run_equal BufferIds, run ConfigParams,
        run_equal ConfigResult, run_equal StartResult, run_equal PrepareParams, run_equal ProcessParams,
    },
    cases! { "vimc": run_equal IpaOperationCode, run_equal TestFlag },
];

/// What `build.rs` has made of the interfaces.
const SOURCES: [(&str, &str); 5] = [
    ("bench", include_str!(concat!(env!("OUT_DIR"), "/bench.rs"))),
    ("core", include_str!(concat!(env!("OUT_DIR"), "/core.rs"))),
    ("probe", include_str!(concat!(env!("OUT_DIR"), "/probe.rs"))),
    ("raspberrypi", include_str!(concat!(env!("OUT_DIR"), "/raspberrypi.rs"))),
    ("vimc", include_str!(concat!(env!("OUT_DIR"), "/vimc.rs"))),
];

/// Types that cross a connection, by the source: those at its outermost level that are encoded, and those that
/// it takes from elsewhere.
fn generated(source: &str) -> BTreeSet<&str> {
    let encoded = source.lines().filter_map(|line| {
        let by_hand = line.strip_prefix("impl native::Encode for ");
        // Enums get theirs for being enums.
        let line = by_hand.or_else(|| line.strip_prefix("impl serialize::Enum for "))?;
        line.split(' ').next()?.rsplit("::").next()
    });
    let taken = source.lines().filter_map(|line| line.strip_prefix("pub use serialize::")?.strip_suffix(';'));
    encoded.chain(taken).collect()
}

#[test]
fn every_generated_type_is_listed() {
    let mut interfaces: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".mojom"))
        .collect();
    interfaces.sort();
    assert_eq!(interfaces, SOURCES.map(|(module, _)| format!("{module}.mojom")), "an interface was added");
    for ((module, source), (listed_module, cases)) in SOURCES.iter().zip(&CASES_BY_MODULE) {
        assert_eq!(module, listed_module);
        let listed: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
        assert_eq!(generated(source), listed, "types of {module}, and those that are tested");
        // Should the generator write types in another way, the two sets must not become equal by being empty.
        let public = source.lines().filter(|line| {
            line.starts_with("pub struct ") || line.starts_with("pub enum ") || line.starts_with("pub use ")
        });
        let aside = ["Proxy", "Dispatcher", "Event"];
        let named = |line: &&str| {
            !aside.iter().any(|end| line.split(['<', ' ', '{']).any(|word| word.ends_with(end)))
        };
        assert_eq!(public.filter(named).count(), listed.len(), "public types of {module}");
    }
}

#[test]
fn values_of_every_type_survive() {
    watchdog(|| {
        for case in CASES_BY_MODULE.iter().flat_map(|(_, cases)| cases.iter()) {
            (case.run)(case.name);
        }
        type Set = Flags<TestFlag>;
        run_equal::<Set>("Flags<TestFlag>");
        run::<Plane>("Plane");
    });
}

#[test]
fn descriptors_keep_their_place() {
    watchdog(|| {
        let fd = || -> SharedFd {
            rustix::fs::memfd_create("plane", rustix::fs::MemfdFlags::CLOEXEC).unwrap().into()
        };
        let some = |wanted: bool| if wanted { fd() } else { SharedFd::none() };
        property("descriptors", |bytes, damage| {
            let mut input = Unstructured::new(bytes);
            let Ok((wanted, other)) = <([bool; 6], IpaCameraSensorInfo)>::arbitrary(&mut input) else {
                return;
            };
            let planes = wanted.iter().map(|wanted| Plane { fd: some(*wanted), offset: 4096, length: 7 });
            round_trip(&IpaBuffer { id: 3, planes: planes.collect() }, damage);
            let [fe, be, table, ..] = wanted.map(some);
            round_trip(&InitParams { fe, be, sensor_info: other, ..InitParams::default() }, damage);
            round_trip(&ConfigParams { ls_table_handle: table, ..ConfigParams::default() }, damage);
        });
    });
}

/// The bytes of an event with these fields.
macro_rules! event {
    ($number:literal, $module:ident::$wire:ident { $($field:ident: $type:ty),* }) => {{
        struct Body<'a> { $($field: &'a $type),* }
        impl Encode for Body<'_> {
            type Wire = $module::wire::event::$wire;

            fn region_bytes(&self) -> usize {
                0 $(+ self.$field.region_bytes())*
            }

            fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Self::Wire {
                $module::wire::event::$wire { $($field: Encode::encode(self.$field, out)),* }
            }
        }
        ($number, encode(&Body { $($field),* }).0)
    }};
}

/// Number and bytes of an event, as they cross a connection.
fn rpi_event(event: &IpaRPiEvent) -> (u16, Vec<u8>) {
    match event {
        IpaRPiEvent::PrepareIspComplete { buffers, stitch_swap_buffers } => {
            event!(1, rpi::PrepareIspComplete { buffers: BufferIds, stitch_swap_buffers: bool })
        }
        IpaRPiEvent::ProcessStatsComplete { buffers } => {
            event!(2, rpi::ProcessStatsComplete { buffers: BufferIds })
        }
        IpaRPiEvent::MetadataReady { metadata } => event!(3, rpi::MetadataReady { metadata: ControlList }),
        IpaRPiEvent::SetIspControls { controls } => event!(4, rpi::SetIspControls { controls: ControlList }),
        IpaRPiEvent::SetDelayedControls { controls, delay_context } => {
            event!(5, rpi::SetDelayedControls { controls: ControlList, delay_context: u32 })
        }
        IpaRPiEvent::SetLensControls { controls } => {
            event!(6, rpi::SetLensControls { controls: ControlList })
        }
        IpaRPiEvent::SetCameraTimeout { max_frame_length_ms } => {
            event!(7, rpi::SetCameraTimeout { max_frame_length_ms: u32 })
        }
    }
}

fn vimc_event(event: &IpaVimcEvent) -> (u16, Vec<u8>) {
    match event {
        IpaVimcEvent::ParamsComputed { buffer_id, flags } => {
            event!(1, vimc::ParamsComputed { buffer_id: u32, flags: Flags<TestFlag> })
        }
    }
}

fn bench_event(event: &BenchEvent) -> (u16, Vec<u8>) {
    match event {
        BenchEvent::Told { value } => event!(1, bench::Told { value: Pod }),
    }
}

fn decode_event<E: Event>(number: u16, bytes: &[u8]) -> Result<E, CallError> {
    let mut decoder = Decoder::new(bytes, &mut []);
    let event = E::decode(number, &mut decoder)?;
    decoder.finish()?;
    Ok(event)
}

/// Events as values of every kind: each has to come up.
fn events<E>(name: &str, last: u16, bytes_of: impl Fn(&E) -> (u16, Vec<u8>))
where
    E: for<'a> Arbitrary<'a> + Event + Debug,
{
    let seen = Mutex::new(BTreeSet::new());
    property(name, |input, damage| {
        let Ok(event) = E::arbitrary(&mut Unstructured::new(input)) else { return };
        let (number, bytes) = bytes_of(&event);
        seen.lock().insert(number);
        let back: E = decode_event(number, &bytes).expect("what was encoded can be decoded");
        assert_eq!(format!("{event:?}"), format!("{back:?}"));
        assert_eq!(bytes_of(&back), (number, bytes.clone()));
        for length in 0..bytes.len().min(300) {
            decode_event::<E>(number, &bytes[..length]).expect_err("it is cut off");
        }
        for bytes in damage.iter().flat_map(|damage| damaged(&bytes, damage)) {
            for number in 0..=last + 1 {
                if let Ok(other) = decode_event::<E>(number, &bytes) {
                    assert_eq!(bytes_of(&other), (number, bytes.clone()));
                }
            }
        }
    });
    assert_eq!(*seen.lock(), (1..=last).collect(), "every event came up");
    for number in [0, last + 1, u16::MAX] {
        let error = decode_event::<E>(number, &[]).unwrap_err();
        assert!(matches!(error, CallError::UnknownEvent { event } if event == number), "{error}");
    }
}

#[test]
fn values_of_every_event_survive() {
    watchdog(|| {
        let counts = [&bench::INTERFACE, &rpi::INTERFACE, &vimc::INTERFACE].map(|it| it.events.len());
        assert_eq!(counts, [1, 7, 1]);
        events("BenchEvent", 1, bench_event);
        events("IpaRPiEvent", 7, rpi_event);
        events("IpaVimcEvent", 1, vimc_event);
    });
}

/// A module that sends the events that it finds in a box when it is told to stop.
struct Postman {
    letters: Arc<Mutex<Vec<IpaRPiEvent>>>,
    events: Box<dyn IpaRPiEvents + Send>,
}

impl IpaRPi for Postman {
    fn stop(&mut self) -> Result<(), CallError> {
        for letter in self.letters.lock().iter() {
            letter.deliver(&mut *self.events);
        }
        Ok(())
    }

    fn init(&mut self, _: &IpaSettings, params: &InitParams) -> Result<(i32, InitResult), CallError> {
        let sensor_config = SensorConfig { sensor_metadata: params.sensor_info.bits_per_pixel };
        Ok((-1, InitResult { sensor_config, ..InitResult::default() }))
    }

    fn start(&mut self, controls: &ControlList) -> Result<StartResult, CallError> {
        Ok(StartResult { controls: controls.clone(), startup_frame_count: 1, invalid_frame_count: 2 })
    }

    fn configure(
        &mut self,
        _: &IpaCameraSensorInfo,
        params: &ConfigParams,
    ) -> Result<(i32, ConfigResult), CallError> {
        let control_info = params.sensor_controls.clone();
        Ok((params.transform.cast_signed(), ConfigResult { control_info, ..ConfigResult::default() }))
    }

    fn map_buffers(&mut self, _: &[IpaBuffer]) -> Result<(), CallError> {
        Ok(())
    }

    fn unmap_buffers(&mut self, _: &[u32]) -> Result<(), CallError> {
        Ok(())
    }

    fn prepare_isp(&mut self, _: &PrepareParams) -> Result<(), CallError> {
        Ok(())
    }

    fn process_stats(&mut self, _: &ProcessParams) -> Result<(), CallError> {
        Ok(())
    }
}

#[test]
fn parameters_results_and_events_survive_a_connection() {
    watchdog(|| {
        let letters: Arc<Mutex<Vec<IpaRPiEvent>>> = Arc::default();
        let theirs = Arc::clone(&letters);
        let make = move |events| Postman { letters: theirs, events };
        let proxy = Mutex::new(IpaRPiProxy::threaded(&Options::new(), make).unwrap());
        property("a connection", |bytes, _| {
            let mut input = Unstructured::new(bytes);
            let Ok(events) = Vec::<IpaRPiEvent>::arbitrary(&mut input) else { return };
            letters.lock().clone_from(&events);
            let mut proxy = proxy.lock();
            proxy.stop().unwrap();
            let received: Vec<IpaRPiEvent> = std::iter::from_fn(|| proxy.next_event().unwrap()).collect();
            assert_eq!(format!("{received:?}"), format!("{events:?}"));

            let mut input = Unstructured::new(bytes);
            if let Ok(controls) = ControlList::arbitrary(&mut input) {
                assert_eq!(encode(&proxy.start(&controls).unwrap().controls).0, encode(&controls).0);
            }
            let mut input = Unstructured::new(bytes);
            if let Ok((info, params)) = <(IpaCameraSensorInfo, ConfigParams)>::arbitrary(&mut input) {
                let (ret, result) = proxy.configure(&info, &params).unwrap();
                assert_eq!(ret, params.transform.cast_signed());
                assert_eq!(encode(&result.control_info).0, encode(&params.sensor_controls).0);
            }
        });
    });
}
