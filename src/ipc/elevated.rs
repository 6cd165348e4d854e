//! Whether whoever started this program has fewer rights than it has: then their environment must decide nothing.

/// Whether it has: by a set-user-id or set-group-id bit, or by capabilities of its file.
pub(super) fn is_elevated() -> bool {
    // SAFETY: the call reads what the kernel has told this process at its start, and has no other effect.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
