//! What host and component have in common, as C tells it.

use std::ffi::c_char;

use ringfence::ipc::Interface;

use crate::argument::{elements, object, text};
use crate::error::rf_error;

/// One method of an interface.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rf_method {
    /// Its mojom name, of 1 to 127 bytes.
    pub name: *const c_char,
    /// Not zero if it is one way: it has no reply, and is called with rf_cast().
    pub one_way: u32,
    /// Zero.
    pub reserved: u32,
}

/// An interface. The worker must have been built with the same one. `mojomc dump` tells all of it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rf_interface {
    /// sizeof(rf_interface), so that it can grow.
    pub size: usize,
    /// Full mojom name, such as "ipa.RPi.IPARPiInterface", of 1 to 127 bytes.
    pub name: *const c_char,
    /// Hash of everything that shapes a message.
    pub hash: u64,
    /// Methods, numbered from 1 in this order.
    pub methods: *const rf_method,
    /// How many; at most 65535.
    pub method_count: usize,
    /// Names of the events, numbered from 1 in this order.
    pub events: *const *const c_char,
    /// How many; at most 65535.
    pub event_count: usize,
}

impl rf_interface {
    /// Copies the interface. The runtime keeps one copy of each, for ever.
    ///
    /// # Safety
    /// The pointer is NULL or leads to an interface as the header describes it.
    pub(crate) unsafe fn read(pointer: *const Self) -> Result<&'static Interface, rf_error> {
        // SAFETY: the caller's promise; a size is the least that every version has.
        let size = *unsafe { object(pointer.cast::<usize>(), "interface") }?;
        if size < size_of::<Self>() {
            let expected = size_of::<Self>();
            let message = format!("interface: its size is {size}, not sizeof(rf_interface), {expected}");
            return Err(rf_error::argument(message));
        }
        // SAFETY: it is as large as that, and the caller's promise.
        let this = unsafe { object(pointer, "interface") }?;
        // SAFETY: the caller's promise, for each of them.
        let name = unsafe { text(this.name, "interface: its name") }?;
        // SAFETY: as above.
        let methods = unsafe { elements(this.methods, this.method_count, "interface: its methods") }?;
        // SAFETY: as above.
        let events = unsafe { elements(this.events, this.event_count, "interface: its events") }?;
        let method = |method: &rf_method| {
            // SAFETY: as above.
            Ok((unsafe { text(method.name, "interface: a method's name") }?, method.one_way != 0))
        };
        let methods: Vec<(&str, bool)> = methods.iter().map(method).collect::<Result<_, rf_error>>()?;
        // SAFETY: as above.
        let event = |event: &*const c_char| unsafe { text(*event, "interface: an event's name") };
        let events: Vec<&str> = events.iter().map(event).collect::<Result<_, rf_error>>()?;
        Ok(Interface::intern(name, this.hash, &methods, &events)?)
    }
}
