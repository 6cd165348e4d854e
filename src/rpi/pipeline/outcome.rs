//! What becomes of frames, and the account of them: each that is queued is processed or lost, once.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::PipelineError;
use crate::ipc::CallError;

/// Why a frame is lost: the IPA did not do its part, so there is no metadata of it, and what the sensor and the ISP
/// should do with the following ones is not known.
///
/// ```
/// use ringfence::ipc::CallError;
/// use ringfence::rpi::pipeline::{Cause, Loss};
///
/// let loss = Loss::Ipa(CallError::Module("no such buffer".to_owned()));
/// assert_eq!((loss.cause(), loss.to_string().as_str()), (Cause::Failed, "no such buffer"));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// The IPA ended, was cut off or failed while it had the frame.
    #[error("{0}")]
    Ipa(CallError),
    /// The IPA took too long.
    #[error("the IPA did not complete {method} within {waited:?}")]
    TimedOut {
        /// What it did not complete.
        method: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// No IPA ran when the frame was taken, as it is not time yet to start the next one.
    #[error("no IPA runs; the next is started in {wait:?}")]
    Outage {
        /// Until the next attempt.
        wait: Duration,
    },
}

/// The kinds of [`Loss`], to count them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The IPA ended.
    Died,
    /// The IPA broke the rules of the connection and was cut off.
    CutOff,
    /// A call or an event of the IPA failed otherwise.
    Failed,
    /// The IPA took too long.
    TimedOut,
    /// No IPA ran.
    Outage,
    /// The host itself failed, which ended the camera.
    Host,
}

impl Cause {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Died => "died",
            Self::CutOff => "cut-off",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Outage => "outage",
            Self::Host => "host",
        }
    }

    fn of_call(error: &CallError) -> Self {
        match error {
            CallError::Died(_) => Self::Died,
            CallError::Protocol(_) => Self::CutOff,
            CallError::Deadline { .. } => Self::TimedOut,
            _ => Self::Failed,
        }
    }

    /// The cause of the loss of a frame that ended the camera.
    pub(super) fn of_end(error: &PipelineError) -> Self {
        match error {
            PipelineError::Ipa(error) => Self::of_call(error),
            _ => Self::Host,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Loss {
    /// Its kind.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Ipa(error) => Cause::of_call(error),
            Self::TimedOut { .. } => Cause::TimedOut,
            Self::Outage { .. } => Cause::Outage,
        }
    }
}

/// The account of a camera's frames.
///
/// ```
/// use ringfence::rpi::pipeline::Ledger;
///
/// let ledger = Ledger::default();
/// assert!(ledger.closes() && ledger.queued() == ledger.processed() + ledger.lost_in_all());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    queued: u64,
    processed: u64,
    lost: BTreeMap<Cause, u64>,
}

impl Ledger {
    pub(super) fn queue(&mut self) {
        self.queued += 1;
    }

    pub(super) fn process(&mut self) {
        self.processed += 1;
    }

    pub(super) fn lose(&mut self, cause: Cause) {
        *self.lost.entry(cause).or_default() += 1;
    }

    /// Frames that were taken.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Frames that the IPA has finished.
    #[must_use]
    pub fn processed(&self) -> u64 {
        self.processed
    }

    /// Frames that were lost, by cause.
    #[must_use]
    pub fn lost(&self) -> &BTreeMap<Cause, u64> {
        &self.lost
    }

    /// Frames that were lost, whatever the cause.
    #[must_use]
    pub fn lost_in_all(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Whether every frame that was taken has one outcome.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.queued == self.processed + self.lost_in_all()
    }
}
