//! Log lines as libcamera writes them, since a worker's standard error is its host's.

use std::env;
use std::fmt;

use rustix::process::getpid;
use rustix::time::{ClockId, clock_gettime};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What libcamera would call the part of itself that speaks.
const CATEGORY: &str = "Ringfence";
/// libcamera's variable about which lines are wanted.
const LEVELS: &str = "LIBCAMERA_LOG_LEVELS";

/// Writes log lines to standard error, in the form of libcamera's own.
///
/// `RUST_LOG` says which; else `LIBCAMERA_LOG_LEVELS` does, where the category is `Ringfence`; else all but those for
/// debugging are written, as libcamera does. A program that has set up its own log keeps it.
pub fn log_to_stderr() {
    let levels = env::var(LEVELS).unwrap_or_default();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level(&levels)));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.with_ansi(false).event_format(Line).try_init();
}

/// The level for our category in a list such as `*:ERROR,Ringfence:0`; the last that fits counts, as with libcamera.
fn level(levels: &str) -> &'static str {
    let mut fitting = levels.split(',').rev().filter_map(|item| {
        // A level alone is for all categories.
        let (category, level) = item.trim().split_once(':').unwrap_or(("*", item.trim()));
        let fits = match category.strip_suffix('*') {
            Some(start) => CATEGORY.starts_with(start),
            None => CATEGORY == category,
        };
        fits.then_some(())?;
        Some(match level {
            "DEBUG" | "0" => "debug",
            "INFO" | "1" => "info",
            "WARN" | "2" => "warn",
            "ERROR" | "3" => "error",
            // Nothing here is fatal.
            "FATAL" | "4" => "off",
            _ => return None,
        })
    });
    fitting.next().unwrap_or("info")
}

/// `[1:02:03.000000004] [5678]  INFO Ringfence emitter.rs:90 message`, with the time since the machine started.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = clock_gettime(ClockId::Monotonic);
        let (minutes, seconds) = (now.tv_sec / 60, now.tv_sec % 60);
        let metadata = event.metadata();
        let file = metadata.file().and_then(|file| file.rsplit('/').next()).unwrap_or("?");
        write!(
            writer,
            "[{}:{:02}:{seconds:02}.{:09}] [{}] {:>5} {CATEGORY} {file}:{} ",
            minutes / 60,
            minutes % 60,
            now.tv_nsec,
            getpid(),
            metadata.level().as_str(),
            metadata.line().unwrap_or(0),
        )?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_libcamera_s() {
        for (levels, expected) in [
            ("", "info"),
            ("*:ERROR", "error"),
            ("RPiAgc:DEBUG", "info"),
            ("Ring*:WARN", "warn"),
            ("*:3,Ringfence:0", "debug"),
            ("DEBUG", "debug"),
            ("*:DEBUG,*:FATAL", "off"),
            ("Ringfence:LOUD", "info"),
        ] {
            assert_eq!(level(levels), expected, "{levels:?}");
        }
    }
}
