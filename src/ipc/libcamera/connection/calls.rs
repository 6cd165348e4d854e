//! Calls: sending them, waiting for room, and waiting for replies.

use super::*;
use crate::ipc::OnFull;
use crate::ipc::libcamera::RESETS;
use crate::serialize::libcamera::{DecodeError, Decoder};

impl<E: Event> Connection<E> {
    /// Calls `method` and waits for its results, which `read` takes from the reply.
    ///
    /// # Errors
    /// [`CallError`]; the call may or may not have been carried out if it is [`CallError::Deadline`],
    /// [`CallError::Died`] or [`CallError::Protocol`].
    pub fn call<Q: Encode + ?Sized, R>(
        &mut self,
        method: u16,
        request: &Q,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<R, DecodeError>,
    ) -> Result<R, CallError> {
        let start = self.status.wants_latency().then(monotonic_ns);
        let result = self.exchange(method, request).and_then(|()| {
            let mut body = self.message.body(&mut self.controls);
            let results = read(&mut body)?;
            body.finish()?;
            Ok(results)
        });
        self.message.fds.clear();
        if let (Some(start), Ok(_)) = (start, &result) {
            let now = monotonic_ns();
            self.status.record_latency(now - start, now);
        }
        self.rearm();
        result
    }

    /// Calls `method`, which has no reply.
    ///
    /// # Errors
    /// [`CallError`] if the call could not be sent.
    pub fn cast<Q: Encode + ?Sized>(&mut self, method: u16, request: &Q) -> Result<(), CallError> {
        let result = self.begin(method).and_then(|name| {
            if spans::are_on() {
                spans::cast(self.id, name, self.cookie);
            }
            let start = Instant::now();
            self.transmit(Kind::Cast, method, name, request, start)
        });
        self.rearm();
        result
    }

    /// Checks that calls are possible, and notes this one.
    fn begin(&mut self, method: u16) -> Result<&'static str, CallError> {
        self.own_deadline = self.next_deadline.take();
        self.watch_over();
        self.check()?;
        let name = self.interface.method_name(method);
        self.last_call = Some(name);
        self.cookie = next_cookie(self.cookie);
        Ok(name)
    }

    /// Sends a call and waits until its reply is the message at hand.
    fn exchange<Q: Encode + ?Sized>(&mut self, method: u16, request: &Q) -> Result<(), CallError> {
        let name = self.begin(method)?;
        let span = spans::are_on().then(|| spans::call(self.id, name, self.cookie));
        let start = Instant::now();
        if name == RESETS {
            // Until the worker has answered, it may send what goes by the old state.
            let fresh = ControlSerializer::new(self.version, Role::Host);
            self.before_reset.push_back((self.cookie, std::mem::replace(&mut self.controls, fresh)));
        }
        let sent = self.transmit(Kind::Call, method, name, request, start);
        // Half of it is enough for an answer.
        if !matches!(sent, Err(CallError::Encode { .. }))
            && self.loads_in.take_if(|loading| loading == name).is_some()
        {
            self.loading_call = Some(self.cookie);
        }
        if let Err(error) = sent {
            // Half of it was sent, and the rest will be: there may be a reply, which says so.
            if matches!(error, CallError::Deadline { .. }) {
                return Err(self.abandon(error));
            }
            if name == RESETS
                && let Some((_, old)) = self.before_reset.pop_back()
            {
                self.controls = old;
            }
            return Err(error);
        }
        let deadline = start + self.deadline_of(name);
        let mut gone = false;
        loop {
            while self.receive()? {
                if self.message.cookie() != self.cookie {
                    self.keep()?;
                    // A worker that sends without pause must not keep us beyond the deadline.
                    if Instant::now() >= deadline {
                        break;
                    }
                    continue;
                }
                let found = self.message.number();
                if found != u32::from(method) {
                    let (sequence, method) = (self.cookie, method.into());
                    return Err(self.cut_off(ProtocolError::OtherMethod { sequence, method, found }));
                }
                self.watchdog.answered();
                self.answered(self.cookie);
                if span.is_some() {
                    spans::answered();
                }
                return Ok(());
            }
            if gone {
                return Err(self.bury());
            }
            let until = self.watchdog.before(Some(deadline));
            match wait(self.news().as_slice(), self.peer(), until) {
                // It may have replied and ended.
                Wake::Gone => gone = true,
                _ if Instant::now() >= deadline => {
                    return Err(self.abandon(CallError::Deadline { method: name, waited: start.elapsed() }));
                }
                Wake::Ready => {}
                Wake::Late => {
                    self.watch_over();
                    self.check()?;
                }
            }
        }
    }

    /// Gives the call at hand up, whose reply may still come, and returns how it ended.
    fn abandon(&mut self, late: CallError) -> CallError {
        self.watchdog.abandoned(self.cookie);
        late
    }

    /// Sends a message, waiting for room if need be.
    fn transmit<Q: Encode + ?Sized>(
        &mut self,
        kind: Kind,
        number: u16,
        method: &'static str,
        request: &Q,
        start: Instant,
    ) -> Result<(), CallError> {
        let deadline = start + self.deadline_of(method);
        let mut result = self.channel.send(number.into(), self.cookie, request, &mut self.controls);
        let mut is_due = false;
        loop {
            let error = match result {
                Ok(()) => {
                    self.watchdog.taken();
                    self.note_sent(kind, number.into());
                    return Ok(());
                }
                Err(error) => error,
            };
            match error {
                SendError::Full => {}
                SendError::Due => is_due = true,
                SendError::Encode(source) => return Err(CallError::Encode { method, source }),
                SendError::TooLong { bytes, limit } => {
                    return Err(CallError::TooLong { method, bytes, limit });
                }
                SendError::Gone => return Err(self.bury()),
                SendError::System { fds: count, errno } => {
                    let error = CallError::Fds { method, count, errno };
                    // Its announcement was sent, and the worker will take whatever comes next for the message.
                    if self.channel.is_due() {
                        self.module.end(self.channel.as_fd(), Instant::now());
                        self.failed = Some(error.clone());
                    }
                    return Err(error);
                }
            }
            let patient = is_due || self.options.on_full == OnFull::Wait;
            if patient && self.watchdog.is_stuck() {
                return Err(self.wedge());
            }
            if !patient || Instant::now() >= deadline {
                if patient {
                    self.watchdog.refused();
                }
                if is_due {
                    return Err(CallError::Deadline { method, waited: start.elapsed() });
                }
                return Err(CallError::Congested { method });
            }
            // A worker that cannot get rid of its events takes no calls: make room for both.
            let ready = PollFlags::IN | PollFlags::OUT;
            let until = self.watchdog.before_room(Some(deadline));
            let wake = wait(&[(self.channel.as_fd(), ready)], self.peer(), until);
            self.pump()?;
            self.watch_over();
            self.check()?;
            if wake == Wake::Gone {
                return Err(self.bury());
            }
            result = if is_due {
                self.channel.flush()
            } else {
                self.channel.send(number.into(), self.cookie, request, &mut self.controls)
            };
        }
    }
}
