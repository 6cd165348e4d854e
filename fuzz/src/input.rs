//! Numbers out of fuzzed bytes.

/// Takes numbers from the front of the bytes; zeroes when they are used up.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    pub fn u64(&mut self) -> u64 {
        self.number(8)
    }

    pub fn u32(&mut self) -> u32 {
        self.number(4) as u32
    }

    pub fn u16(&mut self) -> u16 {
        self.number(2) as u16
    }

    pub fn u8(&mut self) -> u8 {
        self.number(1) as u8
    }

    fn number(&mut self, count: usize) -> u64 {
        let mut number = [0; 8];
        let bytes = self.bytes(count);
        number[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(number)
    }
}
