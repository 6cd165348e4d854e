//! What a connection tells whoever watches it: a page of the host's, in a memfd of this process.
//!
//! The host describes the connection in it once, and keeps some counts up to date. There is no registry, no thread and no
//! name: [`observe`](super::observe) finds the memfds of other processes in `/proc`. An observer switches on what costs
//! something by writing until when it wants it, so the wish of one that was killed lapses by itself.
//!
//! Any process of the user could write to the page. So the host reads nothing of it but the two words in which
//! observers say what they want, and believes no wish that goes far. What the module's process could read or write is
//! elsewhere: it never gets the page.

pub(super) mod latency;
pub(super) mod layout;
mod page;

pub(super) use page::{About, Status};

/// Now, in nanoseconds of the monotonic clock, which is the same for all processes.
pub(super) fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
