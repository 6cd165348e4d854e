//! What the library and the workers' standard error have to say, for the logger of the program.

use std::ffi::{CString, c_char, c_void};
use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::argument::choice;
use crate::error::{guarded, rf_error};
use crate::status::rf_status::{self, *};

/// What went wrong.
pub const RF_LOG_ERROR: u32 = 0;
/// What should not be, such as a missing layer of the sandbox, and most of what workers write to their standard error.
pub const RF_LOG_WARNING: u32 = 1;
/// What is being done, such as which worker is started and why that one.
pub const RF_LOG_INFO: u32 = 2;
/// For those who look for a mistake.
pub const RF_LOG_DEBUG: u32 = 3;
/// Everything.
pub const RF_LOG_TRACE: u32 = 4;

/// Takes a line of the log: its level, the part of the library that it comes from, and the text, both UTF-8 and valid until
/// it returns. It is called by any thread, several at once, and must neither throw nor jump out. A connection that the line
/// is about says RF_ERROR_BUSY to it.
pub type rf_log_callback = Option<
    unsafe extern "C" fn(context: *mut c_void, level: u32, target: *const c_char, message: *const c_char),
>;

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// The caller's logger.
struct Sink {
    callback: unsafe extern "C" fn(*mut c_void, u32, *const c_char, *const c_char),
    context: *mut c_void,
}

// SAFETY: the header says that the callback is called by any thread, with this pointer, which we only hand over.
unsafe impl Send for Sink {}
// SAFETY: as above, several at once.
unsafe impl Sync for Sink {}

impl<S: Subscriber> Layer<S> for Sink {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let level = LEVELS.iter().position(|level| level == metadata.level()).unwrap_or_default();
        let (target, message) = (terminated(metadata.target()), terminated(&line.0));
        // SAFETY: the caller's promise; both texts live until it returns.
        unsafe { (self.callback)(self.context, level as u32, target.as_ptr(), message.as_ptr()) }
    }
}

/// The message, and what goes with it.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string can always be written to.
        let _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{rest}")
            }
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

fn terminated(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Sends the log to `callback` from now on, with `context`, up to this level (RF_LOG_*). It can be done once in a program, and
/// not if a Rust part of it has set another logger: RF_ERROR_BUSY. Without it the log is thrown away.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_log_to(
    callback: rf_log_callback,
    context: *mut c_void,
    level: u32,
    error: *mut *mut rf_error,
) -> rf_status {
    let set = || {
        let callback = callback.ok_or_else(|| rf_error::argument("callback is NULL"))?;
        let level = choice(level, &LEVELS, "level")?;
        let sink = Sink { callback, context }.with_filter(LevelFilter::from_level(level));
        let log = tracing_subscriber::registry().with(sink);
        tracing::subscriber::set_global_default(log)
            .map_err(|_| rf_error::new(RF_ERROR_BUSY, "the log goes somewhere else already"))?;
        Ok(RF_OK)
    };
    // SAFETY: the caller's promise.
    unsafe { guarded(error, set) }
}
