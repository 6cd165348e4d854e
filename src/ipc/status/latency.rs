//! Buckets of a histogram of times.
//!
//! Log-linear, like HdrHistogram's: 32 buckets an octave, so a bucket is at most 1/32 of its time wide.

use std::ops::RangeInclusive;

/// Bits of a time that its bucket keeps, below the highest one.
const KEPT_BITS: u32 = 5;
/// Bits of the longest time that is told apart: 2³⁸ ns are four and a half minutes.
const TIME_BITS: u32 = 38;
/// Buckets an octave.
const PER_OCTAVE: usize = 1 << KEPT_BITS;

/// How many buckets there are.
pub const BUCKETS: usize = (TIME_BITS - KEPT_BITS + 1) as usize * PER_OCTAVE;

/// The bucket of a time in nanoseconds. Whatever is too long is in the last.
pub fn bucket_of(ns: u64) -> usize {
    let ns = ns.min((1 << TIME_BITS) - 1);
    let shift = (u64::BITS - ns.leading_zeros()).saturating_sub(KEPT_BITS + 1);
    shift as usize * PER_OCTAVE + (ns >> shift) as usize
}

/// The times of a bucket, in nanoseconds.
pub fn times_of(bucket: usize) -> RangeInclusive<u64> {
    let shift = (bucket / PER_OCTAVE).saturating_sub(1);
    let first = (bucket - shift * PER_OCTAVE) as u64;
    first << shift..=((first + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_meet_without_gaps_and_are_narrow() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let times = times_of(bucket);
            assert_eq!(*times.start(), next, "bucket {bucket}");
            assert_eq!((bucket_of(*times.start()), bucket_of(*times.end())), (bucket, bucket));
            assert!((times.end() - times.start()) * 32 <= *times.start());
            next = times.end() + 1;
        }
        assert_eq!(next, 1 << TIME_BITS);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }
}
