//! The host's end of a connection.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFlags, epoll};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::Pid;

use super::channel::{Incoming, Label, Message, Outgoing, SendError};
use super::death::Death;
use super::handshake::{HandshakeError, Offer};
use super::message::Kind;
use super::printable::printable_line;
use super::process::{Module, Process};
use super::processors::share_one;
use super::socket::Socket;
use super::wait::{Peer, Wake, wait};
use super::{
    CallError, ConnectError, Endpoint, Event, Interface, Meter, Mode, OnFull, Options, ProtocolError,
    ServeError, Worker,
};
use crate::serialize::native::{DecodeError, Decoder, Encode};
use crate::shm::{RingError, Spinner};

/// How long a module whose connection broke may take to end by itself.
const LAST_BREATH: Duration = Duration::from_millis(200);
/// Bytes of a module's own reason for a failure that are shown.
const LONGEST_REASON: usize = 4096;
/// Messages kept for their memory.
const SPARE_MESSAGES: usize = 32;

/// The host's end of a connection to a module in a thread or a process.
///
/// Generated proxies use it; a pipeline sees it through their `connection()`. Dropped, it asks the
/// module to end, waits for [`Options::exit_deadline`], and then kills a process that has not.
#[derive(Debug)]
pub struct Connection {
    interface: &'static Interface,
    options: Options,
    socket: Socket,
    module: Module,
    outgoing: Outgoing,
    incoming: Incoming,
    meter: Meter,
    spinner: Spinner,
    /// Durations of calls, in nanoseconds, if they are recorded.
    latency: Option<Box<Histogram<u64>>>,
    /// The message at hand.
    message: Message,
    /// Events that came while a call was waited for.
    queue: VecDeque<Message>,
    queued_bytes: usize,
    spare: Vec<Message>,
    /// How long calls of each method may take.
    deadlines: Box<[Duration]>,
    sequence: u32,
    /// Calls whose replies were no longer waited for, and may still come.
    abandoned: usize,
    last_call: Option<&'static str>,
    /// Why there will be no more calls.
    failed: Option<CallError>,
    /// Readable when there is something to do; asked for with `as_fd`.
    epoll: OwnedFd,
    watched: std::cell::Cell<bool>,
}

impl Connection {
    /// Runs `serve` in a thread of its own.
    ///
    /// # Errors
    /// [`ConnectError`] if the rings cannot be made or the handshake fails.
    pub fn threaded(
        interface: &'static Interface,
        options: &Options,
        serve: impl FnOnce(Endpoint) -> Result<(), ServeError> + Send + 'static,
    ) -> Result<Self, ConnectError> {
        let (socket, theirs) = pair()?;
        let name = format!("rf:{}", interface.name.rsplit('.').next().unwrap_or_default());
        let thread =
            std::thread::Builder::new().name(name).spawn(move || serve(Endpoint::from_socket(theirs)?));
        let thread = thread.map_err(|source| ConnectError::Spawn { program: "(thread)".into(), source })?;
        tracing::info!(interface = interface.name, mode = %Mode::Threaded, "connecting");
        Self::establish(interface, options, socket, Module::Thread(Some(thread)))
    }

    /// Starts `worker` and connects to it.
    ///
    /// # Errors
    /// [`ConnectError`] if there is no such program, if it cannot be started, or if the handshake fails.
    pub fn isolated(
        interface: &'static Interface,
        options: &Options,
        worker: &Worker,
    ) -> Result<Self, ConnectError> {
        let (mut command, program) = worker.command()?;
        let (socket, theirs) = pair()?;
        let spawned = Process::spawn(&mut command, theirs);
        let process = spawned.map_err(|source| ConnectError::Spawn { program, source })?;
        tracing::info!(interface = interface.name, mode = %Mode::Isolated, "connecting");
        Self::establish(interface, options, socket, Module::Process(process))
    }

