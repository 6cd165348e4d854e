//! The worker's side of a rival.

use ringfence::ipc::{CallError, Endpoint, ServeError};
use ringfence::serialize::SharedFd;

use crate::Failure;
use crate::rivals::{self, Rivals, Way};
use crate::ways::{End, open};

/// Name of the component that serves rivals.
pub const COMPONENT: &str = "rivals";

/// Serves rivals until the host is done.
pub fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    rivals::serve(endpoint, |_| Server { end: None, failure: String::new() })
}

struct Server {
    end: Option<Box<dyn End>>,
    /// What went wrong with calls that have no reply.
    failure: String,
}

impl Server {
    fn with_end(&mut self, serve: impl FnOnce(&mut dyn End) -> Result<(), Failure>) -> Result<(), CallError> {
        let end = self.end.as_deref_mut().ok_or_else(|| CallError::Module("nothing is open".into()))?;
        if let Err(failure) = serve(end) {
            self.failure = failure.to_string();
        }
        Ok(())
    }
}

impl Rivals for Server {
    fn pin(&mut self, cpu: u32) -> Result<i32, CallError> {
        Ok(ringfence::bench::pin(cpu).err().map_or(0, |errno| -errno.raw_os_error()))
    }

    fn open(&mut self, way: Way, name: &str, capacity: u32, fds: &[SharedFd]) -> Result<(), CallError> {
        let end = open(way, name, capacity as usize, fds);
        self.end = Some(end.map_err(|failure| CallError::Module(failure.to_string()))?);
        Ok(())
    }

    fn echo(&mut self, messages: u32) -> Result<(), CallError> {
        self.with_end(|end| end.echo(messages))
    }

    fn take(&mut self, messages: u32) -> Result<(), CallError> {
        self.with_end(|end| end.take(messages))
    }

    fn finish(&mut self) -> Result<String, CallError> {
        Ok(std::mem::take(&mut self.failure))
    }
}
