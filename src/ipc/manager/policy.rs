//! Who may run where.

#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::candidate::Examined;
use super::choice::Run;
use super::environment::FORCE_VARIABLE;
use super::{Adapt, Candidate, Linked, Origin, Request, SignatureState, linkage};
use crate::ipc::module::{Misfit, ModuleFile, ModuleInfo};
use crate::ipc::signature::{Signature, TrustedKeys};
use crate::ipc::{Mode, Worker};

/// What an embedder's own rule says of a candidate: less than the policy allows, never more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restriction {
    /// As the policy says.
    Nothing,
    /// Isolated, for this reason.
    Isolate(String),
    /// Not at all, for this reason.
    Refuse(String),
}

type Rule = dyn Fn(&Candidate) -> Restriction + Send + Sync;

/// Who may run where: a plain call, a thread, a sandboxed process, or not at all.
///
/// By default no keys are trusted, so every file is isolated, and what is linked in is called.
///
/// ```
/// use ringfence::ipc::manager::{ModulePolicy, Restriction};
/// use ringfence::ipc::signature::{SigningKey, TrustedKeys};
///
/// let vendor = SigningKey::generate()?.public_pem();
/// let policy = ModulePolicy::new()
///     .trusted_keys(TrustedKeys::none().add_pem(&vendor)?)
///     .allow_unsigned(false)
///     .restrict(|candidate| match candidate.info() {
///         Some(info) if info.name.starts_with("experimental") => Restriction::Isolate("it is an experiment".into()),
///         _ => Restriction::Nothing,
///     });
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ModulePolicy {
    keys: TrustedKeys,
    signed_in_process: bool,
    trust_linked: bool,
    allow_unsigned: bool,
    isolate_badly_signed: bool,
    force_isolation: bool,
    rules: Vec<Arc<Rule>>,
}

impl Default for ModulePolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ModulePolicy {
    /// No keys are trusted; what is linked in is.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: TrustedKeys::none(),
            signed_in_process: true,
            trust_linked: true,
            allow_unsigned: true,
            isolate_badly_signed: false,
            force_isolation: false,
            rules: Vec::new(),
        }
    }

    /// The keys whose signatures count. What they have signed may run in this process.
    #[must_use]
    pub fn trusted_keys(mut self, keys: TrustedKeys) -> Self {
        self.keys = keys;
        self
    }

    /// Whether files with a valid signature run in a thread of this process: yes, if nothing is said. Otherwise a signature
    /// tells who made a module, and it is isolated all the same.
    #[must_use]
    pub fn signed_in_process(mut self, may: bool) -> Self {
        self.signed_in_process = may;
        self
    }

    /// Whether what is linked in is trusted: yes, if nothing is said. Otherwise it is isolated in a worker that serves it.
    #[must_use]
    pub fn trust_linked(mut self, trusted: bool) -> Self {
        self.trust_linked = trusted;
        self
    }

    /// Whether files without a valid signature run at all, isolated: yes, if nothing is said.
    #[must_use]
    pub fn allow_unsigned(mut self, allowed: bool) -> Self {
        self.allow_unsigned = allowed;
        self
    }

    /// Whether files whose signature is none of a trusted key are isolated: no, if nothing is said, since somebody has changed
    /// the file, or signed it who is not trusted. They are then treated as if they had no signature.
    #[must_use]
    pub fn isolate_badly_signed(mut self, isolate: bool) -> Self {
        self.isolate_badly_signed = isolate;
        self
    }

    /// Whether everything is isolated, whoever made it: no, if nothing is said here nor in `RINGFENCE_FORCE_ISOLATION`.
    #[must_use]
    pub fn force_isolation(mut self, force: bool) -> Self {
        self.force_isolation = force;
        self
    }

    /// Adds a rule of the embedder's own, which is asked about each candidate that would run. It can only tighten.
    #[must_use]
    pub fn restrict(mut self, rule: impl Fn(&Candidate) -> Restriction + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// How it stands with the signature of a file. What is looked at is the sealed copy.
    fn signature_of(&self, file: &ModuleFile) -> SignatureState {
        let signature = match Signature::beside(file.path()) {
            Ok(Some(signature)) => signature,
            Ok(None) => return SignatureState::Missing,
            Err(error) => return SignatureState::Invalid { reason: error.to_string() },
        };
        if self.keys.is_empty() {
            return SignatureState::Unjudged;
        }
        match self.keys.verify(file.bytes(), file.record(), &signature) {
            Some(key) => SignatureState::Valid { key: key.id(), place: key.place().to_owned() },
            None => SignatureState::Invalid {
                reason: "no trusted key has made it for this file: the file was changed, or somebody else has signed it"
                    .to_owned(),
            },
        }
    }
}

