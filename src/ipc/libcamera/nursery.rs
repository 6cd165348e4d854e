//! The thread that starts libcamera's workers.
//!
//! libcamera's worker does not end when its host has died, whatever its socket tells. The kernel can kill a
//! child when its parent dies (`PR_SET_PDEATHSIG`), but what it calls the parent is the *thread* that started the
//! child. So one thread starts all of them, which lives exactly as long as the process. That costs one sleeping thread, needs
//! no other program, and leaves no moment in which the host could die unnoticed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};

use parking_lot::Mutex;

type Job = Box<dyn FnOnce() + Send>;

/// Where jobs are left, once the thread has been started.
static JOBS: Mutex<Option<Sender<Job>>> = Mutex::new(None);

/// Runs `job` in the thread that lives as long as the process.
pub(super) fn run<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> io::Result<R> {
    let (sender, receiver) = channel();
    let job = Box::new(move || {
        // Whoever asked is waiting.
        let _ = sender.send(job());
    });
    let mut jobs = JOBS.lock();
    if jobs.is_none() {
        let (sender, receiver) = channel::<Job>();
        std::thread::Builder::new().name("rf:nursery".into()).spawn(move || {
            while let Ok(job) = receiver.recv() {
                // The end of this thread would be the end of all workers.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        })?;
        *jobs = Some(sender);
    }
    let sent = jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
    drop(jobs);
    let lost = || io::Error::other("the thread that starts workers is gone");
    if sent { receiver.recv().map_err(|_| lost()) } else { Err(lost()) }
}
