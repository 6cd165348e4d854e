//! Which module serves a pipeline, and how it runs.
//!
//! A [`Manager`] looks for modules, in folders and among what the program has linked in, and finds the one that fits a
//! [`Request`]. Its [`ModulePolicy`] decides the mode: a call for what is linked in, a thread for a file that somebody trusted
//! has signed, a sandboxed process for all else. The [`Choice`] tells which it is and why, and a generated proxy's `open` makes
//! it so, or fails. What has to be isolated and cannot be is an error, and never runs in another way.
//!
//! This module knows files, signatures and rules; it must never know what a module does.
//!
//! # Where modules are looked for
//!
//! 1. What is linked in ([`Manager::link`]).
//! 2. The folders that the program names ([`Manager::folder`]), in that order.
//! 3. The folders in `RINGFENCE_MODULE_PATH`, with colons between them. A program that runs with more rights than its caller
//!    (set-user-id, file capabilities) ignores it, and says so.
//! 4. `/usr/local/lib/ringfence/modules`, then `/usr/lib/ringfence/modules`.
//!
//! In a folder every regular file counts whose name ends in `.so` and does not begin with a dot, links to such files too; folders
//! below it do not. A folder that cannot be read, and a file that is no module or does not fit, is passed over, and the reason kept
//! ([`Manager::scan`], [`ManagerError`]).
//!
//! # Which one is taken
//!
//! Those fit that are for the pipeline and its version, and that implement the very interface, over the protocol and in an
//! encoding of this host. Of several, the first in this order is taken: the earlier place of the four above, and of two folders the
//! earlier; the higher version of the module; a valid signature before none; the name of the file. How a module has to run
//! plays no part: isolation never changes *which* module is taken, unless it cannot be had.
//!
//! # How it runs
//!
//! | what | mode |
//! |---|---|
//! | linked in | [`Mode::Direct`], if the policy trusts it |
//! | a file with a valid signature | [`Mode::Threaded`], if the policy lets it, and all its libraries are the system's |
//! | a file with no signature, or with one while no keys are trusted | [`Mode::Isolated`], if the policy allows such files |
//! | a file with a signature of none of the trusted keys | not at all, unless [`ModulePolicy::isolate_badly_signed`] |
//! | anything, under [`ModulePolicy::force_isolation`] or `RINGFENCE_FORCE_ISOLATION=1` | [`Mode::Isolated`] or not at all |
//!
//! `RINGFENCE_FORCE_ISOLATION` only tightens. Empty or `0` is as if it were not set; any value but these counts as `1`, so that no
//! slip of a pen lets anything run where it should not.
//!
//! ```
//! use ringfence::interfaces::vimc::{self, IpaVimcProxy};
//! use ringfence::ipc::manager::{Manager, ModulePolicy, Request};
//! use ringfence::ipc::{Mode, Options};
//!
//! let manager = Manager::new(ModulePolicy::new())
//!     .only_folders()
//!     .link(vimc::linked(ringfence::vimc::Vimc::new).name("vimc").pipeline("vimc", 1..=1));
//! let choice = manager.find(&Request::new("vimc", 1, &vimc::INTERFACE))?;
//! println!("{} runs {}: {}", choice.info(), choice.mode(), choice.reason());
//! let proxy = IpaVimcProxy::open(&choice, &Options::new())?;
//! # if std::env::var_os("RINGFENCE_FORCE_ISOLATION").is_none() {
//! assert_eq!(proxy.mode(), Mode::Direct);
//! # }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod candidate;
mod choice;
mod environment;
mod error;
mod linkage;
mod linked;
mod policy;
mod search;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use candidate::{Candidate, Origin, SignatureState};
pub use choice::Choice;
pub use error::ManagerError;
pub use linked::Linked;
pub use policy::{ModulePolicy, Restriction};

use self::candidate::Examined;
pub(super) use self::choice::Run;
use self::environment::Environment;
use self::error::Rejected;
#[cfg(doc)]
use super::Mode;
use super::{Interface, Worker};

/// Where modules are, if nobody names other folders.
pub const BUILT_IN_FOLDERS: [&str; 2] = ["/usr/local/lib/ringfence/modules", "/usr/lib/ringfence/modules"];

/// What a pipeline needs a module for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Name of the pipeline, such as `rpi/vc4`, as modules name it in their record.
    pub pipeline: &'a str,
    /// Version of the pipeline.
    pub version: u32,
    /// The interface by which it calls the module.
    pub interface: &'static Interface,
}

impl<'a> Request<'a> {
    /// A module of `interface` for this version of this pipeline.
    #[must_use]
    pub const fn new(pipeline: &'a str, version: u32, interface: &'static Interface) -> Self {
        Self { pipeline, version, interface }
    }
}

/// Looks for modules, and decides how they run: see the [module's page](self).
#[derive(Debug, Clone)]
pub struct Manager {
    policy: ModulePolicy,
    environment: Environment,
    linked: Vec<Linked>,
    folders: Vec<PathBuf>,
    only_folders: bool,
    adapt: Option<Adapt>,
}

/// What is done to the workers of files.
#[derive(Clone)]
struct Adapt(Arc<dyn Fn(Worker) -> Worker + Send + Sync>);

