//! The worker's side: a module that misbehaves when it is told to.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::attempts::{Stage, attempts};
use super::ground::Ground;
use crate::interfaces::probe::{self, Probe, ProbeEvents};
use crate::ipc::{CallError, Endpoint, ServeError};
use crate::serialize::SharedFd;

/// Name of the component that a worker serves to be probed.
pub const COMPONENT: &str = "probe";

/// First argument of a worker that is to make an attempt, which the second names, as the module is loaded. The third is
/// the ground.
pub(super) const LOADING: &str = "--loading";

/// Serves the module that misbehaves.
///
/// # Errors
/// As [`Endpoint::serve`].
pub fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    probe::serve(endpoint, ProbeModule::load)
}

struct ProbeModule {
    /// What came of the attempt that was made as the module was loaded.
    loading: Option<Result<i32, CallError>>,
}

impl ProbeModule {
    fn load(mut events: Box<dyn ProbeEvents + Send>) -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let loading = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [_, LOADING, name, ground] => {
                Some(attempt(Stage::Loading, name, ground, std::io::stdin().as_fd()))
            }
            _ => None,
        };
        events.loaded();
        Self { loading }
    }
}

impl Probe for ProbeModule {
    fn attempt(&mut self, name: &str, ground: &str, buffer: &SharedFd) -> Result<i32, CallError> {
        if let Some(made) = self.loading.take() {
            return made;
        }
        let buffer = buffer.get().ok_or_else(|| CallError::Module("no buffer was sent".to_owned()))?;
        attempt(Stage::Serving, name, ground, buffer)
    }
}

/// Makes an attempt. 0 if it worked.
fn attempt(stage: Stage, name: &str, ground: &str, buffer: BorrowedFd<'_>) -> Result<i32, CallError> {
    let ground: Ground =
        serde_json::from_str(ground).map_err(|error| CallError::Module(format!("the ground: {error}")))?;
    let mut all = attempts().into_iter();
    let attempt = all.find(|attempt| (attempt.name, attempt.stage) == (name, stage));
    let attempt = attempt.ok_or_else(|| CallError::Module(format!("no attempt has the name {name:?}")))?;
    Ok((attempt.run)(&ground, buffer).err().map_or(0, Errno::raw_os_error))
}
