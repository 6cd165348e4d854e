//! A thread that starts workers, for hosts whose own threads come and go.
//!
//! A worker has to end with its host, however that ends, and cannot be asked to see to it: libcamera's does not notice,
//! and a hostile one does not care. The kernel can kill a child when its parent dies (`PR_SET_PDEATHSIG`), but what it
//! calls the parent is the *thread* that started the child. So a worker lives no longer than the thread that asked for
//! it, or than the nursery that was asked. That needs no other program, and leaves no moment in which the host could die
//! unnoticed.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};

use rustix::process::{Pid, getpid};
use rustix::thread::{sched_getaffinity, sched_setaffinity};

type Job = Box<dyn FnOnce() + Send>;

/// A thread that starts workers, so that they outlive the thread that asked for them.
///
/// The kernel kills a worker when the *thread* that started it ends, whether or not the process goes on. Where connections
/// are made in one thread and used after it has ended, as in a pool of threads that grows and shrinks, give their
/// [`Options`](super::Options::nursery) a nursery. It costs one thread that sleeps, which is there as long as a handle of
/// it or a worker that it started: clones are handles of the same thread.
///
/// ```
/// use ringfence::ipc::{Nursery, Options};
///
/// let nursery = Nursery::new()?;
/// let options = Options::new().nursery(&nursery);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Nursery {
    /// Where jobs are left. The thread ends when the last of these is dropped.
    jobs: Sender<Job>,
    /// The process that has the thread: a copy of it has not.
    process: Pid,
}

super::promise!(Nursery: Send, Sync);

impl Nursery {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub fn new() -> io::Result<Self> {
        let (jobs, receiver) = channel::<Job>();
        std::thread::Builder::new().name("rf:nursery".into()).spawn(move || {
            while let Ok(job) = receiver.recv() {
                // The end of this thread would be the end of all its workers.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        })?;
        Ok(Self { jobs, process: getpid() })
    }

    /// Runs `job` in the thread, on the processors that the caller may use: a worker inherits them.
    pub(super) fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> io::Result<R> {
        if self.process != getpid() {
            return Err(io::Error::other("the nursery belongs to the process that this one is a copy of"));
        }
        let (sender, receiver) = channel();
        let processors = sched_getaffinity(None);
        let job = Box::new(move || {
            // Where it cannot be known or set, a worker uses those that the one before did.
            let _ = processors.and_then(|processors| sched_setaffinity(None, &processors));
            // Whoever asked is waiting.
            let _ = sender.send(job());
        });
        let lost = || io::Error::other("the thread that starts workers is gone");
        self.jobs.send(job).map_err(|_| lost())?;
        receiver.recv().map_err(|_| lost())
    }
}

impl fmt::Debug for Nursery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nursery").field("process", &self.process).finish_non_exhaustive()
    }
}
