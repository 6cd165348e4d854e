//! `ringfence top`: what goes over the connections of this user's processes.
//!
//! `watch.rs` looks at the connections, `row.rs` makes rates of two looks, `table.rs` and `screen.rs` show them. Nothing is
//! stopped or woken for it; hosts take the time of calls as long as somebody looks.

mod process;
mod row;
mod screen;
mod table;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use serde_json::{Value, json};

use self::row::{Row, Sort};
use self::screen::{After, Screen};
use self::watch::Watch;
use crate::failure::Failure;
use crate::interrupt::stop_flag;
use crate::output::{print, print_json};
use crate::target::step_back;

/// Between two looks at a flag that nobody wakes us for.
const GLANCE: Duration = Duration::from_millis(50);

/// What to look at.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys: q quit, up and down choose a connection, m b l c p u sort by messages, bytes, latency, CPU, process \
                        and use of the rings, r reverses, space holds the picture."
)]
pub struct TopArgs {
    /// Print a table of one interval, and end
    #[arg(long)]
    once: bool,
    /// Print JSON instead: one object an interval, with --once one object
    #[arg(long)]
    json: bool,
    /// Milliseconds from one look to the next (100 to 30000)
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(100..=30_000))]
    interval: u64,
    /// Only connections of this process, be it the host or the worker
    #[arg(long, value_name = "N")]
    pid: Option<u32>,
    /// What to sort by
    #[arg(long, value_enum, default_value_t = Sort::Messages)]
    sort: Sort,
}

/// Looks until the user has seen enough, or once.
pub fn top(args: &TopArgs) -> Result<ExitCode, Failure> {
    step_back();
    let interval = Duration::from_millis(args.interval);
    let mut watch = Watch::new(args.pid, interval);
    if args.once || args.json {
        let stop = stop_flag()?;
        watch.look();
        let mut due = Instant::now() + interval;
        while rest_until(due, &stop) {
            let mut rows = watch.look();
            row::sort(&mut rows, args.sort, false);
            match args.json {
                true => print_json(&as_json(args.interval, &rows))?,
                false => print(&table::text(&rows))?,
            }
            if args.once {
                break;
            }
            due += interval;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !std::io::stdout().is_terminal() {
        let why = "standard output is no terminal: add --once for a table, or --json for a stream of objects";
        return Err(Failure::input(why));
    }
    let stop = stop_flag()?;
    let mut screen = Screen::new(args.sort, interval);
    // From here on a panic gives the terminal back, too.
    let mut terminal =
        ratatui::try_init().map_err(|error| Failure::work(format!("the terminal: {error}")))?;
    let result = live(&mut terminal, &mut watch, &mut screen, interval, &stop);
    ratatui::restore();
    result.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::work(format!("the terminal: {error}")))
}

/// Draws until a key or a signal ends it.
fn live(
    terminal: &mut DefaultTerminal,
    watch: &mut Watch,
    screen: &mut Screen,
    interval: Duration,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    watch.look();
    // Somebody waits for the first picture.
    let mut due = Instant::now() + interval.min(Duration::from_millis(300));
    // ORDERING: Relaxed: a flag alone; nothing else is read because of it.
    while !stop.load(Ordering::Relaxed) {
        terminal.draw(|frame| screen.draw(frame))?;
        let left = due.saturating_duration_since(Instant::now());
        // A signal does not end the wait by itself.
        if event::poll(left.min(GLANCE))?
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && screen.key(key) == After::Quit
        {
            break;
        }
        if Instant::now() >= due {
            screen.update(watch.look());
            due = Instant::now() + interval;
        }
    }
    Ok(())
}

/// Waits, and returns whether to go on.
fn rest_until(due: Instant, stop: &AtomicBool) -> bool {
    loop {
        // ORDERING: Relaxed, as above.
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        sleep(left.min(GLANCE));
    }
}

fn as_json(interval: u64, rows: &[Row]) -> Value {
    json!({ "interval_ms": interval, "connections": rows })
}
