//! Numbers, truth values, flags and descriptors.

use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Problem};
use crate::serialize::{Flag, Flags, Plane, SharedFd};

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Encode for $number {
            #[inline]
            fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
                out.put(&self.to_le_bytes());
                Ok(())
            }
        }

        impl Decode for $number {
            #[inline]
            fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_le_bytes(input.array()?))
            }
        }
    )*};
}

numbers! { u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 }

impl Encode for bool {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        u8::from(*self).encode(out)
    }
}

impl Decode for bool {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(Problem::Bool { value }.into()),
        }
    }
}

impl<E: Flag> Encode for Flags<E> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.bits().encode(out)
    }
}

impl<E: Flag> Decode for Flags<E> {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bits = input.number()?;
        Self::from_bits(bits).ok_or_else(|| Problem::Flags { name: E::NAME, bits }.into())
    }
}

impl Encode for SharedFd {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.put_count(usize::from(self.is_valid()));
        if self.is_valid() {
            out.attach(self);
        }
        Ok(())
    }
}

impl Decode for SharedFd {
    /// Any number but zero says that there is a descriptor.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match input.number()? {
            0 => Ok(Self::none()),
            _ => input.claim(),
        }
    }
}

impl Encode for Plane {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.fd.encode(out)?;
        self.offset.encode(out)?;
        self.length.encode(out)
    }
}

impl Decode for Plane {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self { fd: input.value("fd")?, offset: input.value("offset")?, length: input.value("length")? })
    }
}