    fn establish(
        interface: &'static Interface,
        options: &Options,
        socket: Socket,
        mut module: Module,
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + options.handshake_deadline;
        let peer = Peer { socket: socket.as_fd(), process: module.pidfd() };
        let offer = Offer::send(&socket, interface, options.to_worker, options.to_host, options.worker_wait);
        let rings = offer.and_then(|offer| offer.finish(&socket, peer, interface, deadline));
        let (outgoing, incoming, meter) = match rings {
            Ok(rings) => rings,
            Err(source) => {
                // A worker that went away has a better reason to tell than that it is gone.
                let gone = source == HandshakeError::Gone;
                let patience = if gone { LAST_BREATH } else { Duration::ZERO };
                let exit = module.end(socket.as_fd(), Instant::now() + patience);
                if gone {
                    return Err(ConnectError::Died(Death {
                        interface: interface.name,
                        mode: module.mode(),
                        pid: module.pid(),
                        exit,
                        last_call: None,
                        stderr: module.last_words(),
                    }));
                }
                return Err(ConnectError::Handshake { interface: interface.name, source });
            }
        };
        let epoll = match watch(&incoming, &socket, &module) {
            Ok(epoll) => epoll,
            Err(errno) => {
                module.end(socket.as_fd(), Instant::now());
                return Err(ConnectError::System { call: "epoll_create1", errno });
            }
        };
        let worker = module.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        Ok(Self {
            interface,
            options: options.clone(),
            socket,
            module,
            outgoing,
            incoming,
            meter,
            spinner: Spinner::new(options.host_wait, share_one(worker)),
            message: Message::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            spare: Vec::new(),
            deadlines: interface.methods.iter().map(|method| options.deadline_of(method.name)).collect(),
            sequence: 0,
            abandoned: 0,
            last_call: None,
            failed: None,
            latency: None,
            epoll,
            watched: std::cell::Cell::new(false),
        })
    }

