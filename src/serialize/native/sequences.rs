//! Strings, arrays and maps.

use std::collections::BTreeMap;

use zerocopy::{FromBytes, IntoBytes};

use super::{Decode, DecodeError, Decoder, Encode, Encoder, Problem, Sink, Span, align};

impl Encode for str {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        align(self.len())
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        let span = out.reserve_span(self.len(), 1);
        out.write(span.offset.get() as usize, self.as_bytes());
        span
    }
}

impl Encode for String {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        self.as_str().region_bytes()
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        self.as_str().encode(out)
    }
}

impl Decode for String {
    fn decode(wire: &Span, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bytes = input.region(wire, 1)?;
        let text =
            std::str::from_utf8(bytes).map_err(|error| Problem::Utf8 { valid: error.valid_up_to() })?;
        Ok(text.to_owned())
    }
}

impl<T: Encode> Encode for [T] {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        align(size_of_val_on_wire::<T>(self.len())) + self.iter().map(Encode::region_bytes).sum::<usize>()
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        let span = out.reserve_span(self.len(), size_of::<T::Wire>());
        T::encode_all(self, span.offset.get() as usize, out);
        span
    }
}

impl<T: Encode> Encode for Vec<T> {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        self.as_slice().region_bytes()
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        self.as_slice().encode(out)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(wire: &Span, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let wires = input.fixed_all(wire)?;
        T::decode_all(wires, input)
    }
}

impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    type Wire = Span;

    fn region_bytes(&self) -> usize {
        let regions: usize = self.iter().map(|(key, value)| key.region_bytes() + value.region_bytes()).sum();
        align(self.len() * pair_bytes::<K, V>()) + regions
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Span {
        let span = out.reserve_span(self.len(), pair_bytes::<K, V>());
        let mut offset = span.offset.get() as usize;
        for (key, value) in self {
            let wire = key.encode(out);
            out.write(offset, wire.as_bytes());
            let wire = value.encode(out);
            out.write(offset + size_of::<K::Wire>(), wire.as_bytes());
            offset += pair_bytes::<K, V>();
        }
        span
    }
}

impl<K: Decode + Ord, V: Decode> Decode for BTreeMap<K, V> {
    fn decode(wire: &Span, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::new();
        for (index, pair) in
            input.region(wire, pair_bytes::<K, V>())?.chunks_exact(pair_bytes::<K, V>()).enumerate()
        {
            let mut decode = || {
                let (key, value) = pair.split_at(size_of::<K::Wire>());
                let key = K::decode(K::Wire::ref_from_bytes(key).expect("the pair was split there"), input)?;
                let value = V::decode(V::Wire::ref_from_bytes(value).expect("the rest of the pair"), input)?;
                Ok((key, value))
            };
            let (key, value) = decode().map_err(|error: DecodeError| error.at(index))?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(DecodeError::from(Problem::KeyOrder).at(index));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Bytes of `count` fixed parts.
const fn size_of_val_on_wire<T: Encode>(count: usize) -> usize {
    count * size_of::<T::Wire>()
}

/// Bytes of the fixed parts of a map's key and value.
const fn pair_bytes<K: Encode, V: Encode>() -> usize {
    const { assert!(size_of::<K::Wire>() != 0, "keys of no size could be announced without end") };
    size_of::<K::Wire>() + size_of::<V::Wire>()
}
