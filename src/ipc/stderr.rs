//! What a worker writes to its standard error: logged line by line, and the last of it kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::printable::{printable_line, printable_lines};

/// Bytes that are kept.
const KEPT_BYTES: usize = 4096;
/// Longest line that is logged as one.
const LINE_BYTES: u64 = 1024;

/// The tail of a worker's standard error.
#[derive(Debug, Clone, Default)]
pub(super) struct StderrTail {
    shared: Arc<(Mutex<Tail>, Condvar)>,
}

#[derive(Debug, Default)]
struct Tail {
    bytes: VecDeque<u8>,
    ended: bool,
}

impl StderrTail {
    /// Reads `pipe` until its end, in a thread of its own: a worker must never block on it.
    pub fn follow(pipe: impl Read + Send + 'static, pid: u32) -> std::io::Result<Self> {
        let tail = Self::default();
        let own = tail.clone();
        std::thread::Builder::new().name("ringfence-stderr".into()).spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            loop {
                line.clear();
                match pipe.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
                    Ok(1..) => own.add(&line, pid),
                    Ok(0) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            own.shared.0.lock().ended = true;
            own.shared.1.notify_all();
        })?;
        Ok(tail)
    }

    fn add(&self, line: &[u8], pid: u32) {
        tracing::info!(target: "ringfence::worker", pid, "{}", printable_line(String::from_utf8_lossy(line).trim_end()));
        let mut tail = self.shared.0.lock();
        tail.bytes.extend(line);
        let surplus = tail.bytes.len().saturating_sub(KEPT_BYTES);
        tail.bytes.drain(..surplus);
    }

    /// The tail, once the pipe has ended; or what there is after `patience`, should a descendant of the
    /// worker keep the pipe open.
    pub fn finish(&self, patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        let mut tail = self.shared.0.lock();
        while !tail.ended && !self.shared.1.wait_until(&mut tail, deadline).timed_out() {}
        printable_lines(&String::from_utf8_lossy(tail.bytes.make_contiguous()))
    }
}
