//! The native encoding, over every kind of value that the interfaces shipped have.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::os::fd::OwnedFd;
use std::sync::LazyLock;

use ringfence::interfaces::{libcamera, rpi, vimc};
use ringfence::ipc::Event;
use ringfence::serialize::native::{Decode, Decoder, Encoder, Problem};
use ringfence::serialize::{
    ControlInfoMap, ControlList, Flags, Plane, Point, Rectangle, SharedFd, Size, SizeRange,
};

/// Decodes a message as some `T` and encodes what came out again.
type RoundTrip = fn(&[u8], usize);

/// What can be in a message, by the first byte of the input modulo its length.
///
/// New ones go to the end: the seeds name theirs by number.
pub(crate) const KINDS: &[RoundTrip] = &[
    round_trip::<libcamera::IpaCameraSensorInfo>,
    round_trip::<libcamera::IpaBuffer>,
    round_trip::<libcamera::IpaSettings>,
    round_trip::<libcamera::IpaStream>,
    round_trip::<rpi::SensorConfig>,
    round_trip::<rpi::InitParams>,
    round_trip::<rpi::InitResult>,
    round_trip::<rpi::BufferIds>,
    round_trip::<rpi::ConfigParams>,
    round_trip::<rpi::ConfigResult>,
    round_trip::<rpi::StartResult>,
    round_trip::<rpi::PrepareParams>,
    round_trip::<rpi::ProcessParams>,
    round_trip::<vimc::IpaOperationCode>,
    round_trip::<Flags<vimc::TestFlag>>,
    round_trip::<Vec<libcamera::IpaBuffer>>,
    round_trip::<BTreeMap<u32, libcamera::IpaStream>>,
    round_trip::<BTreeMap<u32, ControlInfoMap>>,
    round_trip::<BTreeMap<String, Vec<String>>>,
    round_trip::<Vec<BTreeMap<String, bool>>>,
    round_trip::<ControlList>,
    round_trip::<ControlInfoMap>,
    round_trip::<Vec<SharedFd>>,
    round_trip::<Vec<Plane>>,
    round_trip::<Point>,
    round_trip::<Size>,
    round_trip::<SizeRange>,
    round_trip::<Rectangle>,
    round_trip::<Vec<f64>>,
    round_trip::<String>,
];

/// The most descriptors that an input can bring along.
pub(crate) const MOST_FDS: usize = 8;

/// Messages of every type that crosses an interface: what decodes encodes to the same bytes, and whatever
/// does not decode leaves no descriptor open and none claimed that did not come.
///
/// The first byte says which type, the second how many descriptors come along.
pub fn native_rpi(data: &[u8]) {
    let [kind, fds, message @ ..] = data else { return };
    KINDS[usize::from(*kind) % KINDS.len()](message, usize::from(*fds) % (MOST_FDS + 1));
}

fn round_trip<T: Decode + Debug>(message: &[u8], count: usize) {
    let mut fds = descriptors(count);
    match Decoder::message::<T>(message, &mut fds) {
        Ok(value) => {
            let (mut bytes, mut sent) = (Vec::new(), Vec::new());
            Encoder::message(&value, &mut bytes, &mut sent).expect("what was received can be sent");
            assert_eq!(bytes, message, "{value:?} encodes to other bytes than it was decoded from");
            assert_eq!(sent.len(), count, "every descriptor belongs to the message");
            assert!(fds.iter().all(Option::is_none), "a descriptor was left behind");
        }
        Err(error) => {
            if let Problem::Fd { count: told, .. } | Problem::SurplusFds { count: told, .. } = error.problem()
            {
                assert_eq!(*told, count);
            }
            assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
        }
    }
}

pub(crate) fn descriptors(count: usize) -> Vec<Option<OwnedFd>> {
    static NULL: LazyLock<OwnedFd> =
        LazyLock::new(|| std::fs::File::open("/dev/null").expect("/dev/null opens").into());
    (0..count).map(|_| Some(NULL.try_clone().expect("a descriptor is left"))).collect()
}

/// Events of the Raspberry Pi's and vimc's modules, as a host decodes them from its worker.
///
/// The first byte says of which module, two more are the event's number.
pub fn native_events(data: &[u8]) {
    let [module, low, high, message @ ..] = data else { return };
    let number = u16::from_le_bytes([*low, *high]);
    let count = usize::from(module >> 1) % (MOST_FDS + 1);
    match module & 1 {
        0 => event::<rpi::IpaRPiEvent>(number, message, count),
        _ => event::<vimc::IpaVimcEvent>(number, message, count),
    }
}

fn event<E: Event + Debug>(number: u16, message: &[u8], count: usize) {
    let mut fds = descriptors(count);
    let mut decoder = Decoder::new(message, &mut fds);
    match E::decode(number, &mut decoder) {
        Ok(event) => {
            let shown = format!("{event:?}");
            // What was taken so far may still be refused for what comes after it.
            let _ = decoder.finish();
            let again = E::decode(number, &mut Decoder::new(message, &mut descriptors(count)));
            let again = again.expect("decoding has no memory");
            assert_eq!(format!("{again:?}"), shown);
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}"),
    }
}
