//! Fields of structs.

use super::{Controls, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

impl Encoder<'_> {
    /// A field that has no size: a number, a truth value, an enum, flags or a descriptor.
    ///
    /// # Errors
    /// As [`Encode::encode`], as do the others.
    #[inline]
    pub fn value<T: Encode + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.encode(self)
    }

    /// A string, struct, array or map without descriptors: its size and itself.
    ///
    /// # Errors
    /// [`EncodeError::UnmarkedFds`] if it has some all the same.
    #[inline]
    pub fn sized<T: Encode + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<(), EncodeError> {
        let reserved = self.reserve(false);
        value.encode(self)?;
        self.end(field, reserved, false)
    }

    /// A struct, array or map that may have descriptors: its size, their number, and itself.
    ///
    /// # Errors
    /// As [`Encode::encode`].
    pub fn sized_with_fds<T: Encode + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let reserved = self.reserve(true);
        value.encode(self)?;
        self.end(field, reserved, true)
    }

    /// Controls: their size and themselves, or the size 0 if there are none.
    ///
    /// # Errors
    /// As [`Encode::encode`].
    #[inline]
    pub fn controls<T: Controls>(&mut self, field: &'static str, value: &T) -> Result<(), EncodeError> {
        if value.is_empty() {
            self.put_count(0);
            return Ok(());
        }
        self.sized(field, value)
    }
}

impl Decoder<'_> {
    /// Reads what [`Encoder::value`] writes.
    ///
    /// # Errors
    /// As [`Decode::decode`], with the name of the field, as do the others.
    #[inline]
    pub fn value<T: Decode>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        T::decode(self).map_err(|error| error.within(field))
    }

    /// Reads what [`Encoder::sized`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] if the value has another size, or claims descriptors.
    #[inline]
    pub fn sized<T: Decode>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        self.number().and_then(|size| self.body(size, 0)).map_err(|error| error.within(field))
    }

    /// Reads what [`Encoder::sized_with_fds`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] if the value has another size or another number of descriptors.
    pub fn sized_with_fds<T: Decode>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        let mut read = || {
            let (size, fds) = (self.number()?, self.number()?);
            self.body(size, fds)
        };
        read().map_err(|error: DecodeError| error.within(field))
    }

    /// Reads what [`Encoder::controls`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] if they are malformed, or refer to a map that never came.
    #[inline]
    pub fn controls<T: Controls>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        let read =
            self.number().and_then(|size| if size == 0 { Ok(T::default()) } else { self.body(size, 0) });
        read.map_err(|error| error.within(field))
    }
}
