//! A module that dies is started again, within reason.
//!
//! Owners of proxies call this: it makes a fresh proxy when theirs has failed, not too often and not too fast, and says
//! why. What the new module has to be told before it can go on, only the owner knows. It starts no thread and keeps no
//! clock: the owner says what time it is, and nothing happens in between.
//!
//! ```no_run
//! use std::time::{Duration, Instant};
//! use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
//! use ringfence::ipc::{Options, Supervisor, Worker};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let make = || IpaVimcProxy::isolated(&Options::new(), &Worker::component("vimc"));
//! let mut supervisor = Supervisor::new(make).budget(5, Duration::from_secs(60));
//! let mut proxy = supervisor.start()?;
//! loop {
//!     let Err(error) = proxy.start() else { break };
//!     // Dropped first: a worker that hangs is killed before the next one is started.
//!     drop(proxy);
//!     supervisor.failed(error, Instant::now())?;
//!     proxy = supervisor.wait()?.proxy;
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod schedule;

use std::fmt;
use std::time::{Duration, Instant};

use super::{CallError, ConnectError};
use schedule::Schedule;

/// Why a proxy is replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A call failed: the module has ended, was cut off, or does what its owner cannot bear.
    #[error(transparent)]
    Failed(#[from] CallError),
    /// The replacement of an earlier one could not be started.
    #[error(transparent)]
    NotStarted(#[from] ConnectError),
}

/// A module failed once more than its budget allows.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringfence::interfaces::vimc::IpaVimcProxy;
/// use ringfence::ipc::{CallError, Supervisor};
/// use ringfence::vimc::Vimc;
///
/// let make = || IpaVimcProxy::direct(Vimc::new);
/// let mut supervisor = Supervisor::new(make).budget(0, Duration::from_secs(60));
/// let given_up = supervisor.failed(CallError::Module("it smells".to_owned()), Instant::now()).unwrap_err();
/// assert_eq!((given_up.restarts, given_up.last.to_string().as_str()), (0, "it smells"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "the module failed again after {restarts} restarts within {window:?}, which are all that it may have \
     (`Supervisor::budget`): {last}"
)]
pub struct GivenUp {
    /// Restarts within the window, of which no more are allowed.
    pub restarts: u32,
    /// The window.
    pub window: Duration,
    /// Why it failed last.
    #[source]
    pub last: Box<Reason>,
}

/// A fresh proxy, and why it was needed.
#[derive(Debug)]
pub struct Restart<P> {
    /// The proxy, to a module that has not been called yet.
    pub proxy: P,
    /// What ended the one before.
    pub reason: Reason,
    /// Whether it had been started ahead of need.
    pub spare: bool,
}

/// Makes proxies of one kind, one at a time.
///
/// The first restart within the budget's window is immediate, since a camera has to go on; the waits before the
/// following ones double. Failures are forgotten once they are older than the window.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
/// use ringfence::ipc::{CallError, Options, Supervisor};
/// use ringfence::vimc::Vimc;
///
/// let make = || IpaVimcProxy::threaded(&Options::new(), Vimc::new);
/// let mut supervisor = Supervisor::new(make)
///     .budget(2, Duration::from_secs(60))
///     .back_off(Duration::from_millis(50), Duration::from_secs(1));
/// let proxy = supervisor.start()?;
///
/// // The owner finds that its module is of no more use.
/// drop(proxy);
/// let now = Instant::now();
/// supervisor.failed(CallError::Module("its pictures are green".to_owned()), now)?;
/// let restart = supervisor.poll(now)?.expect("the first restart is immediate");
/// assert_eq!((restart.reason.to_string().as_str(), supervisor.restarts()), ("its pictures are green", 1));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Supervisor<P> {
    make: Box<dyn FnMut() -> Result<P, ConnectError> + Send>,
    schedule: Schedule,
    spare: Option<Spare<P>>,
    /// What ended the last proxy, and when the next may be made.
    pending: Option<(Reason, Instant)>,
    restarts: u64,
}

super::promise!(Supervisor<()>: Send, !Sync);

/// A proxy ahead of need.
struct Spare<P> {
    proxy: Option<P>,
    /// One that could not be started is not tried again before.
    not_before: Option<Instant>,
    /// Whether it is still fit for use.
    is_fit: Box<dyn FnMut(&mut P) -> bool + Send>,
}

impl<P> Supervisor<P> {
    /// A supervisor that starts modules with `make`; no more than 5 restarts a minute, and no more than a second
    /// between two of them.
    pub fn new(make: impl FnMut() -> Result<P, ConnectError> + Send + 'static) -> Self {
        let (window, first, longest) =
            (Duration::from_secs(60), Duration::from_millis(50), Duration::from_secs(1));
        Self {
            make: Box::new(make),
            schedule: Schedule::new(5, window, first, longest),
            spare: None,
            pending: None,
            restarts: 0,
        }
    }