impl fmt::Debug for ModulePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModulePolicy")
            .field("keys", &self.keys)
            .field("signed_in_process", &self.signed_in_process)
            .field("trust_linked", &self.trust_linked)
            .field("allow_unsigned", &self.allow_unsigned)
            .field("isolate_badly_signed", &self.isolate_badly_signed)
            .field("force_isolation", &self.force_isolation)
            .field("rules", &self.rules.len())
            .finish()
    }
}

/// What would be done, or why nothing is.
type Verdict = Result<(Mode, String), String>;

/// The policy, and what else decides.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub policy: &'a ModulePolicy,
    /// Whether the environment isolates all.
    pub forced: bool,
    pub adapt: Option<&'a Adapt>,
}

impl Judge<'_> {
    /// Judges what is linked in.
    pub(super) fn linked(&self, linked: &Linked, request: Option<&Request<'_>>) -> Examined {
        let mut candidate = Candidate {
            origin: Origin::Linked,
            info: Some(linked.info().clone()),
            signature: None,
            mode: None,
            reason: String::new(),
        };
        let verdict = fits(linked.info(), linked.fits_any_pipeline(), request).and_then(|()| {
            let mode = if self.policy.trust_linked { Mode::Direct } else { Mode::Isolated };
            let reason = match mode {
                Mode::Direct => "it is linked into this program, and the policy trusts it",
                _ => "it is linked into this program, and the policy does not trust it",
            };
            self.tighten(&mut candidate, mode, reason.to_owned())
        });
        let run = verdict.and_then(|(mode, reason)| match (mode, linked.isolated()) {
            (Mode::Direct, _) => Ok((Run::Direct(linked.clone()), reason)),
            (_, Some(worker)) => Ok((Run::Isolated(worker), reason)),
            (_, None) => Err(format!(
                "it would have to be isolated ({reason}), and no worker serves it; name one with `Linked::component`"
            )),
        });
        conclude(candidate, run)
    }

    /// Judges a file.
    pub(super) fn file(&self, path: PathBuf, request: Option<&Request<'_>>) -> Examined {
        let file = match ModuleFile::read(&path) {
            Ok(file) => file,
            Err(error) => return Examined::passed_over(Origin::File(path), error.to_string()),
        };
        let mut candidate = Candidate {
            origin: Origin::File(path),
            info: Some(file.info().clone()),
            signature: None,
            mode: None,
            reason: String::new(),
        };
        let verdict = fits(file.info(), false, request).and_then(|()| {
            let signature = self.policy.signature_of(&file);
            let planned = self.plan(&file, &signature);
            candidate.signature = Some(signature);
            let (mode, reason) = planned?;
            self.tighten(&mut candidate, mode, reason)
        });
        let run = verdict.map(|(mode, reason)| match mode {
            Mode::Threaded => (Run::Threaded(file), reason),
            _ => {
                let worker = Worker::loading(&file);
                let worker = self.adapt.into_iter().fold(worker, |worker, adapt| (adapt.0)(worker));
                (Run::Isolated(worker), reason)
            }
        });
        conclude(candidate, run)
    }

    /// What is done with a file, as far as its signature decides.
    fn plan(&self, file: &ModuleFile, signature: &SignatureState) -> Verdict {
        let policy = self.policy;
        let unsigned = |what: String| match policy.allow_unsigned {
            true => Ok((Mode::Isolated, what)),
            false => Err(format!("{what}, and the policy wants a valid signature")),
        };
        match signature {
            SignatureState::Missing => unsigned("it is not signed".to_owned()),
            SignatureState::Unjudged => {
                unsigned("no keys are trusted by which its signature could be judged".to_owned())
            }
            SignatureState::Invalid { reason } if policy.isolate_badly_signed => {
                unsigned(format!("its signature is invalid: {reason}"))
            }
            SignatureState::Invalid { reason } => Err(format!("its signature is invalid: {reason}")),
            SignatureState::Valid { key, place } => {
                let signed = format!("key {key} ({place}) has signed it");
                if !policy.signed_in_process {
                    return Ok((
                        Mode::Isolated,
                        format!("{signed}, and the policy isolates signed files too"),
                    ));
                }
                Ok(match linkage::uncovered(file.bytes()) {
                    Some(what) => (
                        Mode::Isolated,
                        format!("{signed}, but it {what}, which the signature does not cover"),
                    ),
                    None => (Mode::Threaded, signed),
                })
            }
        }
    }

    /// What is left of it, once everybody was asked who may tighten. The candidate then says so, for the embedder's rules.
    fn tighten(&self, candidate: &mut Candidate, mode: Mode, reason: String) -> Verdict {
        let (mut mode, mut reason) = (mode, reason);
        let forced = if self.forced {
            Some(format!("{FORCE_VARIABLE} isolates all modules"))
        } else {
            self.policy.force_isolation.then(|| "the policy isolates all modules".to_owned())
        };
        if let Some(why) = forced
            && mode != Mode::Isolated
        {
            (mode, reason) = (Mode::Isolated, why);
        }
        for rule in &self.policy.rules {
            (candidate.mode, candidate.reason) = (Some(mode), reason.clone());
            match rule(candidate) {
                Restriction::Nothing => {}
                Restriction::Isolate(why) => (mode, reason) = (Mode::Isolated, why),
                Restriction::Refuse(why) => return Err(why),
            }
        }
        Ok((mode, reason))
    }
}

