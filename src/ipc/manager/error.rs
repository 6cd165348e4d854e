//! Why there is no module.

use super::{Candidate, Origin, Request};

/// How many reasons an error tells.
const TOLD: usize = 8;

/// Why there is no module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// None fits, or none that fits may run as it would have to.
    #[error(
        "no module for version {version} of pipeline {pipeline:?} ({interface}) can be used: {}",
        told(rejected)
    )]
    NoModule {
        /// The pipeline.
        pipeline: String,
        /// Its version.
        version: u32,
        /// Full name of the interface.
        interface: &'static str,
        /// What was found instead, and why it is not used: first what comes closest.
        rejected: Vec<(Origin, String)>,
    },
}

impl ManagerError {
    pub(super) fn none(request: &Request<'_>, mut rejected: Vec<Rejected>) -> Self {
        rejected.sort_by_key(|rejected| rejected.distance());
        Self::NoModule {
            pipeline: request.pipeline.to_owned(),
            version: request.version,
            interface: request.interface.name,
            rejected: rejected.into_iter().map(|rejected| (rejected.origin, rejected.reason)).collect(),
        }
    }
}

/// The reasons, in one line.
fn told(rejected: &[(Origin, String)]) -> String {
    if rejected.is_empty() {
        return "nothing was found; name a folder with modules in RINGFENCE_MODULE_PATH".to_owned();
    }
    let mut told: Vec<_> =
        rejected.iter().take(TOLD).map(|(origin, reason)| format!("{origin}: {reason}")).collect();
    if rejected.len() > TOLD {
        told.push(format!("and {} more", rejected.len() - TOLD));
    }
    told.join("; ")
}

/// Something that is not used.
#[derive(Debug)]
pub(super) struct Rejected {
    pub origin: Origin,
    /// Origin or name, for a log.
    pub what: String,
    pub reason: String,
    /// Whether it is for that pipeline.
    pub is_meant: bool,
}

impl Rejected {
    pub(super) fn new(candidate: &Candidate, request: &Request<'_>) -> Self {
        let is_meant = candidate.info().is_some_and(|info| {
            info.pipeline == request.pipeline || matches!(candidate.origin(), Origin::Linked)
        });
        let what = match candidate.info() {
            Some(info) => format!("{info} ({})", candidate.origin()),
            None => candidate.origin().to_string(),
        };
        Self { origin: candidate.origin().clone(), what, reason: candidate.reason().to_owned(), is_meant }
    }

    fn distance(&self) -> u8 {
        match self.origin {
            _ if self.is_meant => 0,
            Origin::Linked | Origin::File(_) => 1,
            Origin::Folder(_) => 2,
        }
    }
}
