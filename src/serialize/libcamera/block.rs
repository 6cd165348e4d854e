//! Parameters of a call, results of a call, and what an event tells.
//!
//! One parameter stands alone. Of several, a table says the sizes first, and the numbers of descriptors of those
//! that may have some.

use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Problem};

/// A parameter to be written.
#[derive(Clone, Copy)]
pub struct Parameter<'a> {
    /// Its name in the interface.
    pub name: &'static str,
    /// Whether it may have descriptors.
    pub counts_fds: bool,
    /// What it is.
    pub value: &'a dyn Encode,
}

impl std::fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameter").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Bytes of a parameter's part of the table.
const fn table_bytes(counts_fds: bool) -> usize {
    if counts_fds { 8 } else { 4 }
}

impl Encoder<'_> {
    /// Appends a block of parameters.
    ///
    /// # Errors
    /// [`EncodeError`] of the first that cannot be expressed.
    pub fn block(&mut self, parameters: &[Parameter<'_>]) -> Result<(), EncodeError> {
        if let [only] = parameters {
            let before = self.fd_count();
            only.value.encode(self)?;
            return match self.fd_count() - before {
                count if count != 0 && !only.counts_fds => {
                    Err(EncodeError::UnmarkedFds { field: only.name, count })
                }
                _ => Ok(()),
            };
        }
        let mut at = self.bytes.len();
        for parameter in parameters {
            self.reserve(parameter.counts_fds);
        }
        for parameter in parameters {
            let (start, reserved) = (self.bytes.len(), self.reserved(at));
            parameter.value.encode(self)?;
            self.fill(parameter.name, reserved, parameter.counts_fds, start)?;
            at += table_bytes(parameter.counts_fds);
        }
        Ok(())
    }
}

/// A block of `N` parameters that is being read.
#[derive(Debug)]
pub struct Block<'d, 'a, const N: usize> {
    input: &'d mut Decoder<'a>,
    /// Size and number of descriptors of each.
    table: [(u32, u32); N],
    next: usize,
}

impl<'a> Decoder<'a> {
    /// Begins a block of parameters, which takes all that is left; `counts_fds` says which of them may have
    /// descriptors.
    ///
    /// # Errors
    /// [`DecodeError`] if the table is not there, or does not say the sizes of what is there.
    pub fn block<const N: usize>(&mut self, counts_fds: [bool; N]) -> Result<Block<'_, 'a, N>, DecodeError> {
        let mut table = [(0, 0); N];
        if let ([only], [counts_fds]) = (&mut table[..], &counts_fds[..]) {
            // A datagram, of which this is a part, is never as long as that.
            let fds = if *counts_fds { self.left_fds() as u32 } else { 0 };
            *only = (self.left() as u32, fds);
        } else {
            for (part, counts_fds) in table.iter_mut().zip(counts_fds) {
                *part = (self.number()?, if counts_fds { self.number()? } else { 0 });
            }
            let sizes = table.iter().map(|(size, _)| u64::from(*size)).sum::<u64>();
            let left = self.left();
            if sizes > left as u64 {
                let offset = self.offset();
                return Err(Problem::Beyond { offset, needed: sizes, left }.into());
            }
        }
        Ok(Block { input: self, table, next: 0 })
    }
}

impl<const N: usize> Block<'_, '_, N> {
    /// Reads the next parameter.
    ///
    /// # Errors
    /// [`DecodeError`] with the name of the parameter, if it is malformed or not as long as the table says.
    ///
    /// # Panics
    /// If there is no other parameter.
    pub fn parameter<T: Decode>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        let (size, fds) = self.table[self.next];
        self.next += 1;
        self.input.body(size, fds).map_err(|error| error.within(name))
    }
}
