//! The events of 0.0.3, told as those of the newest interface.

use super::controls::{ANALOGUE_GAIN, EXPOSURE_TIME, metadata};
use super::requests::Reported;
use crate::interfaces::libcamera_0_0_3::rpi::IpaRPiEvents as OldEvents;
use crate::interfaces::rpi::{BufferIds, IpaRPiEvents};
use crate::serialize::ControlList;

/// Frames that the IPA keeps apart: it takes every context modulo this, and must not be given a greater delay context.
pub(super) const CONTEXTS: u32 = 16;

/// Frames that the IPA is at, the oldest first. Its events name one buffer, ours all of a frame.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<BufferIds>);

impl Frames {
    /// A frame begins. One that has the same buffers was given up.
    pub fn begin(&mut self, buffers: BufferIds) {
        self.0.retain(|frame| frame.bayer != buffers.bayer && frame.stats != buffers.stats);
        if self.0.len() >= CONTEXTS as usize {
            self.0.remove(0);
        }
        self.0.push(buffers);
    }

    fn find(&self, what: impl Fn(&BufferIds) -> bool) -> Option<BufferIds> {
        self.0.iter().copied().find(what)
    }

    fn end(&mut self, what: impl Fn(&BufferIds) -> bool) -> Option<BufferIds> {
        self.0.iter().position(what).map(|index| self.0.remove(index))
    }
}

/// Tells the events of 0.0.3 to a listener of the newest interface.
pub(super) struct Translator<'a> {
    pub to: &'a mut dyn IpaRPiEvents,
    pub frames: &'a mut Frames,
    pub reported: &'a mut Reported,
    /// Events told.
    pub count: usize,
}

impl OldEvents for Translator<'_> {
    fn stats_metadata_complete(&mut self, buffer_id: u32, controls: &ControlList) {
        let Some(buffers) = self.frames.end(|frame| frame.stats == buffer_id) else {
            tracing::debug!("statistics {buffer_id:#x} are done with, of no frame at hand");
            return;
        };
        *self.reported = Reported {
            exposure_time: controls.get(&EXPOSURE_TIME),
            analogue_gain: controls.get(&ANALOGUE_GAIN),
        };
        self.to.metadata_ready(&metadata(controls));
        self.to.process_stats_complete(&buffers);
        self.count += 2;
    }

    fn run_isp(&mut self, buffer_id: u32) {
        match self.frames.find(|frame| frame.bayer == buffer_id) {
            Some(buffers) => {
                self.to.prepare_isp_complete(&buffers, false);
                self.count += 1;
            }
            None => tracing::debug!("image {buffer_id:#x} shall be processed, of no frame at hand"),
        }
    }

    fn embedded_complete(&mut self, _buffer_id: u32) {
        // The newest interface gives embedded data back with `prepareIspComplete`.
    }

    fn set_isp_controls(&mut self, controls: &ControlList) {
        self.to.set_isp_controls(controls);
        self.count += 1;
    }

    fn set_delayed_controls(&mut self, controls: &ControlList, delay_context: u32) {
        self.to.set_delayed_controls(controls, delay_context % CONTEXTS);
        self.count += 1;
    }
}
