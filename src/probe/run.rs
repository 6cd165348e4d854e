//! The host's side: one worker for each attempt.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::attempts::{Attempt, Stage};
use super::ground::{GroundError, Laid};
use super::module::{COMPONENT, LOADING};
use super::outcome::Outcome;
use crate::interfaces::probe::{Probe as _, ProbeProxy};
use crate::ipc::{CallError, ConnectError, Layers, Options, SandboxPolicy, Worker};
use crate::serialize::SharedFd;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes attempts under a policy.
#[derive(Debug, Clone)]
pub struct Probe {
    policy: SandboxPolicy,
    program: Option<PathBuf>,
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was tried.
    pub attempt: Attempt,
    /// What came of it.
    pub outcome: Outcome,
    /// The layers of the worker's sandbox, if it lived long enough to tell.
    pub layers: Option<Layers>,
}

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There is nothing to reach for.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// The worker did not come up.
    #[error(transparent)]
    Worker(#[from] ConnectError),
    /// The host's own end failed.
    #[error("the probe cannot prepare an attempt: {0}")]
    Prepare(#[from] io::Error),
}

impl Probe {
    /// Attempts under this policy.
    #[must_use]
    pub fn new(policy: SandboxPolicy) -> Self {
        Self { policy, program: None }
    }

    /// With this program as the worker, instead of the one that [`Worker`] finds.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Starts a worker that makes this attempt.
    ///
    /// # Errors
    /// [`ProbeError`] if nothing was tried.
    pub fn run(&self, attempt: &Attempt) -> Result<Finding, ProbeError> {
        let laid = Laid::new()?;
        let (mut outcome, layers) = self.outcome(attempt, &laid)?;
        if let Some(touched) = laid.touched() {
            // Whatever the worker says.
            outcome = Outcome::Through(touched.to_owned());
        }
        Ok(Finding { attempt: *attempt, outcome, layers })
    }

    fn outcome(&self, attempt: &Attempt, laid: &Laid) -> Result<(Outcome, Option<Layers>), ProbeError> {
        let ground = serde_json::to_string(laid.ground()).map_err(io::Error::from)?;
        let mut worker = Worker::component(COMPONENT);
        if let Some(program) = &self.program {
            worker = worker.program(program);
        }
        if attempt.stage == Stage::Loading {
            worker = worker.args([LOADING, attempt.name, &ground]).loads_until("attempt");
        }
        let options =
            Options::new().sandbox(self.policy.clone()).call_deadline(PATIENCE).handshake_deadline(PATIENCE);
        let mut proxy = match ProbeProxy::isolated(&options, &worker) {
            Ok(proxy) => proxy,
            Err(ConnectError::Died(death)) if attempt.stage == Stage::Loading => {
                return Ok((Outcome::of_end(&death.exit), None));
            }
            Err(error) => return Err(error.into()),
        };
        let layers = proxy.connection().map(crate::ipc::Connection::layers);
        let buffer = SharedFd::from(laid.buffer()?);
        let outcome = match proxy.attempt(attempt.name, &ground, &buffer) {
            Ok(error) => Outcome::of_answer(error, attempt.reached),
            Err(CallError::Died(death)) => Outcome::of_end(&death.exit),
            Err(error) => Outcome::Unclear(error.to_string()),
        };
        Ok((outcome, layers))
    }
}
