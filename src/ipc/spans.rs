//! What both sides log of each call, event and sleep, at the level `trace`: with the connection's id and the call's number, by
//! which the logs of a host and of its workers can be joined.
//!
//! Callers ask [`are_on`] first, so that nobody pays for what nobody reads.
#![forbid(unsafe_code)]

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::span::EnteredSpan;
use tracing::{Level, trace, trace_span};

use super::ConnectionId;
use super::wait::Wake;

/// Whether anybody wants to know so much.
#[inline(always)]
pub(super) fn are_on() -> bool {
    Level::TRACE <= STATIC_MAX_LEVEL && Level::TRACE <= LevelFilter::current()
}

/// The host calls a method.
#[cold]
#[inline(never)]
pub(super) fn call(connection: ConnectionId, method: &'static str, sequence: u32) -> EnteredSpan {
    let span = trace_span!("call", %connection, method, sequence).entered();
    trace!("calling");
    span
}

/// Within [`call`]: the answer has come.
#[cold]
pub(super) fn answered() {
    trace!("answered");
}

/// The host calls a method that has no reply.
#[cold]
pub(super) fn cast(connection: ConnectionId, method: &'static str, sequence: u32) {
    trace!(%connection, method, sequence, "casting");
}

/// The module serves a call or cast. Over libcamera's socket nobody tells it what the connection is called.
#[cold]
#[inline(never)]
pub(super) fn serve(connection: Option<ConnectionId>, method: &'static str, sequence: u32) -> EnteredSpan {
    let connection = connection.map(tracing::field::display);
    let span = trace_span!("serve", connection, method, sequence).entered();
    trace!("serving");
    span
}

/// Within [`serve`]: it has been served.
#[cold]
pub(super) fn served() {
    trace!("served");
}

/// The module has sent an event, the `sequence`th of the connection.
#[cold]
pub(super) fn emitted(connection: ConnectionId, event: &'static str, sequence: u64) {
    trace!(%connection, event, sequence, "an event was emitted");
}

/// The host has taken an event out of the ring, the `sequence`th of the connection.
#[cold]
pub(super) fn came(connection: ConnectionId, event: &'static str, sequence: u64) {
    trace!(%connection, event, sequence, "an event came");
}

/// A side sleeps until a message comes.
#[cold]
pub(super) fn asleep(connection: ConnectionId) {
    trace!(%connection, "asleep");
}

/// The sleep is over.
#[cold]
pub(super) fn awake(connection: ConnectionId, wake: Wake) {
    trace!(%connection, reason = ?wake, "awake");
}
