//! Controls against a model, against themselves, and against packets that nobody should send.

#[cfg(feature = "arbitrary")]
mod generated;
mod hostile;
mod info;
mod list;
mod value;

use proptest::prelude::*;

use super::*;
use crate::serialize::native::{Decode, Decoder, Encode, Encoder, Sink, encoded_bytes};
use crate::serialize::{Point, Rectangle, Size};

/// A slot of a ring: takes a message of exactly this size.
struct Fixed<'a>(&'a mut [u8]);

impl Sink for Fixed<'_> {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

/// The message that is this value.
fn message<T: Encode>(value: &T) -> Vec<u8> {
    // What was there before must not be sent.
    let (mut bytes, mut fds) = (vec![0xa5; encoded_bytes(value)], Vec::new());
    Encoder::message(value, &mut Fixed(&mut bytes), &mut fds).unwrap();
    bytes
}

/// The packet in the message that is this value.
fn packet<T: Encode>(value: &T) -> Vec<u8> {
    let message = message(value);
    let length = u32::from_le_bytes(message[4..8].try_into().unwrap());
    message[8..][..length as usize].to_vec()
}

fn round_trip<T: Decode + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = message(value);
    let decoded = Decoder::message::<T>(&bytes, &mut []).unwrap();
    assert_eq!(&decoded, value);
    assert_eq!(message(&decoded), bytes);
}

fn rectangle() -> impl Strategy<Value = Rectangle> {
    any::<(i32, i32, u32, u32)>().prop_map(|(x, y, width, height)| Rectangle { x, y, width, height })
}

fn size() -> impl Strategy<Value = Size> {
    any::<(u32, u32)>().prop_map(|(width, height)| Size { width, height })
}

fn point() -> impl Strategy<Value = Point> {
    any::<(i32, i32)>().prop_map(|(x, y)| Point { x, y })
}

/// Any bits: `NaN` of every kind, infinities, negative zero.
fn float() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits)
}

/// Any value of this type.
fn value_of(kind: ControlType) -> BoxedStrategy<ControlValue> {
    fn both<T, S>(element: impl Fn() -> S) -> BoxedStrategy<ControlValue>
    where
        T: Into<ControlValue> + std::fmt::Debug + 'static,
        Vec<T>: Into<ControlValue>,
        S: Strategy<Value = T> + 'static,
    {
        prop_oneof![
            element().prop_map(Into::into),
            prop::collection::vec(element(), 0..6).prop_map(Into::into)
        ]
        .boxed()
    }
    match kind {
        ControlType::None => Just(ControlValue::None).boxed(),
        ControlType::Bool => both(any::<bool>),
        ControlType::Byte => both(any::<u8>),
        ControlType::U16 => both(any::<u16>),
        ControlType::U32 => both(any::<u32>),
        ControlType::I32 => both(any::<i32>),
        ControlType::I64 => both(any::<i64>),
        ControlType::F32 => both(float),
        ControlType::String => ".{0,9}".prop_map(Into::into).boxed(),
        ControlType::Rectangle => both(rectangle),
        ControlType::Size => both(size),
        ControlType::Point => both(point),
    }
}

fn kind() -> impl Strategy<Value = ControlType> {
    prop::sample::select(&ControlType::ALL[..])
}

fn value() -> impl Strategy<Value = ControlValue> {
    kind().prop_flat_map(value_of)
}

fn id_map() -> impl Strategy<Value = IdMap> {
    prop::sample::select(&[IdMap::Controls, IdMap::Properties, IdMap::V4l2][..])
}

prop_compose! {
    fn list()(id_map in id_map(), values in prop::collection::vec((0u32..40, value()), 0..12)) -> ControlList {
        let mut list = ControlList::new(id_map);
        for (id, value) in values {
            list.insert(id, value).unwrap();
        }
        list
    }
}

/// Limits that a control of some type can have.
fn limits() -> impl Strategy<Value = (ControlType, ControlInfo)> {
    kind().prop_flat_map(|kind| {
        let limit = if kind == ControlType::String { ControlType::I32 } else { kind };
        let default = prop::option::of(value_of(kind));
        (value_of(limit), value_of(limit), default).prop_map(move |(min, max, default)| {
            let default = default.filter(|default| *default != ControlValue::None);
            (kind, ControlInfo { min, max, default })
        })
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(&[Direction::In, Direction::Out, Direction::InOut][..])
}

prop_compose! {
    fn map()(id_map in id_map(), infos in prop::collection::vec((0u32..20, direction(), limits()), 0..8)) -> ControlInfoMap {
        let mut map = ControlInfoMap::new(id_map);
        for (id, direction, (kind, info)) in infos {
            map.insert(id, kind, direction, &info).unwrap();
        }
        map
    }
}
