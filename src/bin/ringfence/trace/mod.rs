//! `ringfence trace`: what goes over a connection of a running host, message by message, decoded.
//!
//! `filter.rs` says which messages are wanted, `decode.rs` understands them, `line.rs` tells them. The host keeps what goes
//! over the connection as long as somebody looks; nobody is stopped or woken for it.

mod decode;
mod filter;
mod line;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use ringfence::ipc::observe::{MessageKind, Observed, TraceRecord, Tracer};
use serde_json::json;

use self::decode::Decoder;
use self::filter::{DirectionName, Filter, KindName};
use self::line::{Entry, Style};
use crate::catalog::{Catalog, Found, Known, hash_text};
use crate::failure::{Failure, printable};
use crate::interrupt::stop_flag;
use crate::output::{print, print_json};
use crate::target::{self, Identity, step_back};

/// How long a host goes on keeping messages after the last word from us: if we are killed, not for long.
const WISH: Duration = Duration::from_secs(3);
/// How often it is told to go on.
const RENEWAL: Duration = Duration::from_secs(1);
/// Between two looks, at least and at most: each may cost the host and its worker a processor for a moment.
const NAPS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(16));
/// So many messages at a look, and the next comes as soon as it can. The host keeps the last mebibyte: some thousand small
/// ones, or 250 of the largest.
const MANY: u64 = 50;
/// How often it is looked whether the connection is still there.
const LOOK: Duration = Duration::from_millis(100);
/// Calls that are remembered until they return. A host has one open at a time, or a few.
const MOST_OPEN: usize = 4096;

/// What to follow.
#[derive(Debug, Args)]
#[command(
    after_help = "The connection is named by the process id of its host or worker, by its number or label, or by the name of \
                  what is served; `ringfence top --once --json` lists them. Ctrl-C ends it, with exit code 0."
)]
pub struct TraceArgs {
    /// The connection
    #[arg(value_name = "PID|NAME|ID")]
    target: String,
    /// Only this method or event, with its replies; may be given several times
    #[arg(long, value_name = "NAME")]
    method: Vec<String>,
    /// Only messages of this kind; may be given several times
    #[arg(long, value_enum)]
    kind: Vec<KindName>,
    /// Only messages that go this way
    #[arg(long, value_enum)]
    direction: Option<DirectionName>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// End after so many seconds
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Interface file, before those built in
    #[arg(long, value_name = "MOJOM")]
    interface: Option<PathBuf>,
    /// Folder in which to look for imported files; those beside the interface file are found without
    #[arg(short = 'I', long, value_name = "DIR")]
    include: Vec<PathBuf>,
    /// Add the bytes, in hexadecimal
    #[arg(long)]
    raw: bool,
    /// Columns of a line, 0 for as many as it takes [default: those of the terminal, or 0]
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// Print one JSON object a message
    #[arg(long)]
    json: bool,
}

/// Seconds, with parts of them.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "give a number of seconds above 0".to_owned())
}

/// Follows a connection until it ends, or the user has seen enough.
pub fn trace(args: &TraceArgs) -> Result<ExitCode, Failure> {
    let catalog = Catalog::with_files(args.interface.as_slice(), &args.include)?;
    let (observed, identity) = target::choose(&args.target)?;
    let known = known(&catalog, &observed, args.interface.is_some())?;
    let filter = Filter::new(&args.method, &args.kind, args.direction, &observed).map_err(Failure::input)?;
    let stop = stop_flag()?;
    let mut tracer = observed.trace(WISH).map_err(Failure::work)?;
    eprintln!("{}", heading(&identity));
    let style = Style { json: args.json, raw: args.raw, width: width(args.width) };
    let mut follower = Follower {
        observed: &observed,
        decoder: known.map(|known| Decoder::new(known, observed.encoding)),
        filter,
        style,
        started_ns: None,
        open: HashMap::new(),
        lost: 0,
        seen: 0,
        told: 0,
    };

    let end = args.seconds.map(|seconds| Instant::now() + seconds);
    let (mut renewal, mut look, mut nap) = (Instant::now() + RENEWAL, Instant::now(), NAPS.0);
    step_back();
    loop {
        let before = follower.seen;
        // Looked at first: what came before the end is told.
        let is_open = Instant::now() < look || observed.is_open();
        if follower.take(&mut tracer, args.limit)? {
            break;
        }
        let now = Instant::now();
        // ORDERING: Relaxed: a flag alone; nothing else is read because of it.
        if stop.load(Ordering::Relaxed) || end.is_some_and(|end| now >= end) {
            break;
        }
        if !is_open {
            follower.ended()?;
            break;
        }
        if now >= renewal {
            tracer.renew(WISH);
            renewal = now + RENEWAL;
        }
        if now >= look {
            look = now + LOOK;
        }
        nap = if follower.seen - before >= MANY { NAPS.0 } else { (nap * 2).min(NAPS.1) };
        sleep(nap);
    }
    Ok(ExitCode::SUCCESS)
}