    /// Allows so many restarts within any `window`. None at all makes the first failure the last.
    #[must_use]
    pub fn budget(mut self, restarts: u32, window: Duration) -> Self {
        (self.schedule.budget, self.schedule.window) = (restarts, window);
        self
    }

    /// Waits `first` before the second restart within the window, twice as long before each that follows, and never
    /// more than `longest`.
    #[must_use]
    pub fn back_off(mut self, first: Duration, longest: Duration) -> Self {
        (self.schedule.first, self.schedule.longest) = (first, longest);
        self
    }

    /// Keeps a module ready, started and past the handshake, so that a restart costs no process start. It is started by
    /// [`prepare`](Self::prepare), and `is_fit` is asked before it is used: it may have died while it waited.
    #[must_use]
    pub fn keep_spare(mut self, is_fit: impl FnMut(&mut P) -> bool + Send + 'static) -> Self {
        self.spare = Some(Spare { proxy: None, not_before: None, is_fit: Box::new(is_fit) });
        self
    }

    /// Starts the first module. It counts for nothing: one that cannot be started at all is a mistake in the setting,
    /// which no number of attempts mends.
    ///
    /// # Errors
    /// What starting it says.
    pub fn start(&mut self) -> Result<P, ConnectError> {
        (self.make)()
    }

    /// The owner's proxy is of no more use, for this reason. It should have been dropped before, so that what is left of
    /// its module has ended.
    ///
    /// # Errors
    /// [`GivenUp`] if the budget is used up.
    pub fn failed(&mut self, reason: impl Into<Reason>, now: Instant) -> Result<(), GivenUp> {
        let reason = reason.into();
        let Some(due) = self.schedule.next(now) else {
            self.pending = None;
            let Schedule { budget: restarts, window, .. } = self.schedule;
            return Err(GivenUp { restarts, window, last: Box::new(reason) });
        };
        tracing::info!(%reason, wait = ?due.saturating_duration_since(now), "a module will be replaced");
        self.pending = Some((reason, due));
        Ok(())
    }

    /// When the next module may be started; `None` if none is needed.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|(_, due)| *due)
    }

    /// A fresh proxy if one is needed and it is time for it. A module that cannot be started is a failure like any other,
    /// and the next attempt is due later.
    ///
    /// # Errors
    /// [`GivenUp`] if the attempt failed and the budget is used up.
    pub fn poll(&mut self, now: Instant) -> Result<Option<Restart<P>>, GivenUp> {
        let Some((reason, _)) = self.pending.take_if(|(_, due)| *due <= now) else { return Ok(None) };
        let waiting = self.spare.as_mut().and_then(|spare| {
            let mut proxy = spare.proxy.take()?;
            (spare.is_fit)(&mut proxy).then_some(proxy)
        });
        let spare = waiting.is_some();
        match waiting.map_or_else(|| (self.make)(), Ok) {
            Ok(proxy) => {
                self.restarts += 1;
                Ok(Some(Restart { proxy, reason, spare }))
            }
            Err(error) => self.failed(error, now).map(|()| None),
        }
    }

    /// Sleeps until the fresh proxy that is needed is there.
    ///
    /// # Errors
    /// [`GivenUp`] if the budget is used up.
    ///
    /// # Panics
    /// If none is needed, as nothing has [`failed`](Self::failed): it would sleep for ever.
    pub fn wait(&mut self) -> Result<Restart<P>, GivenUp> {
        loop {
            let due = self.due().expect("something has failed");
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if let Some(restart) = self.poll(Instant::now())? {
                return Ok(restart);
            }
        }
    }

    /// Starts the spare if one is to be kept and there is none. It takes as long as a module takes to start: call it when
    /// there is time, such as between two frames. After a failure, nothing is done before the longest
    /// [`back_off`](Self::back_off) has passed.
    ///
    /// # Errors
    /// What starting it says. That counts for nothing: the spare is not needed yet.
    pub fn prepare(&mut self, now: Instant) -> Result<(), ConnectError> {
        let wanted = |spare: &&mut Spare<P>| {
            spare.proxy.is_none() && spare.not_before.is_none_or(|not_before| not_before <= now)
        };
        let Some(spare) = self.spare.as_mut().filter(wanted) else { return Ok(()) };
        spare.not_before = Some(now + self.schedule.longest);
        spare.proxy = Some((self.make)()?);
        spare.not_before = None;
        Ok(())
    }

    /// Restarts so far.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }
}

impl<P> fmt::Debug for Supervisor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("schedule", &self.schedule)
            .field("has_spare", &self.spare.as_ref().is_some_and(|spare| spare.proxy.is_some()))
            .field("pending", &self.pending)
            .field("restarts", &self.restarts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
