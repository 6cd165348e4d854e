//! The thread that starts workers.
//!
//! A worker has to end with its host, however that ends, and cannot be asked to see to it: libcamera's does not notice,
//! and a hostile one does not care. The kernel can kill a child when its parent dies (`PR_SET_PDEATHSIG`), but what it
//! calls the parent is the *thread* that started the child. So one thread starts all of them, which lives exactly as
//! long as the process. That costs one sleeping thread, needs no other program, and leaves no moment in which the host
//! could die unnoticed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};

use parking_lot::Mutex;
use rustix::process::{Pid, getpid};
use rustix::thread::{sched_getaffinity, sched_setaffinity};

type Job = Box<dyn FnOnce() + Send>;

/// Where jobs are left, once the thread has been started, and in which process: a copy of it has no such thread.
static JOBS: Mutex<Option<(Pid, Sender<Job>)>> = Mutex::new(None);

/// Runs `job` in the thread that lives as long as the process, and on the processors that the caller may use: a worker
/// inherits them.
pub(super) fn run<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> io::Result<R> {
    let (sender, receiver) = channel();
    let processors = sched_getaffinity(None);
    let job = Box::new(move || {
        // Where it cannot be known or set, a worker uses those that the first one did.
        let _ = processors.and_then(|processors| sched_setaffinity(None, &processors));
        // Whoever asked is waiting.
        let _ = sender.send(job());
    });
    let mut jobs = JOBS.lock();
    if jobs.as_ref().is_none_or(|(process, _)| *process != getpid()) {
        let (sender, receiver) = channel::<Job>();
        std::thread::Builder::new().name("rf:nursery".into()).spawn(move || {
            while let Ok(job) = receiver.recv() {
                // The end of this thread would be the end of all workers.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        })?;
        *jobs = Some((getpid(), sender));
    }
    let sent = jobs.as_ref().is_some_and(|(_, jobs)| jobs.send(job).is_ok());
    drop(jobs);
    let lost = || io::Error::other("the thread that starts workers is gone");
    if sent { receiver.recv().map_err(|_| lost()) } else { Err(lost()) }
}
