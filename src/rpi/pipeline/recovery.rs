//! A camera that outlives its IPA.
//!
//! An IPA that fails is dropped, which ends its worker, and the supervisor is asked for the next one. That is initialised
//! and configured as the first was, is given the same buffers, and is started with everything that the application has
//! asked for so far. Meanwhile the sensor goes on with what was written last, and frames are lost for want of an IPA.
//!
//! A new IPA knows nothing of the scene, and its first words would show as a jump in exposure and colours. So what it says
//! to sensor and ISP is not acted upon for as many frames as it calls its start-up, while it sees the statistics of
//! pictures that are exposed as before. After that it aims at what its predecessor aimed at.

use std::time::{Duration, Instant};

use super::handler::{Pipeline, PipelineError};
use crate::ipc::CallError;
use crate::rpi::camera::Camera;
use crate::rpi::camera_ipa::CameraIpa;

/// The most frames for which a new IPA is not listened to, whatever it says.
const LONGEST_HOLD: u32 = 32;

impl<I: CameraIpa, C: Camera> Pipeline<I, C> {
    /// Waits until the next frame is due, and meanwhile looks after the IPA of a supervised camera: one that dies is
    /// replaced at once, and a spare is started.
    ///
    /// # Errors
    /// [`PipelineError`] if the IPA has ended for good.
    pub fn rest(&mut self, until: Instant) -> Result<(), PipelineError> {
        if self.supervisor.is_none() {
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            return Ok(());
        }
        loop {
            let outage = self.attend()?;
            if Instant::now() >= until {
                return Ok(());
            }
            match (&mut self.ipa, outage) {
                (Some(ipa), _) => {
                    if let Some(Err(error)) = self.supervisor.as_mut().map(|it| it.prepare(Instant::now())) {
                        tracing::warn!("no spare could be started: {error}");
                    }
                    match ipa.wait(Some(until)) {
                        Ok(true) => {}
                        Ok(false) => return Ok(()),
                        Err(error) => self.fail(error),
                    }
                }
                (None, wait) => {
                    let left = until.saturating_duration_since(Instant::now());
                    std::thread::sleep(wait.map_or(left, |wait| wait.min(left)));
                }
            }
        }
    }

    /// The IPA is of no more use: ends it.
    pub(super) fn fail(&mut self, reason: CallError) {
        self.ipa = None;
        self.failure = Some(reason);
    }

    /// Sees to it that there is an IPA, if one may be started. Returns how long it takes until the next attempt if there is
    /// none.
    pub(super) fn attend(&mut self) -> Result<Option<Duration>, PipelineError> {
        if self.supervisor.is_none() {
            return Ok(None);
        }
        if let Some(Err(error)) = self.ipa.as_mut().map(|ipa| ipa.dispatch(&mut self.listener)) {
            tracing::warn!("the IPA failed between two frames: {error}");
            self.fail(error);
        }
        while self.ipa.is_none() {
            let Some(supervisor) = &mut self.supervisor else { return Err(PipelineError::Over) };
            if let Some(reason) = self.failure.take() {
                supervisor.failed(reason, Instant::now())?;
            }
            let now = Instant::now();
            let due = supervisor.due().ok_or(PipelineError::Over)?;
            let Some(restart) = supervisor.poll(now)? else {
                return Ok(Some(supervisor.due().unwrap_or(due).saturating_duration_since(now)));
            };
            restart.proxy.note_restarts(supervisor.restarts());
            match self.resume(restart.proxy) {
                Ok(()) => tracing::info!(spare = restart.spare, "the IPA was replaced"),
                Err(PipelineError::Ipa(error)) => self.fail(error),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Goes on with a fresh IPA where the last one left off.
    fn resume(&mut self, mut ipa: I) -> Result<(), PipelineError> {
        let ready = self.setup.bring_up(&mut ipa, &self.requested.again(self.last))?;
        // Before the first frame there is nothing to hold.
        self.listener.hold = self.last.map_or(0, |_| ready.startup_frames.min(LONGEST_HOLD));
        self.ipa = Some(ipa);
        Ok(())
    }
}