/// The interface to decode with. Without one, messages are told without what is in them.
fn known<'a>(
    catalog: &'a Catalog,
    observed: &Observed,
    was_given: bool,
) -> Result<Option<&'a Known>, Failure> {
    let why = match catalog.find(&observed.interface, observed.interface_hash) {
        Found::Fits(known) => return Ok(Some(known)),
        Found::Differs(known) => format!(
            "the connection has {} with hash {}, and {} has {}",
            observed.interface,
            hash_text(observed.interface_hash),
            known.origin,
            hash_text(known.hash)
        ),
        Found::Unknown => format!("the connection has {}, which is not at hand", observed.interface),
    };
    if was_given {
        return Err(Failure::input(format!("--interface: {why}")));
    }
    eprintln!("WARNING: {}; name its file by --interface to see what is in messages", printable(&why));
    Ok(None)
}

/// What is followed.
fn heading(identity: &Identity) -> String {
    let mut text = format!("following {}: {} {}", identity.connection, identity.host, identity.host_pid);
    if let Some(pid) = identity.worker_pid {
        text += &format!(", worker {pid}");
    }
    if !identity.label.is_empty() {
        text += &format!(", labelled {}", identity.label);
    }
    printable(&format!("{text}, {}, {} encoding", identity.interface, identity.encoding))
}

/// The columns of a line, if they are limited.
fn width(asked: Option<usize>) -> Option<usize> {
    let terminal = || {
        let stdout = std::io::stdout();
        let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
        size.map(|size| usize::from(size.ws_col))
    };
    asked.or_else(terminal).filter(|width| *width != 0)
}

/// Takes messages and tells those that are wanted.
struct Follower<'a> {
    observed: &'a Observed,
    decoder: Option<Decoder<'a>>,
    filter: Filter,
    style: Style,
    /// When the first message was.
    started_ns: Option<u64>,
    /// When calls without a reply were made, by their numbers.
    open: HashMap<u32, u64>,
    lost: u64,
    seen: u64,
    told: u64,
}

impl Follower<'_> {
    /// Takes what is there; returns whether the limit is reached.
    fn take(&mut self, tracer: &mut Tracer, limit: Option<u64>) -> Result<bool, Failure> {
        while let Some(record) = tracer.next() {
            self.seen += 1;
            self.tell_lost(tracer.lost())?;
            self.tell(&record)?;
            if limit.is_some_and(|limit| self.told >= limit) {
                return Ok(true);
            }
        }
        self.tell_lost(tracer.lost())?;
        Ok(false)
    }

    fn tell(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        let started_ns = *self.started_ns.get_or_insert(record.at_ns);
        let latency_ns = self.latency(record);
        // Also of what nobody wants to see: it may change how the rest is read.
        let body = self.decoder.as_mut().map(|decoder| decoder.decode(record));
        if !self.filter.wants(record) {
            return Ok(());
        }
        let entry =
            Entry { record, name: name(self.observed, record), started_ns, latency_ns, body: body.as_ref() };
        if self.style.json {
            print_json(&entry.as_json(&self.style))?;
        } else {
            print(&entry.as_text(&self.style, self.decoder.as_ref()))?;
        }
        self.told += 1;
        Ok(())
    }

    /// How long a call took of which this is the end.
    fn latency(&mut self, record: &TraceRecord) -> Option<u64> {
        match record.kind {
            MessageKind::Call => {
                if self.open.len() >= MOST_OPEN {
                    self.open.clear();
                }
                self.open.insert(record.sequence, record.at_ns);
                None
            }
            MessageKind::Reply | MessageKind::Fault => {
                Some(record.at_ns.saturating_sub(self.open.remove(&record.sequence)?))
            }
            _ => None,
        }
    }

    /// Tells that messages were missed.
    fn tell_lost(&mut self, lost: u64) -> Result<(), Failure> {
        let more = lost.saturating_sub(self.lost);
        if more == 0 {
            return Ok(());
        }
        self.lost = lost;
        if self.style.json {
            return print_json(&json!({ "lost": more }));
        }
        let what = if more == 1 { "message was" } else { "messages were" };
        print(&format!("…  {more} {what} lost: more came than could be told\n"))
    }

    /// Tells that there will be no more.
    fn ended(&self) -> Result<(), Failure> {
        if self.style.json {
            return print_json(&json!({ "ended": true }));
        }
        print("the connection has ended\n")
    }
}

/// Name of a record's method or event.
fn name<'a>(observed: &'a Observed, record: &TraceRecord) -> &'a str {
    let name = match record.kind {
        MessageKind::Event => observed.event_name(record.number),
        MessageKind::Bye => Some("exit"),
        _ => observed.method_name(record.number),
    };
    name.unwrap_or("?")
}
