//! Calls: sending them, waiting for room, and waiting for replies.

use super::events::read_fault;
use super::*;

impl Connection {
    /// Calls `method` and waits for its results, which `read` takes from the reply.
    ///
    /// # Errors
    /// [`CallError`]; the call may or may not have been carried out if it is
    /// [`CallError::Deadline`], [`CallError::Died`] or [`CallError::Protocol`].
    pub fn call<Q: Encode + ?Sized, R>(
        &mut self,
        method: u16,
        request: &Q,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<R, DecodeError>,
    ) -> Result<R, CallError> {
        let start = (self.latency.is_some() || self.status.wants_latency()).then(monotonic_ns);
        let result = self.exchange(method, request).and_then(|()| {
            let mut body = self.message.body();
            let results = read(&mut body)?;
            body.finish()?;
            Ok(results)
        });
        self.message.close_fds();
        if let (Some(start), Ok(_)) = (start, &result) {
            self.record(start);
        }
        self.rearm();
        result
    }

    /// Calls `method`, which has no reply. Should the module refuse it, an event says so.
    ///
    /// # Errors
    /// [`CallError`] if the call could not be sent.
    pub fn cast<Q: Encode + ?Sized>(&mut self, method: u16, request: &Q) -> Result<(), CallError> {
        let result = self.begin(method).and_then(|name| {
            if spans::are_on() {
                spans::cast(self.id, name, self.next_sequence());
            }
            self.transmit(Kind::Cast, method, name, request, &mut Stopwatch::default()).map(drop)
        });
        self.rearm();
        result
    }

    /// Records how long a call took that began at `start` and has returned now, for whoever wants to know.
    #[cold]
    fn record(&mut self, start: u64) {
        let now = monotonic_ns();
        if let Some(latency) = &mut self.latency {
            // An automatically resizing histogram takes every value.
            let _ = latency.record(now - start);
        }
        if self.status.wants_latency() {
            self.status.record_latency(now - start, now);
        }
    }

    /// Sends a call and waits until its reply is the message at hand.
    fn exchange<Q: Encode + ?Sized>(&mut self, method: u16, request: &Q) -> Result<(), CallError> {
        let name = self.begin(method)?;
        let span = spans::are_on().then(|| spans::call(self.id, name, self.next_sequence()));
        let mut clock = Stopwatch::default();
        let sequence = self.transmit(Kind::Call, method, name, request, &mut clock)?;
        if self.loads_in.take_if(|loading| *loading == method).is_some() {
            self.loading_call = Some(sequence);
        }
        let mut gone = false;
        let mut rounds = Rounds::default();
        loop {
            if self.receive()? {
                let label = self.label()?;
                if label.sequence == sequence && matches!(label.kind, Kind::Reply | Kind::Fault) {
                    self.watchdog.answered();
                    self.answered(sequence);
                    if span.is_some() {
                        spans::answered();
                    }
                    if label.kind == Kind::Fault {
                        return Err(read_fault(name, &mut self.message));
                    }
                    return Ok(());
                }
                self.keep()?;
            } else if gone {
                return Err(self.bury());
            } else if !self.incoming.glance(&mut self.for_reply) {
                // Most replies come while we look for the first time, before any clock is read.
                let deadline = clock.start() + self.deadline_of(method);
                let peer = self.module.peer(self.socket.as_fd());
                match self.incoming.wait(&mut self.for_reply, peer, self.watchdog.before(Some(deadline))) {
                    Wake::Ready => {}
                    // It may have replied and ended.
                    Wake::Gone => gone = true,
                    Wake::Late if Instant::now() >= deadline => {
                        return Err(self.abandon(sequence, name, &mut clock));
                    }
                    Wake::Late => {
                        self.watch_over();
                        self.check()?;
                    }
                }
            }
            if rounds.are_many() && Instant::now() >= clock.start() + self.deadline_of(method) {
                return Err(self.abandon(sequence, name, &mut clock));
            }
        }
    }

    /// Gives a call up, whose reply may still come.
    fn abandon(&mut self, sequence: u32, method: &'static str, clock: &mut Stopwatch) -> CallError {
        self.watchdog.abandoned(sequence);
        CallError::Deadline { method, waited: clock.start().elapsed() }
    }

