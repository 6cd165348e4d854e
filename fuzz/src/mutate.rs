//! Changes to inputs, for the test that has no fuzzer.

/// A generator of pseudo-random numbers (SplitMix64, Steele et al. 2014) and of changes made with it.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The same seed makes the same changes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next_u64() % limit as u64) as usize
    }

    /// Bytes without any sense.
    pub fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next_u64() as u8).collect()
    }

    /// Changes `bytes` in one to four places; `other` is an input to borrow from.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        /// Numbers at which lengths and counts go wrong.
        const EDGES: [u32; 8] = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, u32::MAX];
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.extend(self.noise(1 + at % 16)),
                2 => bytes.insert(at, self.next_u64() as u8),
                3 if !other.is_empty() => {
                    let start = self.below(other.len());
                    let length = self.below((other.len() - start).min(64) + 1);
                    bytes.splice(at..at, other[start..start + length].iter().copied());
                }
                4 if at + 4 <= bytes.len() => {
                    let edge = EDGES[self.below(EDGES.len())];
                    bytes[at..at + 4].copy_from_slice(&edge.to_le_bytes());
                }
                5 => {
                    let end = (at + self.below(9)).min(bytes.len());
                    bytes.drain(at..end);
                }
                6 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(1 + self.below(2) as u8 * 254),
                _ if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ => {}
            }
        }
    }
}
