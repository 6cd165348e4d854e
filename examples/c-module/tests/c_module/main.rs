//! The header under a real host.
