//! Events: read as they come, kept while calls are waited for, and given to whoever asks.

use super::*;
use crate::ipc::channel::{FD_WEIGHT, KEPT_WEIGHT};

impl<E: Event> Connection<E> {
    /// The next event, if one is there.
    ///
    /// # Errors
    /// [`CallError`] if the event is malformed, or if the worker has ended and all its events were taken.
    pub fn next_event(&mut self) -> Result<Option<E>, CallError> {
        self.watch_over();
        let mut gone = false;
        let mut came = 0;
        loop {
            if let Some(Queued { event, weight }) = self.queue.pop_front() {
                self.queued_bytes -= weight;
                self.rearm();
                return event.map(Some);
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            // Events may be dropped as fast as they come. The socket stays readable.
            if came == PUMP_LIMIT {
                return Ok(None);
            }
            if self.receive()? {
                self.keep()?;
                came += 1;
            } else if gone {
                return Err(self.bury());
            } else {
                // What it said last may have come since we looked.
                gone = wait(&[], self.peer(), Some(Instant::now())) == Wake::Gone;
                if !gone {
                    if self.watched.get() {
                        self.bell.clear();
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// Waits until [`Connection::next_event`] has something to say, or until `deadline`; without one, for ever.
    /// Returns whether it has.
    ///
    /// # Errors
    /// [`CallError`] if the worker has ended or broke the rules.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        let mut gone = false;
        let result = loop {
            self.watch_over();
            if let Err(error) = self.pump() {
                break Err(error);
            }
            if !self.queue.is_empty() {
                break Ok(true);
            }
            if let Some(error) = &self.failed {
                break Err(error.clone());
            }
            if gone {
                break Err(self.bury());
            }
            let until = self.watchdog.before(deadline);
            match wait(self.news().as_slice(), self.peer(), until) {
                Wake::Ready if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    break Ok(false);
                }
                Wake::Ready => {}
                Wake::Late if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                Wake::Late => break Ok(false),
                Wake::Gone => gone = true,
            }
        };
        self.rearm();
        result
    }

    /// Keeps everything that has come, and returns how many messages that were: no more than there can have been, since
    /// a worker that never stops must not keep us.
    pub(super) fn pump(&mut self) -> Result<usize, CallError> {
        let mut came = 0;
        while came < PUMP_LIMIT && self.receive()? {
            self.keep()?;
            came += 1;
        }
        Ok(came)
    }

    /// Keeps the message at hand for later if it is an event; a reply that comes too late is dropped.
    pub(super) fn keep(&mut self) -> Result<(), CallError> {
        let cookie = self.message.cookie();
        if cookie != 0 {
            if !self.watchdog.answered_late(cookie) {
                return Err(self.cut_off(ProtocolError::Unasked { sequence: cookie }));
            }
            self.answered(cookie);
            self.message.fds.clear();
            return Ok(());
        }
        let weight = self.message.len() + KEPT_WEIGHT + self.message.fds.len() * FD_WEIGHT;
        // Read even if it is dropped: it may teach us what later ones mean.
        let event = self.read_event();
        self.message.fds.clear();
        let limit = self.options.queue_bytes;
        while self.queued_bytes + weight > limit {
            match self.options.on_flood {
                OnFlood::CutOff => return Err(self.cut_off(ProtocolError::Flood { limit })),
                OnFlood::DropOldest if weight <= limit => {
                    self.queued_bytes -= self.queue.pop_front().map_or(0, |oldest| oldest.weight);
                    self.count_dropped();
                }
                OnFlood::DropOldest | OnFlood::DropNewest => {
                    self.count_dropped();
                    return Ok(());
                }
            }
        }
        self.queued_bytes += weight;
        self.queue.push_back(Queued { event, weight });
        Ok(())
    }

    fn count_dropped(&mut self) {
        self.dropped_events += 1;
        self.status.set_dropped_events(self.dropped_events);
    }

    fn read_event(&mut self) -> Result<E, CallError> {
        // No interface has so many events.
        let number = u16::try_from(self.message.number()).unwrap_or(u16::MAX);
        let controls = self.before_reset.front_mut().map_or(&mut self.controls, |(_, controls)| controls);
        let mut body = self.message.body(controls);
        let event = E::decode(number, &mut body)?;
        body.finish()?;
        Ok(event)
    }

    /// The call of this cookie was answered. A worker serves one call after the other: those before it will have no
    /// reply any more, and if one was a `configure`, what comes from now on goes by the new state. And if one was that in
    /// which the module is loaded, it is: that the answer was given up is no reason to let it open more.
    pub(super) fn answered(&mut self, cookie: u32) {
        let is_loaded = |loading: &mut u32| cookie.wrapping_sub(*loading) <= u32::MAX / 2;
        if self.loading_call.take_if(is_loaded).is_some() {
            self.module.seal();
        }
        let is_later = |other: u32| other != cookie && other.wrapping_sub(cookie) <= u32::MAX / 2;
        self.before_reset.retain(|(reset, _)| is_later(*reset));
    }
}
