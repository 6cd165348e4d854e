//! The encoding against itself and against messages that nobody should send.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;

use super::*;
use crate::serialize::SharedFd;

fn encode<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).unwrap();
    assert!(fds.is_empty());
    assert_eq!(bytes.len(), encoded_bytes(value));
    bytes
}

fn round_trip<T: Decode + PartialEq + Debug>(value: &T) {
    let bytes = encode(value);
    assert_eq!(&Decoder::message::<T>(&bytes, &mut []).unwrap(), value);
    for length in 0..bytes.len() {
        Decoder::message::<T>(&bytes[..length], &mut []).expect_err("a message cut short was accepted");
    }
}

proptest! {
    #[test]
    fn nested_collections_survive(
        value in prop::collection::vec(
            prop::collection::btree_map(".{0,5}", prop::collection::vec(any::<u16>(), 0..4), 0..4), 0..4
        )
    ) {
        round_trip(&value);
    }

    #[test]
    fn scalars_survive(a in any::<bool>(), b in any::<i64>(), c in prop::num::f64::NORMAL, d in any::<Vec<bool>>()) {
        round_trip(&a);
        round_trip(&b);
        round_trip(&c);
        round_trip(&d);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in any::<Vec<u8>>()) {
        let _ = Decoder::message::<Vec<BTreeMap<String, Vec<u16>>>>(&bytes, &mut []);
        let _ = Decoder::message::<BTreeMap<u32, Vec<bool>>>(&bytes, &mut []);
    }
}

#[test]
fn a_string_lies_behind_its_span() {
    assert_eq!(encode("abc"), [8, 0, 0, 0, 3, 0, 0, 0, b'a', b'b', b'c', 0, 0, 0, 0, 0]);
}

#[test]
fn padding_is_zero_since_a_value_has_one_encoding() {
    fn refused<T: Decode + Debug>(value: &T, offset: usize) {
        let mut bytes = encode(value);
        assert_eq!(bytes[offset], 0);
        bytes[offset] = 9;
        let error = Decoder::message::<T>(&bytes, &mut []).unwrap_err();
        assert_eq!(error.problem(), &Problem::Padding { offset, value: 9 });
    }
    refused(&1u8, 7);
    refused(&"abc".to_owned(), 11);
    // Between two regions.
    refused(&vec!["abc".to_owned(), "de".to_owned()], 31);
}

#[test]
fn spans_cannot_share_a_region() {
    // Both strings claim the bytes at offset 24: with many of them, a small message would become a huge value.
    let mut bytes = encode(&vec!["same".to_owned(), "same".to_owned()]);
    let second = 16;
    bytes[second] = bytes[8];
    let error = Decoder::message::<Vec<String>>(&bytes, &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::Misplaced { found: 24, expected: 32 });
    assert_eq!(error.to_string(), "[1]: a region at offset 24 must be at offset 32");
}

#[test]
fn a_huge_count_is_refused_before_anything_is_allocated() {
    let bytes = [8, 0, 0, 0, 255, 255, 255, 255];
    let error = Decoder::message::<Vec<u64>>(&bytes, &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::Short { offset: 8, needed: 8 * u64::from(u32::MAX), available: 8 });
}

#[test]
fn wrong_values_are_named() {
    let error = Decoder::message::<bool>(&[2, 0, 0, 0, 0, 0, 0, 0], &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::Bool { value: 2 });
    let mut bytes = encode("abc");
    bytes[9] = 0xff;
    let error = Decoder::message::<String>(&bytes, &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::Utf8 { valid: 1 });
    let mut bytes = encode(&BTreeMap::from([(1u32, 1u32), (2, 2)]));
    bytes[16] = 1;
    let error = Decoder::message::<BTreeMap<u32, u32>>(&bytes, &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::KeyOrder);
}

#[test]
fn descriptors_keep_their_order_and_none_is_lost() {
    let null = || std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let value = vec![SharedFd::from(null()), SharedFd::none(), SharedFd::from(null())];
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(&value, &mut bytes, &mut fds).unwrap();
    assert_eq!(fds.len(), 2);
    let decoded = Decoder::message::<Vec<SharedFd>>(&bytes, &mut [Some(null()), Some(null())]).unwrap();
    assert_eq!(decoded.iter().map(SharedFd::is_valid).collect::<Vec<_>>(), [true, false, true]);

    let missing = Decoder::message::<Vec<SharedFd>>(&bytes, &mut [Some(null())]).unwrap_err();
    assert_eq!(missing.problem(), &Problem::Fd { found: 2, expected: 2, count: 1 });
    let mut three = [Some(null()), Some(null()), Some(null())];
    let surplus = Decoder::message::<Vec<SharedFd>>(&bytes, &mut three).unwrap_err();
    assert_eq!(surplus.problem(), &Problem::SurplusFds { count: 3, used: 2 });
}

#[test]
fn opaque_messages_are_sent_to_the_byte() {
    for length in 0..40 {
        let sent: Vec<u8> = (1..=length).collect();
        let (mut bytes, mut fds) = (Vec::new(), Vec::new());
        Encoder::message(&Opaque::new(&sent), &mut bytes, &mut fds).unwrap();
        assert_eq!(bytes, sent);
        assert_eq!(encoded_bytes(&Opaque::new(&sent)), sent.len());
        let mut decoder = Decoder::new(&bytes, &mut []);
        assert_eq!(OpaqueBuf::from(&mut decoder).bytes, sent);
        decoder.finish().unwrap();
    }
}

#[test]
fn opaque_messages_take_all_descriptors_that_nothing_else_has_claimed() {
    let null = || std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let sent = [SharedFd::from(null()), SharedFd::none(), SharedFd::from(null())];
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(&Opaque { bytes: b"fds", fds: &sent }, &mut bytes, &mut fds).unwrap();
    assert_eq!(fds.len(), 2);

    let mut came = [Some(null()), Some(null()), Some(null())];
    let mut decoder = Decoder::new(b"\x01\0\0\0\0\0\0\0rest", &mut came);
    let first = SharedFd::decode(decoder.fixed().unwrap(), &mut decoder).unwrap();
    assert!(first.is_valid());
    let rest = OpaqueBuf::from(&mut decoder);
    assert_eq!((rest.bytes.as_slice(), rest.fds.len()), (b"rest".as_slice(), 2));
    decoder.finish().unwrap();

    let many = vec![SharedFd::from(null()); MAX_FDS + 1];
    let error = Encoder::message(&Opaque { bytes: &[], fds: &many }, &mut bytes, &mut fds).unwrap_err();
    assert!(matches!(error, EncodeError::TooManyFds { count: 254, limit: 253 }), "{error}");
}
