//! The encoding by itself.
