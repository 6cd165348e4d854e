//! Waiting for a module's events in a program that runs on tokio: the feature `tokio`, which is off by default.
//!
//! A proxy's descriptor is *level* triggered: readable as long as there is something to do. tokio asks the kernel for
//! *edges*, and goes to sleep when its owner says that nothing is left; an owner who says so too early, for instance after
//! [`DISPATCH_LIMIT`](super::DISPATCH_LIMIT) events of more, would not be woken for those that are there. [`AsyncProxy`]
//! looks at the descriptor before it sleeps, so that nobody can get it wrong. Calls are as short as they are elsewhere, and
//! are made as elsewhere: nothing here makes a call asynchronous.

use std::future::poll_fn;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Poll, ready};

use ::tokio::io::Interest;
use ::tokio::io::unix::AsyncFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A proxy, or a [`Connection`](super::Connection), whose events a task waits for.
///
/// It can be used as the proxy that it holds. To replace that, make another one of these: this one waits for the first
/// proxy's descriptor alone.
///
/// ```no_run
/// use ringfence::interfaces::vimc::{IpaVimcEvents, IpaVimcProxy};
/// use ringfence::ipc::tokio::AsyncProxy;
///
/// async fn attend(
///     proxy: IpaVimcProxy,
///     events: &mut (dyn IpaVimcEvents + Send),
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let mut proxy = AsyncProxy::new(proxy)?;
///     loop {
///         proxy.ready().await?;
///         proxy.dispatch(events)?;
///     }
/// }
/// ```
#[derive(Debug)]
pub struct AsyncProxy<P> {
    /// A descriptor of our own of what the proxy's stands for, whatever becomes of that.
    fd: AsyncFd<OwnedFd>,
    proxy: P,
}

super::promise!(AsyncProxy<super::Connection>: Send, !Sync);

impl<P: AsFd> AsyncProxy<P> {
    /// Registers the proxy's descriptor with the runtime of this task.
    ///
    /// # Errors
    /// What the system says to it; the proxy is dropped then.
    ///
    /// # Panics
    /// Outside of a runtime, or in one whose I/O is not enabled.
    pub fn new(proxy: P) -> io::Result<Self> {
        let fd = proxy.as_fd().try_clone_to_owned()?;
        // SAFETY: an `OwnedFd` stays open, and the same, until it is dropped with the `AsyncFd`.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self { fd, proxy })
    }

    /// Waits until the proxy has something to do: `dispatch` or `next_event` says what. It may be nothing, such as a line
    /// that the worker has logged.
    ///
    /// It can be dropped at any time and loses nothing. A module that never stops does not keep other tasks from running,
    /// as long as this is awaited between two rounds.
    ///
    /// # Errors
    /// If the runtime is being shut down.
    pub async fn ready(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            loop {
                let mut guard = ready!(self.fd.poll_read_ready_mut(cx))?;
                if is_readable(guard.get_inner().as_fd())? {
                    return Poll::Ready(Ok(()));
                }
                // An edge that comes from now on is a new one, which this does not take away.
                guard.clear_ready();
            }
        })
        .await
    }

    /// Gives the proxy back.
    pub fn into_inner(self) -> P {
        self.proxy
    }
}

impl<P> Deref for AsyncProxy<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.proxy
    }
}

impl<P> DerefMut for AsyncProxy<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.proxy
    }
}

/// Whether there is something to read now.
fn is_readable(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut fds, Some(&Timespec::default())))?;
    Ok(!fds[0].revents().is_empty())
}