    /// How the module runs.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.module.mode()
    }

    /// Process id of the worker, if the module has a process of its own.
    #[must_use]
    pub fn worker_pid(&self) -> Option<u32> {
        self.module.pid()
    }

    /// CPU time that the worker process has used so far. `None` once it has ended.
    #[must_use]
    pub fn worker_cpu_time(&self) -> Option<Duration> {
        // Whatever sets it has reaped the worker too: the number may be another process's by now.
        if self.failed.is_some() {
            return None;
        }
        // rustix has no clock of another process.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.module.pid()?).ok()?);
        let clock = nix::time::clock_getcpuclockid(pid).ok()?;
        nix::time::clock_gettime(clock).ok().map(Duration::from)
    }

    /// Reads what went over the connection; from any thread, for as long as one likes.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Begins or ends to record how long calls take. Recording costs two readings of the clock a call.
    pub fn record_latency(&mut self, on: bool) {
        self.latency = on.then(|| Box::new(Histogram::new(3).expect("three digits are allowed")));
    }

    /// How long calls that returned took, in nanoseconds, since [`Connection::record_latency`] began to record.
    #[must_use]
    pub fn latency(&self) -> Option<&Histogram<u64>> {
        self.latency.as_deref()
    }

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
        let start = self.latency.is_some().then(Instant::now);
        let result = self.exchange(method, request).and_then(|()| {
            let mut body = self.message.body();
            let results = read(&mut body)?;
            body.finish()?;
            Ok(results)
        });
        self.message.close_fds();
        if let (Some(latency), Some(start), Ok(_)) = (&mut self.latency, start, &result) {
            // An automatically resizing histogram takes every value.
            let _ = latency.record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
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
            self.transmit(Kind::Cast, method, name, request, &mut Stopwatch::default()).map(drop)
        });
        self.rearm();
        result
    }

    /// The next event, if one is there.
    ///
    /// # Errors
    /// [`CallError`] if the event is malformed, if a cast failed in the module, or if the module has ended
    /// and all its events were taken.
    pub fn next_event<E: Event>(&mut self) -> Result<Option<E>, CallError> {
        loop {
            if let Some(mut message) = self.queue.pop_front() {
                self.queued_bytes -= message.weight();
                let event = read_event(self.interface, &mut message);
                message.close_fds();
                if self.spare.len() < SPARE_MESSAGES {
                    self.spare.push(message);
                }
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
        loop {
            self.pump()?;
            if !self.queue.is_empty() {
                return Ok(true);
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.incoming.glance(&mut self.spinner) {
                continue;
            }
            match self.wait_for_message(deadline) {
                Wake::Ready => {}
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

    /// Sends a call and waits until its reply is the message at hand.
    fn exchange<Q: Encode + ?Sized>(&mut self, method: u16, request: &Q) -> Result<(), CallError> {
        let name = self.begin(method)?;
        let mut clock = Stopwatch::default();
        let sequence = self.transmit(Kind::Call, method, name, request, &mut clock)?;
        let mut gone = false;
        loop {
            while self.receive()? {
                let label = self.label()?;
                match label.kind {
                    Kind::Reply if label.sequence == sequence => return Ok(()),
                    Kind::Fault if label.sequence == sequence => {
                        return Err(read_fault(name, &mut self.message));
                    }
                    _ => self.keep()?,
                }
            }
            if gone {
                return Err(self.bury());
            }
            // Most replies come while we look for the first time, before any clock is read.
            if self.incoming.glance(&mut self.spinner) {
                continue;
            }
            let deadline = clock.start() + self.deadline_of(method);
            match self.wait_for_message(Some(deadline)) {
                Wake::Ready => {}
                // It may have replied and ended.
                Wake::Gone => gone = true,
                Wake::Late => {
                    self.abandoned += 1;
                    return Err(CallError::Deadline { method: name, waited: clock.start().elapsed() });
                }
            }
        }
    }

    /// Checks that calls are possible, and notes this one.
    fn begin(&mut self, method: u16) -> Result<&'static str, CallError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let name = self.interface.method_name(method);
        self.last_call = Some(name);
        Ok(name)
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
        // Zero is kept for events.
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        let label = Label { kind, number, sequence: self.sequence };
        loop {
            let error = match self.outgoing.try_send(&self.socket, label, request) {
                Ok(()) => return Ok(self.sequence),
                Err(error) => error,
            };
            let (source, sleep_on) = match error {
                SendError::Encode(source) => return Err(CallError::Encode { method, source }),
                SendError::Ring(source @ RingError::TooLarge { .. }) => {
                    return Err(CallError::TooLarge { method, source });
                }
                SendError::Ring(RingError::Full { bytes, .. }) if !self.outgoing.prepare_sleep(bytes) => {
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
            } else if self.incoming.prepare_sleep() {
                let wake =
                    wait(&[sleep_on, (self.incoming.data(), PollFlags::IN)], self.peer(), Some(deadline));
                self.incoming.awake();
                wake
            } else {
                Wake::Ready
            };
            self.outgoing.awake();
            self.pump()?;
            match wake {
                Wake::Ready => {}
                Wake::Late => return Err(source),
                Wake::Gone => return Err(self.bury()),
            }
        }
    }

    /// How long a call of this method may take.
    fn deadline_of(&self, method: u16) -> Duration {
        let own = usize::from(method).checked_sub(1).and_then(|index| self.deadlines.get(index));
        own.copied().unwrap_or(self.options.call_deadline)
    }

    fn peer(&self) -> Peer<'_> {
        Peer { socket: self.socket.as_fd(), process: self.module.pidfd() }
    }

    fn wait_for_message(&mut self, deadline: Option<Instant>) -> Wake {
        let peer = Peer { socket: self.socket.as_fd(), process: self.module.pidfd() };
        self.incoming.wait(&mut self.spinner, peer, deadline)
    }

    /// Takes the next message as the one at hand, if there is one.
    fn receive(&mut self) -> Result<bool, CallError> {
        if self.failed.is_some() {
            return Ok(false);
        }
        self.incoming.try_receive(&self.socket, &mut self.message).map_err(|error| self.cut_off(error))
    }

    /// After the module has gone: keeps what it still said. Returns whether any of it is for the owner.
    fn receive_last(&mut self) -> Result<bool, CallError> {
        self.pump()?;
        Ok(!self.queue.is_empty())
    }

    fn label(&mut self) -> Result<Label, CallError> {
        self.message.label().map_err(|error| self.cut_off(error))
    }

    /// Whether the message at hand is an event, or the failure of a cast. Replies that came too late are not;
    /// there are no more of them than calls that were given up, so a module cannot keep us busy with them.
    fn is_for_owner(&mut self) -> Result<bool, CallError> {
        let label = self.label()?;
        match label.kind {
            Kind::Event => return Ok(true),
            Kind::Fault if self.is_one_way(label.number) => return Ok(true),
            Kind::Reply | Kind::Fault => {}
            kind => return Err(self.cut_off(ProtocolError::Kind { kind: kind.number() })),
        }
        match self.abandoned.checked_sub(1) {
            Some(left) => self.abandoned = left,
            None => return Err(self.cut_off(ProtocolError::Unasked { sequence: label.sequence })),
        }
        self.message.close_fds();
        Ok(false)
    }

    /// Bytes of memory behind the events that are kept.
    #[cfg(test)]
    pub(super) fn kept_memory(&self) -> usize {
        self.queue.iter().map(Message::allocated).sum()
    }

    /// Whether this method has no reply. What is no method at all can only have been cast.
    fn is_one_way(&self, method: u16) -> bool {
        let own = usize::from(method).checked_sub(1).and_then(|index| self.interface.methods.get(index));
        own.is_none_or(|method| method.asynchronous)
    }

    /// Keeps the message at hand for later, if it is for the owner.
    fn keep(&mut self) -> Result<(), CallError> {
        if !self.is_for_owner()? {
            return Ok(());
        }
        self.queued_bytes += self.message.weight();
        if self.queued_bytes > self.options.queue_bytes {
            return Err(self.cut_off(ProtocolError::Flood { limit: self.options.queue_bytes }));
        }
        let spare = self.spare.pop().unwrap_or_default();
        self.queue.push_back(self.message.take(spare));
        Ok(())
    }

    /// Keeps everything that has come.
    fn pump(&mut self) -> Result<(), CallError> {
        while self.receive()? {
            self.keep()?;
        }
        self.incoming.release();
        Ok(())
    }

    /// The module is gone: finds out how it ended, and remembers.
    fn bury(&mut self) -> CallError {
        let exit = self.module.end(self.socket.as_fd(), Instant::now() + LAST_BREATH);
        let death = Death {
            interface: self.interface.name,
            mode: self.module.mode(),
            pid: self.module.pid(),
            exit,
            last_call: self.last_call,
            stderr: self.module.last_words(),
        };
        self.failed.insert(CallError::Died(Arc::new(death))).clone()
    }

    /// The module broke the rules: ends it, and remembers.
    fn cut_off(&mut self, error: ProtocolError) -> CallError {
        let _ = shutdown(&self.socket, Shutdown::Write);
        self.module.end(self.socket.as_fd(), Instant::now());
        self.failed.insert(CallError::Protocol(Arc::new(error))).clone()
    }

    /// Makes the descriptor readable if there is something to do, for an owner who sleeps on it.
    fn rearm(&self) {
        if self.watched.get()
            && (!self.queue.is_empty() || self.failed.is_some() || !self.incoming.prepare_sleep())
        {
            self.incoming.nudge();
        }
    }
}

impl AsFd for Connection {
    /// The descriptor that is readable when [`Connection::next_event`] has something to say.
    fn as_fd(&self) -> BorrowedFd<'_> {
        if !self.watched.replace(true) {
            self.rearm();
        }
        self.epoll.as_fd()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.failed.is_none() {
            let label = Label { kind: Kind::Bye, number: 0, sequence: 0 };
            // If it does not fit, the end of the socket says the same.
            let _ = self.outgoing.try_send(&self.socket, label, &0u8);
            let _ = shutdown(&self.socket, Shutdown::Write);
        }
        self.module.end(self.socket.as_fd(), Instant::now() + self.options.exit_deadline);
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

fn pair() -> Result<(Socket, OwnedFd), ConnectError> {
    Socket::pair().map_err(|errno| ConnectError::System { call: "socketpair", errno })
}

/// An epoll instance over all that can happen.
fn watch(incoming: &Incoming, socket: &Socket, module: &Module) -> Result<OwnedFd, Errno> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let any = epoll::EventData::new_u64(0);
    epoll::add(&epoll, incoming.data(), any, epoll::EventFlags::IN)?;
    epoll::add(&epoll, socket, any, epoll::EventFlags::RDHUP)?;
    if let Some(pidfd) = module.pidfd() {
        epoll::add(&epoll, pidfd, any, epoll::EventFlags::IN)?;
    }
    Ok(epoll)
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

fn read_fault(method: &'static str, message: &mut Message) -> CallError {
    let mut body = message.body();
    let read = |body: &mut Decoder<'_>| {
        let wire = body.fixed()?;
        <String as crate::serialize::native::Decode>::decode(wire, body)
    };
    let message = read(&mut body).unwrap_or_else(|error| format!("(its reason cannot be read: {error})"));
    let end = message.floor_char_boundary(LONGEST_REASON);
    CallError::Fault { method, message: printable_line(&message[..end]) }
}
