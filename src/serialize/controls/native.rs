//! Controls in the native encoding: a [`Span`] whose region is the packet. An empty list is its header.

use zerocopy::IntoBytes;

use super::packet::{Entry, Header, Packet};
use super::{ControlInfoMap, ControlList};
use crate::serialize::native::{Decode, DecodeError, Decoder, Encode, Encoder, Problem, Sink, Span, align};

impl<E: Entry> Encode for Packet<E> {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        align(self.bytes())
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        let span = out.reserve_span(self.bytes(), 1);
        let offset = span.offset.get() as usize;
        out.write(offset, self.header().as_bytes());
        out.write(offset + size_of::<Header>(), self.body());
        span
    }
}

macro_rules! packets {
    ($($packet:ty)*) => {$(
        impl Encode for $packet {
            type Wire = Span;

            fn region_bytes(&self) -> usize {
                self.0.region_bytes()
            }

            fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
                self.0.encode(out)
            }
        }

        impl Decode for $packet {
            fn decode(wire: &Span, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Self::from_packet(input.region(wire, 1)?).map_err(|error| Problem::Controls(error).into())
            }
        }
    )*};
}

packets! { ControlList ControlInfoMap }

#[cfg(feature = "arbitrary")]
mod arbitrary_impls {
    use arbitrary::{Arbitrary, Result, Unstructured};

    use super::{ControlInfoMap, ControlList};
    use crate::serialize::controls::{ControlInfo, ControlType, ControlValue};
    use crate::serialize::{Point, Rectangle, Size};

    impl<'a> Arbitrary<'a> for ControlList {
        fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
            let mut list = Self::new(input.arbitrary()?);
            for control in input.arbitrary_iter::<(u32, ControlValue)>()? {
                let (id, value) = control?;
                list.insert(id, value).map_err(|_| arbitrary::Error::IncorrectFormat)?;
            }
            Ok(list)
        }
    }

    impl<'a> Arbitrary<'a> for ControlInfo {
        /// Limits of one type, as they can be put into a map.
        fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Typed::arbitrary(input)?.info)
        }
    }

    impl<'a> Arbitrary<'a> for ControlInfoMap {
        fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
            let mut map = Self::new(input.arbitrary()?);
            for control in input.arbitrary_iter()? {
                let (id, direction, Typed { kind, info }) = control?;
                map.insert(id, kind, direction, &info).map_err(|_| arbitrary::Error::IncorrectFormat)?;
            }
            Ok(map)
        }
    }

    /// Limits, and the type of control that can have them.
    struct Typed {
        kind: ControlType,
        info: ControlInfo,
    }

    impl<'a> Arbitrary<'a> for Typed {
        fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
            let kind = input.arbitrary()?;
            let limit = if kind == ControlType::String { ControlType::I32 } else { kind };
            let (min, max) = (value(limit, input)?, value(limit, input)?);
            let default = match input.arbitrary()? {
                true if kind != ControlType::None => Some(value(kind, input)?),
                _ => None,
            };
            Ok(Self { kind, info: ControlInfo { min, max, default } })
        }
    }

    fn value(kind: ControlType, input: &mut Unstructured<'_>) -> Result<ControlValue> {
        fn of<'a, T>(input: &mut Unstructured<'a>) -> Result<ControlValue>
        where
            T: Arbitrary<'a> + Into<ControlValue>,
            Vec<T>: Into<ControlValue>,
        {
            Ok(match input.arbitrary()? {
                true => Vec::<T>::arbitrary(input)?.into(),
                false => T::arbitrary(input)?.into(),
            })
        }
        match kind {
            ControlType::None => Ok(ControlValue::None),
            ControlType::Bool => of::<bool>(input),
            ControlType::Byte => of::<u8>(input),
            ControlType::U16 => of::<u16>(input),
            ControlType::U32 => of::<u32>(input),
            ControlType::I32 => of::<i32>(input),
            ControlType::I64 => of::<i64>(input),
            ControlType::F32 => of::<f32>(input),
            ControlType::String => Ok(String::arbitrary(input)?.into()),
            ControlType::Rectangle => of::<Rectangle>(input),
            ControlType::Size => of::<Size>(input),
            ControlType::Point => of::<Point>(input),
        }
    }
}
