//! A line of words at once.
//!
//! A processor moves sixteen bytes as easily as eight, but Rust has no atomic access of that size that would mix with
//! those of eight. To everybody else these instructions are what the loops in [`Words`](super::Words) are, a relaxed
//! load or store of each word: where there is AVX, an aligned `MOVDQA` is atomic as a whole (Intel's Software
//! Developer's Manual, volume 3A, 9.1.1; AMD64 Architecture Programmer's Manual, volume 2, 7.3.2). Older processors
//! promise that of eight bytes only; they move these in aligned halves or as a whole, and a half is a word.

use std::arch::asm;
use std::arch::x86_64::__m128i;

use super::words::{AtomicU64, LINE_WORDS, Line};

/// Stores `line` in the eight words of `target`.
///
/// # Panics
/// If there are other than eight, or they do not lie on sixteen bytes.
#[inline(always)]
pub(super) fn put(target: &[AtomicU64], line: &Line) {
    let target = aligned(target);
    // SAFETY: both are 64 plain bytes.
    let [a, b, c, d]: [__m128i; 4] = unsafe { std::mem::transmute(*line) };
    // SAFETY: eight words from `target` are there (`aligned`), and atomics may be stored to through a shared reference,
    // which is what these instructions do.
    // ORDERING: as of eight Relaxed stores; the Release store of the record's tag, which follows, publishes them.
    unsafe {
        asm!(
            "movdqa [{to}], {a}",
            "movdqa [{to} + 16], {b}",
            "movdqa [{to} + 32], {c}",
            "movdqa [{to} + 48], {d}",
            to = in(reg) target,
            a = in(xmm_reg) a,
            b = in(xmm_reg) b,
            c = in(xmm_reg) c,
            d = in(xmm_reg) d,
            options(nostack, preserves_flags),
        );
    }
}

/// Loads the eight words of `source`, each once.
///
/// # Panics
/// If there are other than eight, or they do not lie on sixteen bytes.
#[inline(always)]
pub(super) fn take(source: &[AtomicU64]) -> Line {
    let source = aligned(source);
    let (a, b, c, d): (__m128i, __m128i, __m128i, __m128i);
    // SAFETY: eight words from `source` are there (`aligned`), and atomics may be loaded whoever stores to them.
    // ORDERING: as of eight Relaxed loads, after the Acquire load of the record's tag.
    unsafe {
        asm!(
            "movdqa {a}, [{from}]",
            "movdqa {b}, [{from} + 16]",
            "movdqa {c}, [{from} + 32]",
            "movdqa {d}, [{from} + 48]",
            from = in(reg) source,
            a = out(xmm_reg) a,
            b = out(xmm_reg) b,
            c = out(xmm_reg) c,
            d = out(xmm_reg) d,
            options(nostack, preserves_flags, readonly),
        );
    }
    // SAFETY: both are 64 plain bytes.
    unsafe { std::mem::transmute([a, b, c, d]) }
}

/// The first of eight words, on sixteen bytes.
#[inline(always)]
fn aligned(words: &[AtomicU64]) -> *const AtomicU64 {
    let first = words.as_ptr();
    assert!(words.len() == LINE_WORDS && first.cast::<__m128i>().is_aligned(), "these words are no line");
    first
}