impl fmt::Debug for Adapt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Adapt")
    }
}

impl Manager {
    /// A manager with this policy, which looks into the folders that the environment names, as it is now, and those built in.
    #[must_use]
    pub fn new(policy: ModulePolicy) -> Self {
        Self {
            policy,
            environment: Environment::of_this_process(),
            linked: Vec::new(),
            folders: Vec::new(),
            only_folders: false,
            adapt: None,
        }
    }

    /// Looks into this folder too: after those named before, and before all others.
    #[must_use]
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folders.push(path.into());
        self
    }

    /// Looks neither into the folders of `RINGFENCE_MODULE_PATH` nor into those built in.
    #[must_use]
    pub fn only_folders(mut self) -> Self {
        self.only_folders = true;
        self
    }

    /// Takes what is linked into this program into account too. Generated code makes it: `linked(make)`.
    #[must_use]
    pub fn link(mut self, linked: Linked) -> Self {
        self.linked.push(linked);
        self
    }

    /// Lets `adapt` change the workers of files that are isolated: name another program, or files that they may read.
    ///
    /// ```
    /// # use ringfence::ipc::manager::{Manager, ModulePolicy};
    /// let manager = Manager::new(ModulePolicy::new())
    ///     .workers(|worker| worker.program("/usr/lib/camera/worker").reads("/usr/share/camera/tuning"));
    /// ```
    #[must_use]
    pub fn workers(mut self, adapt: impl Fn(Worker) -> Worker + Send + Sync + 'static) -> Self {
        self.adapt = Some(Adapt(Arc::new(adapt)));
        self
    }

    /// Everything that is found: each module, and each file and folder that was passed over, in the order of the search.
    ///
    /// No code of any module runs. The files are read anew each time, and none is kept open.
    #[must_use]
    pub fn scan(&self) -> Vec<Candidate> {
        self.examined(None).map(|(_, examined)| examined.candidate).collect()
    }

    /// Finds the module that fits, and decides how it runs.
    ///
    /// The choice holds a copy of the file as it was examined: whatever becomes of the file, that copy is what runs.
    ///
    /// # Errors
    /// [`ManagerError::NoModule`] if none fits, or none that fits may run as it would have to. It tells why not, for each.
    pub fn find(&self, request: &Request<'_>) -> Result<Choice, ManagerError> {
        let mut best: Option<(Rank, Candidate, Run)> = None;
        let mut rejected = Vec::new();
        for (place, Examined { candidate, run }) in self.examined(Some(request)) {
            match run {
                Some(run) => {
                    let rank = Rank::of(place, &candidate);
                    if best.as_ref().is_none_or(|(other, ..)| rank < *other) {
                        best = Some((rank, candidate, run));
                    }
                }
                None => rejected.push(Rejected::new(&candidate, request)),
            }
        }
        match best {
            Some((_, candidate, run)) => {
                let choice = Choice::new(candidate, run);
                for Rejected { what, reason, .. } in rejected.iter().filter(|rejected| rejected.is_meant) {
                    tracing::warn!(what, reason, "passing over a module");
                }
                tracing::info!(
                    pipeline = request.pipeline,
                    module = %choice.info(),
                    origin = %choice.origin(),
                    mode = %choice.mode(),
                    reason = choice.reason(),
                    "choosing a module"
                );
                Ok(choice)
            }
            None => Err(ManagerError::none(request, rejected)),
        }
    }

    /// What is found, with the number of the place: 0 for what is linked in, then the folders. Those that do not fit the
    /// request are not looked at further.
    fn examined<'a>(
        &'a self,
        request: Option<&'a Request<'_>>,
    ) -> impl Iterator<Item = (usize, Examined)> + 'a {
        let judge = policy::Judge {
            policy: &self.policy,
            forced: self.environment.forces_isolation(),
            adapt: self.adapt.as_ref(),
        };
        let linked = self.linked.iter().map(move |linked| (0, judge.linked(linked, request)));
        let variable = if self.only_folders { Vec::new() } else { self.environment.folders() };
        let built_in = if self.only_folders { &[] } else { &BUILT_IN_FOLDERS[..] };
        let places = search::places(&self.folders, variable, built_in);
        let found = places.map(move |(place, found)| {
            let examined = match found {
                search::Found::File(path) => judge.file(path, request),
                search::Found::Nothing { folder, reason } => {
                    Examined::passed_over(Origin::Folder(folder), reason)
                }
            };
            (place + 1, examined)
        });
        linked.chain(found)
    }
}

/// What comes first of several that fit: the lesser.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    place: usize,
    version: std::cmp::Reverse<Option<super::module::Version>>,
    is_unsigned: bool,
    name: Option<std::ffi::OsString>,
}

impl Rank {
    fn of(place: usize, candidate: &Candidate) -> Self {
        Self {
            place,
            version: std::cmp::Reverse(candidate.info().map(|info| info.version)),
            is_unsigned: !matches!(candidate.signature(), Some(SignatureState::Valid { .. })),
            name: candidate.origin().path().and_then(|path| path.file_name()).map(ToOwned::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
