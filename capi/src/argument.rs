//! What a caller passes, checked.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use crate::error::rf_error;

/// The object behind a pointer.
///
/// # Safety
/// The pointer is NULL, or the object lives for `'a` and nobody changes it meanwhile.
pub(crate) unsafe fn object<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, rf_error> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// The object behind a pointer, to be changed.
///
/// # Safety
/// The pointer is NULL, or the object lives for `'a` and nobody else uses it meanwhile.
pub(crate) unsafe fn object_mut<'a, T>(pointer: *mut T, what: &str) -> Result<&'a mut T, rf_error> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(what))
}

/// The elements behind a pointer.
///
/// # Safety
/// There are `count` of them, or the pointer is NULL; they live for `'a`, and nobody changes them meanwhile.
pub(crate) unsafe fn elements<'a, T>(
    pointer: *const T,
    count: usize,
    what: &str,
) -> Result<&'a [T], rf_error> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(rf_error::argument(format!("{what} is NULL, but there are said to be {count}")));
    }
    if !pointer.is_aligned() || count > isize::MAX as usize / size_of::<T>() {
        return Err(rf_error::argument(format!("{what}: {count} at {pointer:p} cannot be")));
    }
    // SAFETY: not NULL, aligned, and no larger than memory can be; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// A text.
///
/// # Safety
/// The pointer is NULL or leads to a text that ends with a zero byte and lives for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, rf_error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { string(pointer, what) }?;
    std::str::from_utf8(bytes).map_err(|_| rf_error::argument(format!("{what} is not UTF-8")))
}

/// A path, which need not be UTF-8.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn path<'a>(pointer: *const c_char, what: &str) -> Result<&'a Path, rf_error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { string(pointer, what) }?;
    if bytes.is_empty() {
        return Err(rf_error::argument(format!("{what} is empty")));
    }
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// An argument of a program, which need not be UTF-8 and may be empty.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn string<'a>(pointer: *const c_char, what: &str) -> Result<&'a [u8], rf_error> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: not NULL, and the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// One of the numbers that the header lists.
pub(crate) fn choice<T: Copy>(number: u32, choices: &[T], what: &str) -> Result<T, rf_error> {
    let chosen = usize::try_from(number).ok().and_then(|index| choices.get(index));
    chosen.copied().ok_or_else(|| {
        rf_error::argument(format!("{what} cannot be {number}; 0 to {} can", choices.len() - 1))
    })
}

/// A time of the header.
pub(crate) fn time(nanoseconds: u64) -> Duration {
    match nanoseconds {
        // The library bounds it.
        u64::MAX => Duration::MAX,
        nanoseconds => Duration::from_nanos(nanoseconds),
    }
}

fn null(what: &str) -> rf_error {
    rf_error::argument(format!("{what} is NULL"))
}