    /// Checks that calls are possible, and notes this one.
    fn begin(&mut self, method: u16) -> Result<&'static str, CallError> {
        self.own_deadline = self.next_deadline.take();
        self.watch_over();
        self.check()?;
        if self.watched.get() {
            // We are not asleep, though an owner will be: until `rearm`, no message needs to ring.
            self.incoming.awake();
        }
        let name = self.interface.method_name(method);
        self.last_call = Some(name);
        Ok(name)
    }

    /// Says why there will be no more calls, if that is so.
    fn check(&self) -> Result<(), CallError> {
        match &self.failed {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// Sends a message, waiting for room if need be, and returns its sequence number.
    fn transmit<Q: Encode + ?Sized>(
        &mut self,
        kind: Kind,
        number: u16,
        method: &'static str,
        request: &Q,
        clock: &mut Stopwatch,
    ) -> Result<u32, CallError> {
        self.sequence = self.next_sequence();
        let label = Label { kind, number, sequence: self.sequence };
        let mut rounds = Rounds::default();
        loop {
            let error = match self.outgoing.try_send(&self.socket, label, request) {
                Ok(()) => {
                    self.watchdog.taken();
                    if self.status.wants_trace() {
                        self.trace_sent(label, request);
                    }
                    return Ok(self.sequence);
                }
                Err(error) => error,
            };
            let (source, sleep_on) = match error {
                SendError::Encode(source) => return Err(CallError::Encode { method, source }),
                SendError::Ring(source @ RingError::TooLarge { .. }) => {
                    return Err(CallError::TooLarge { method, source });
                }
                SendError::Ring(RingError::Full { bytes, .. })
                    if !rounds.are_many()
                        && (self.outgoing.glance(&mut self.for_room, bytes)
                            || !self.outgoing.prepare_sleep(bytes)) =>
                {
                    continue;
                }
                SendError::Ring(source @ RingError::Full { .. }) => {
                    (CallError::Full { method, source }, (self.outgoing.space(), PollFlags::IN))
                }
                SendError::Ring(lie) => return Err(self.cut_off(lie.into())),
                SendError::Fds { errno: Errno::PIPE | Errno::CONNRESET, .. } => return Err(self.bury()),
                SendError::Fds { count, errno } => {
                    let error = CallError::Fds { method, count, errno };
                    if errno != Errno::AGAIN {
                        return Err(error);
                    }
                    (error, (self.socket.as_fd(), PollFlags::OUT))
                }
            };
            // A module that cannot get rid of its events takes no calls: make room for both.
            let deadline = clock.start() + self.deadline_of(number);
            let wake = if self.options.on_full == OnFull::Fail || Instant::now() >= deadline {
                Wake::Late
            } else if self.for_room.policy() == WaitPolicy::Spin {
                // Not asleep: a glance at the peer between two rounds of looking.
                match wait(&[], self.peer(), Some(Instant::now())) {
                    Wake::Late => Wake::Ready,
                    wake => wake,
                }
            } else {
                self.incoming.settle();
                if self.incoming.prepare_sleep() {
                    let sleep_on = [sleep_on, (self.incoming.data(), PollFlags::IN)];
                    let wake = wait(&sleep_on, self.peer(), self.watchdog.before_room(Some(deadline)));
                    self.incoming.awake();
                    wake
                } else {
                    Wake::Ready
                }
            };
            self.outgoing.awake();
            self.pump()?;
            if self.watchdog.is_stuck() {
                return Err(self.wedge());
            }
            self.watch_over();
            self.check()?;
            match wake {
                Wake::Ready => {}
                Wake::Late if self.options.on_full == OnFull::Wait && Instant::now() < deadline => {}
                Wake::Late => {
                    if self.options.on_full == OnFull::Wait {
                        self.watchdog.refused();
                    }
                    return Err(source);
                }
                Wake::Gone => return Err(self.bury()),
            }
        }
    }

    /// Zero is kept for events.
    fn next_sequence(&self) -> u32 {
        self.sequence.checked_add(1).unwrap_or(1)
    }

    /// How long a call of this method may take.
    fn deadline_of(&self, method: u16) -> Duration {
        let of_method =
            || usize::from(method).checked_sub(1).and_then(|index| self.deadlines.get(index)).copied();
        self.own_deadline.or_else(of_method).unwrap_or(self.options.call_deadline)
    }
}

/// Counts how often somebody has looked for what never comes, or has come in vain: a module that sends without pause,
/// or pretends to, must not keep us beyond a deadline, and the clock is not to be read every time.
#[derive(Debug, Default)]
pub(super) struct Rounds(usize);

impl Rounds {
    /// Counts one. Returns whether it is time to look at the clock.
    pub(super) fn are_many(&mut self) -> bool {
        self.0 += 1;
        self.0.is_multiple_of(256)
    }
}

/// A clock that is read when it is first asked.
#[derive(Debug, Default)]
struct Stopwatch(Option<Instant>);

impl Stopwatch {
    fn start(&mut self) -> Instant {
        *self.0.get_or_insert_with(Instant::now)
    }
}
