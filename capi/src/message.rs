//! Bodies that go out, and messages that come in.

use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

use ringfence::serialize::SharedFd;
use ringfence::serialize::native::{Decoder, MAX_FDS};

use crate::argument::{elements, object};
use crate::error::{quietly, rf_error};
use crate::status::rf_status::RF_ERROR_DESCRIPTORS;

/// What is sent: bytes and descriptors, as they are. A component that ringfence generated expects the native encoding.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rf_body {
    /// The bytes; may be NULL if there are none.
    pub bytes: *const c_void,
    /// How many.
    pub length: usize,
    /// File descriptors, which stay the caller's: the worker gets copies. May be NULL if there are none.
    pub fds: *const i32,
    /// How many; at most 253.
    pub fd_count: usize,
}

/// A reply or an event, in memory that is used again for the next one.
#[derive(Debug, Default)]
pub struct rf_message {
    number: u16,
    bytes: Vec<u8>,
    fds: Vec<Option<OwnedFd>>,
}

impl rf_body {
    /// What shall be sent; descriptors are added to `fds`.
    ///
    /// # Safety
    /// The pointer is NULL, or leads to a body as the header describes it, which lives for `'a`.
    pub(crate) unsafe fn read<'a>(
        pointer: *const Self,
        fds: &mut Vec<SharedFd>,
    ) -> Result<&'a [u8], rf_error> {
        if pointer.is_null() {
            return Ok(&[]);
        }
        // SAFETY: the caller's promise.
        let this = unsafe { object(pointer, "body") }?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { elements(this.bytes.cast::<u8>(), this.length, "body: its bytes") }?;
        if this.fd_count > MAX_FDS {
            let message =
                format!("body: {} descriptors cannot be sent at once; {MAX_FDS} can", this.fd_count);
            return Err(rf_error::argument(message));
        }
        // SAFETY: the caller's promise.
        for (index, &fd) in unsafe { elements(this.fds, this.fd_count, "body: its fds") }?.iter().enumerate()
        {
            if fd < 0 {
                return Err(rf_error::argument(format!(
                    "body: fds[{index}] is {fd}, which is no descriptor"
                )));
            }
            // SAFETY: not -1. If it is not open the system says so, and nothing else is done with it.
            let copy = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().map_err(|error| {
                let message = format!("body: fds[{index}] is {fd}, which cannot be sent: {error}");
                rf_error::new(RF_ERROR_DESCRIPTORS, message)
            })?;
            fds.push(copy.into());
        }
        Ok(bytes)
    }
}

impl rf_message {
    /// Takes what came with `number` instead of what was there.
    pub(crate) fn read(&mut self, number: u16, input: &mut Decoder<'_>) {
        self.clear();
        let (bytes, fds) = input.rest();
        self.number = number;
        self.bytes.extend_from_slice(bytes);
        self.fds.extend(fds.map(Some));
    }

    /// Forgets what was there, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.number = 0;
        self.bytes.clear();
        self.fds.clear();
    }
}

/// An empty message. It can be given to any number of calls, one after the other, and allocates no more once it has held
/// the largest.
#[unsafe(no_mangle)]
pub extern "C" fn rf_message_new() -> *mut rf_message {
    Box::into_raw(Box::default())
}

/// Frees a message, and closes the descriptors that were not taken out of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_free(message: *mut rf_message) {
    if !message.is_null() {
        // SAFETY: it came from `rf_message_new`, and the caller frees it once.
        quietly((), || drop(unsafe { Box::from_raw(message) }));
    }
}

/// Number of the method that was called, or of the event. 0 if the message is empty, as after a failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_number(message: *const rf_message) -> u32 {
    // SAFETY: NULL, or a message of ours that the caller has not freed and does not change meanwhile.
    unsafe { message.as_ref() }.map_or(0, |message| message.number.into())
}

/// The bytes, and in `length`, if that is not NULL, how many. They belong to the message, and are valid until it is given
/// to another call or freed. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_bytes(message: *const rf_message, length: *mut usize) -> *const u8 {
    // SAFETY: as in `rf_message_number`.
    let bytes = unsafe { message.as_ref() }.map_or(&[][..], |message| &message.bytes);
    if !length.is_null() {
        // SAFETY: the caller lets us write there.
        unsafe { length.write(bytes.len()) };
    }
    // The place of an empty vector is made up, and C's functions want a real one.
    static NOTHING: [u8; 1] = [0];
    if bytes.is_empty() { NOTHING.as_ptr() } else { bytes.as_ptr() }
}

/// How many descriptors came with the message, those included that were taken out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_fd_count(message: *const rf_message) -> usize {
    // SAFETY: as in `rf_message_number`.
    unsafe { message.as_ref() }.map_or(0, |message| message.fds.len())
}

/// The descriptor at `index`, from 0, to be looked at: it stays the message's. -1 if there is none, or if it was taken out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_fd(message: *const rf_message, index: usize) -> i32 {
    // SAFETY: as in `rf_message_number`.
    let fd = unsafe { message.as_ref() }.and_then(|message| message.fds.get(index)?.as_ref());
    fd.map_or(-1, AsRawFd::as_raw_fd)
}

/// Takes the descriptor at `index` out: it is the caller's, who closes it. The others keep their places. -1 if there is
/// none, or if it was taken before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_message_take_fd(message: *mut rf_message, index: usize) -> i32 {
    // SAFETY: NULL, or a message of ours that the caller has not freed and that nobody else uses meanwhile.
    let fd = unsafe { message.as_mut() }.and_then(|message| message.fds.get_mut(index)?.take());
    fd.map_or(-1, IntoRawFd::into_raw_fd)
}
