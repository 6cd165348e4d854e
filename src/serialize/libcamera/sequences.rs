//! Strings, arrays and maps.

use std::collections::BTreeMap;

use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Problem};

/// Bytes before each element: its size and its number of descriptors.
const ELEMENT_HEADER: usize = 8;

impl Encode for str {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.put(self.as_bytes());
        Ok(())
    }
}

impl Encode for &str {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        (**self).encode(out)
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.as_str().encode(out)
    }
}

impl Decode for String {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(input.rest());
        let text = text.map_err(|error| Problem::Utf8 { valid: error.valid_up_to() })?;
        Ok(text.to_owned())
    }
}

impl Encoder<'_> {
    /// An element, behind its size and its number of descriptors.
    #[inline]
    fn element<T: Encode>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.sized_with_fds("element", value)
    }
}

impl Decoder<'_> {
    /// What [`Encoder::element`] writes.
    #[inline]
    fn element<T: Decode>(&mut self) -> Result<T, DecodeError> {
        let (size, fds) = (self.number()?, self.number()?);
        self.body(size, fds)
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.put_count(self.len());
        self.iter().try_for_each(|item| out.element(item))
    }
}

impl<T: Encode> Encode for &[T] {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        (**self).encode(out)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.as_slice().encode(out)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let count = input.count(ELEMENT_HEADER)?;
        let mut items = Self::with_capacity(count);
        for index in 0..count {
            items.push(input.element().map_err(|error| error.at(index))?);
        }
        Ok(items)
    }
}

impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.put_count(self.len());
        self.iter().try_for_each(|(key, value)| {
            out.element(key)?;
            out.element(value)
        })
    }
}

impl<K: Decode + Ord, V: Decode> Decode for BTreeMap<K, V> {
    /// Keys may come in any order.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let count = input.count(2 * ELEMENT_HEADER)?;
        let mut map = Self::new();
        for index in 0..count {
            let mut pair = || Ok((input.element()?, input.element()?));
            let (key, value) = pair().map_err(|error: DecodeError| error.at(index))?;
            if map.insert(key, value).is_some() {
                return Err(DecodeError::from(Problem::RepeatedKey).at(index));
            }
        }
        Ok(map)
    }
}
