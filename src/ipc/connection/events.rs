//! Events: kept while calls are waited for, and given to whoever asks.

use super::calls::Rounds;
use super::*;

impl Connection {
    /// The next event, if one is there.
    ///
    /// # Errors
    /// [`CallError`] if the event is malformed, if a cast failed in the module, or if the module has ended
    /// and all its events were taken.
    pub fn next_event<E: Event>(&mut self) -> Result<Option<E>, CallError> {
        self.watch_over();
        loop {
            if let Some(mut message) = self.queue.pop_front() {
                self.queued_bytes -= message.weight();
                let event = read_event(self.interface, &mut message);
                self.reuse(message);
                return event.map(Some);
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.receive()? {
                if self.is_for_owner()? {
                    let event = read_event(self.interface, &mut self.message);
                    self.message.close_fds();
                    return event.map(Some);
                }
            } else if wait(&[], self.peer(), Some(Instant::now())) == Wake::Gone {
                // What it said last may have come since we looked.
                if !self.receive_last()? {
                    return Err(self.bury());
                }
            } else if !self.watched.get() || self.fall_asleep() {
                self.incoming.release();
                return Ok(None);
            }
        }
    }

    /// Silences the descriptor, as nothing is there. `false` if something has come meanwhile: the descriptor is
    /// readable then, until all of it was taken.
    fn fall_asleep(&mut self) -> bool {
        self.incoming.hush();
        let asleep = self.incoming.prepare_sleep();
        if !asleep {
            self.incoming.nudge();
        }
        asleep
    }

    /// Waits until [`Connection::next_event`] has something to say, or until `deadline`; without one, for ever.
    /// Returns whether it has.
    ///
    /// # Errors
    /// [`CallError`] if the module has ended or broke the rules.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        let result = self.wait_for_event(deadline);
        self.rearm();
        result
    }

    fn wait_for_event(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        let mut rounds = Rounds::default();
        loop {
            self.watch_over();
            self.pump()?;
            if !self.queue.is_empty() {
                return Ok(true);
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if rounds.are_many() && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(false);
            }
            if self.incoming.glance(&mut self.for_event) {
                continue;
            }
            let peer = self.module.peer(self.socket.as_fd());
            match self.incoming.wait(&mut self.for_event, peer, self.watchdog.before(deadline)) {
                Wake::Ready => {}
                Wake::Late if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                Wake::Late => return Ok(false),
                Wake::Gone => {
                    self.pump()?;
                    if self.queue.is_empty() {
                        return Err(self.bury());
                    }
                }
            }
        }
    }

    /// Whether the message at hand is an event, or the failure of a cast. Replies that came too late are not;
    /// there are no more of them than calls that were given up, so a module cannot keep us busy with them.
    fn is_for_owner(&mut self) -> Result<bool, CallError> {
        let label = self.label()?;
        match label.kind {
            Kind::Event => {
                self.events += 1;
                if spans::are_on() {
                    spans::came(self.id, self.interface.event_name(label.number), self.events);
                }
                return Ok(true);
            }
            Kind::Fault if self.is_one_way(label.number) => return Ok(true),
            Kind::Reply | Kind::Fault => {}
            kind => return Err(self.cut_off(ProtocolError::Kind { kind: kind.number() })),
        }
        if !self.watchdog.answered_late(label.sequence) {
            return Err(self.cut_off(ProtocolError::Unasked { sequence: label.sequence }));
        }
        self.answered(label.sequence);
        self.message.close_fds();
        Ok(false)
    }

    /// Whether this method has no reply. What is no method at all can only have been cast.
    fn is_one_way(&self, method: u16) -> bool {
        let own = usize::from(method).checked_sub(1).and_then(|index| self.interface.methods.get(index));
        own.is_none_or(|method| method.asynchronous)
    }

    /// Keeps the message at hand for later, if it is for the owner.
    pub(super) fn keep(&mut self) -> Result<(), CallError> {
        if !self.is_for_owner()? {
            return Ok(());
        }
        let (weight, limit) = (self.message.weight(), self.options.queue_bytes);
        while self.queued_bytes + weight > limit {
            match self.options.on_flood {
                OnFlood::CutOff => return Err(self.cut_off(ProtocolError::Flood { limit })),
                OnFlood::DropOldest if weight <= limit => {
                    if let Some(oldest) = self.queue.pop_front() {
                        self.queued_bytes -= oldest.weight();
                        self.count_dropped();
                        self.reuse(oldest);
                    }
                }
                OnFlood::DropOldest | OnFlood::DropNewest => {
                    self.message.close_fds();
                    self.count_dropped();
                    return Ok(());
                }
            }
        }
        self.queued_bytes += weight;
        let spare = self.spare.pop().unwrap_or_default();
        self.queue.push_back(self.message.take(spare));
        Ok(())
    }

    fn count_dropped(&self) {
        self.meter.count_dropped();
        self.status.set_dropped_events(self.meter.dropped_events());
    }

    /// Keeps a message's memory.
    fn reuse(&mut self, mut message: Message) {
        message.close_fds();
        if self.spare.len() < SPARE_MESSAGES {
            self.spare.push(message);
        }
    }

    /// Keeps everything that has come, and returns how many messages that were: at most as many as the ring holds,
    /// since a module that never stops must not keep us.
    pub(super) fn pump(&mut self) -> Result<u32, CallError> {
        let mut came = 0;
        while came < self.options.to_host.lines() && self.receive()? {
            self.keep()?;
            came += 1;
        }
        self.incoming.release();
        Ok(came)
    }

    /// Makes the descriptor readable if there is something to do, for an owner who sleeps on it.
    pub(super) fn rearm(&self) {
        if self.watched.get()
            && (!self.queue.is_empty() || self.failed.is_some() || !self.incoming.prepare_sleep())
        {
            self.incoming.nudge();
        }
    }

    /// After the module has gone: keeps what it still said. Returns whether any of it is for the owner.
    fn receive_last(&mut self) -> Result<bool, CallError> {
        self.pump()?;
        Ok(!self.queue.is_empty())
    }
}

/// Reads an event, or the failure of a cast.
fn read_event<E: Event>(interface: &Interface, message: &mut Message) -> Result<E, CallError> {
    // Looked at before, when the message was found to be for the owner.
    let Ok(label) = message.label() else { return Err(CallError::UnknownEvent { event: 0 }) };
    if label.kind == Kind::Fault {
        return Err(read_fault(interface.method_name(label.number), message));
    }
    let mut body = message.body();
    let event = E::decode(label.number, &mut body)?;
    body.finish()?;
    Ok(event)
}

pub(super) fn read_fault(method: &'static str, message: &mut Message) -> CallError {
    let mut body = message.body();
    let read = |body: &mut Decoder<'_>| {
        let wire = body.fixed()?;
        <String as crate::serialize::native::Decode>::decode(wire, body)
    };
    let message = read(&mut body).unwrap_or_else(|error| format!("(its reason cannot be read: {error})"));
    let end = message.floor_char_boundary(LONGEST_REASON);
    CallError::Fault { method, message: printable_line(&message[..end]) }
}