/// The candidate as it is in the end.
fn conclude(mut candidate: Candidate, run: Result<(Run, String), String>) -> Examined {
    match run {
        Ok((run, reason)) => {
            (candidate.mode, candidate.reason) = (Some(run.mode()), reason);
            Examined { candidate, run: Some(run) }
        }
        Err(reason) => {
            (candidate.mode, candidate.reason) = (None, reason);
            Examined { candidate, run: None }
        }
    }
}

/// Whether a module is for a request, or without one, for any host of this library.
fn fits(info: &ModuleInfo, any_pipeline: bool, request: Option<&Request<'_>>) -> Result<(), String> {
    let Some(request) = request else {
        let misfit = if info.protocol != ModuleInfo::PROTOCOL {
            Misfit::Protocol { theirs: info.protocol }
        } else if !info.encodings.contains(&ModuleInfo::NATIVE) {
            Misfit::Encoding { theirs: info.encodings.clone() }
        } else {
            return Ok(());
        };
        return Err(misfit.to_string());
    };
    if !any_pipeline && info.pipeline != request.pipeline {
        return Err(format!("it is for pipeline {:?}", info.pipeline));
    }
    let versions = &info.pipeline_versions;
    if !versions.contains(&request.version) {
        let (first, last) = (versions.start(), versions.end());
        return Err(format!(
            "it is for versions {first} to {last} of the pipeline, which has {}",
            request.version
        ));
    }
    info.fits(request.interface).map_err(|misfit| misfit.to_string())
}
