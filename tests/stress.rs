//! Millions of messages between two processes, every byte checked once.
//!
//! `RINGFENCE_STRESS_MESSAGES` sets how many (the default suits a quick run; 100000000 takes a while), and
//! `RINGFENCE_TEST_SEED` repeats a run.

mod common;

use common::{seed, watchdog};
use ringfence::ipc::{
    CallError, Component, Connection, Dispatch, Emitter, Endpoint, Event, Interface, Method, Options, Reply,
    ServeError, WaitPolicy, Worker, run_if_worker,
};
use ringfence::serialize::native::{Decode, Decoder};

static INTERFACE: Interface = Interface {
    name: "test.Stress",
    hash: 0x57_7e_55,
    methods: &[
        Method { name: "echo", asynchronous: false },
        Method { name: "take", asynchronous: true },
        Method { name: "count", asynchronous: false },
    ],
    events: &["taken"],
};
const ECHO: u16 = 1;
const TAKE: u16 = 2;
const COUNT: u16 = 3;

/// A generator that both sides run: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Copy)]
struct Pattern(u64);

impl Pattern {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next message: mostly short, now and then of several kilobytes.
    fn message(&mut self, into: &mut Vec<u8>) {
        let draw = self.next();
        let length = if draw.is_multiple_of(64) { draw >> 8 & 0x0fff } else { draw >> 8 & 0x7f };
        into.clear();
        while (into.len() as u64) < length {
            into.extend_from_slice(&self.next().to_le_bytes());
        }
        into.truncate(length as usize);
    }
}

/// Checks what comes against the pattern, and sends it back.
struct Checker {
    emitter: Emitter,
    pattern: Option<Pattern>,
    expected: Vec<u8>,
    count: u64,
}

impl Dispatch for Checker {
    fn dispatch(&mut self, method: u16, mut input: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError> {
        if method == COUNT {
            let seed = u64::decode(input.fixed()?, &mut input)?;
            let count = std::mem::take(&mut self.count);
            self.pattern = Some(Pattern(seed));
            return reply.send(&count);
        }
        let data = Vec::<u8>::decode(input.fixed()?, &mut input)?;
        input.finish()?;
        let pattern = self.pattern.as_mut().ok_or_else(|| CallError::Module("no seed yet".into()))?;
        pattern.message(&mut self.expected);
        if data != self.expected {
            return Err(CallError::Module(format!("message {} is not what was sent", self.count)));
        }
        self.count += 1;
        match method {
            ECHO => reply.send(&data),
            _ => {
                self.emitter.emit(1, &data);
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct Taken(Vec<u8>);

impl Event for Taken {
    fn decode(_: u16, input: &mut Decoder<'_>) -> Result<Self, CallError> {
        Ok(Self(Vec::decode(input.fixed()?, input)?))
    }
}

fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    let checker = |emitter| Checker { emitter, pattern: None, expected: Vec::new(), count: 0 };
    endpoint.serve(&INTERFACE, checker)
}

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&[Component { name: "stress", serve }]).is_some() {
        std::process::exit(0);
    }
}

/// The host's end of a run.
struct Run {
    connection: Connection,
    /// What is sent.
    sent: Pattern,
    /// What has to come back as events.
    returned: Pattern,
    expected: Vec<u8>,
    on_the_way: u64,
}

impl Run {
    fn take_events(&mut self) {
        while let Some(Taken(data)) = self.connection.next_event().unwrap() {
            self.returned.message(&mut self.expected);
            assert!(data == self.expected, "an event is not what was sent");
            self.on_the_way -= 1;
        }
    }
}

/// Sends `messages` through rings of `ring` bytes and checks all that comes back.
fn pass(messages: u64, ring: usize, policy: WaitPolicy, choice: &mut Pattern) {
    let options = Options::new().ring_bytes(ring, ring).host_wait(policy).worker_wait(policy);
    let own = std::env::current_exe().unwrap();
    let worker = Worker::component("stress").program(own).args(["--exact", "worker_entry", "--nocapture"]);
    let connection = Connection::isolated(&INTERFACE, &options, &worker).unwrap();
    let pattern = Pattern(choice.next());
    let mut run = Run { connection, sent: pattern, returned: pattern, expected: Vec::new(), on_the_way: 0 };
    let count = |run: &mut Run| {
        run.connection.call(COUNT, &pattern.0, |input| u64::decode(input.fixed()?, input)).unwrap()
    };
    count(&mut run);

    let mut data = Vec::new();
    for _ in 0..messages {
        run.sent.message(&mut data);
        if choice.next().is_multiple_of(16) {
            // A reply overtakes no event: all that was sent before the call has come back before it.
            let back = run.connection.call(ECHO, &data, |input| Vec::<u8>::decode(input.fixed()?, input));
            assert!(back.unwrap() == data, "a reply is not what was sent");
            run.take_events();
            assert_eq!(run.on_the_way, 0, "a reply overtook an event");
            run.returned = run.sent;
        } else {
            run.connection.cast(TAKE, &data).unwrap();
            run.on_the_way += 1;
            if choice.next().is_multiple_of(8) {
                run.take_events();
            }
        }
    }
    assert_eq!(count(&mut run), messages);
    run.take_events();
    assert_eq!(run.on_the_way, 0);
}

#[test]
fn every_byte_arrives_once_and_in_order() {
    let mut choice = Pattern(seed());
    let messages: u64 =
        std::env::var("RINGFENCE_STRESS_MESSAGES").map_or(600_000, |text| text.parse().unwrap());
    let mut left = messages;
    for policy in [WaitPolicy::Adaptive, WaitPolicy::Spin, WaitPolicy::Block].into_iter().cycle() {
        if left == 0 {
            break;
        }
        // Where both sides sleep, a message takes a hundred times as long.
        let share = left.min(if policy == WaitPolicy::Block { 20_000 } else { 200_000 });
        let ring = 8192 << (choice.next() % 4);
        watchdog(|| pass(share, ring, policy, &mut choice));
        left -= share;
    }
}
