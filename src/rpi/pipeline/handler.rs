//! One camera, from the proxy of its IPA to finished pictures.

use std::time::{Duration, Instant};

use image::RgbImage;

use super::delayed_controls::{SensorChange, SensorValues};
use super::listener::Listener;
use super::outcome::{Cause, Ledger, Loss};
use super::requested::{Acted, Requested};
use super::sensor_info::hblank;
use super::setup::{STATISTICS, STATISTICS_BUFFERS, Setup};
use crate::interfaces::rpi::{BufferIds, IpaRPiProxy, PrepareParams, ProcessParams};
use crate::ipc::supervisor::GivenUp;
use crate::ipc::{CallError, ConnectError, Supervisor};
use crate::rpi::camera::{
    BufferError, Camera, CapturedFrame, IspSettings, Light, SensorControls, SharedBuffer, VirtualCamera,
};
use crate::rpi::camera_ipa::CameraIpa;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{ControlList, IdMap};

/// Buffer ids: the kind of buffer, or'ed with its index.
const BAYER: u32 = 0x04_0000;

/// The shortest time-out for the events of a frame.
const FRAME_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a camera does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The IPA cannot be reached, or a call failed.
    #[error(transparent)]
    Ipa(#[from] CallError),
    /// The IPA refused a call.
    #[error("the IPA refused {method}: it returned {code}")]
    Refused {
        /// The method.
        method: &'static str,
        /// What it returned: a negative error number.
        code: i32,
    },
    /// No buffers were to be had.
    #[error(transparent)]
    Buffer(#[from] BufferError),
    /// The first IPA could not be started.
    #[error(transparent)]
    Start(#[from] ConnectError),
    /// The IPA failed too often.
    #[error(transparent)]
    GivenUp(#[from] GivenUp),
    /// An earlier call said why there is no IPA any more.
    #[error("the camera has no IPA any more")]
    Over,
}

/// What is known of a finished frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// How the sensor took it.
    pub captured: CapturedFrame,
    /// What the ISP did with it.
    pub isp: IspSettings,
    /// What the IPA says about it; `None` if it said nothing in time.
    pub metadata: Option<ControlList>,
    /// Mean linear luma of the picture, 0 to 1.
    pub mean_luma: f64,
    /// From `prepareIsp` until its completion.
    pub prepare_time: Duration,
    /// From `processStats` until its completion.
    pub process_time: Duration,
    /// Why the frame is lost: the IPA did not complete both, with the buffers that were sent. `None` if it is processed.
    /// A lost frame has a picture too, made with what the ISP was told last.
    pub lost: Option<Loss>,
}

impl Frame {
    /// Whether the IPA has processed it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost.is_none()
    }
}

/// How long the IPA took for a frame.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    prepare: Duration,
    process: Duration,
}

/// A camera that runs, with its IPA.
///
/// Each frame that is taken has one outcome: processed or lost, as [`Frame::lost`] and the [`Ledger`] say.
///
/// A camera whose IPA is replaced when it fails:
///
/// ```
/// use image::RgbImage;
/// use ringfence::interfaces::rpi::IpaRPiProxy;
/// use ringfence::ipc::{Options, Supervisor};
/// use ringfence::rpi::camera::{Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
/// use ringfence::rpi::ipa::module::RaspberryPiIpa;
/// use ringfence::rpi::pipeline::Pipeline;
/// use ringfence::serialize::ControlList;
///
/// # let mode = SensorMode::new(64, 48)?;
/// # let camera = VirtualCamera::new(VirtualSensor::new(mode, &Scene::chart(64, 48)?, 1));
/// // `isolated(&options, &worker(""))` for a process of its own.
/// let supervisor = Supervisor::new(|| IpaRPiProxy::threaded(&Options::new(), RaspberryPiIpa::new));
/// let none = ControlList::default();
/// let mut pipeline = Pipeline::supervised(supervisor, camera, "", &none)?;
/// let mut image = RgbImage::new(64, 48);
/// let frame = pipeline.frame(Light::new(4500.0, 500.0)?, &none, &mut image)?;
/// if let Some(loss) = &frame.lost {
///     println!("frame {}: {loss}", frame.captured.sequence);
/// }
/// assert_eq!(pipeline.ledger().queued(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<I = IpaRPiProxy, C = VirtualCamera> {
    /// The IPA; none while a supervised camera waits for the next one.
    pub(super) ipa: Option<I>,
    pub(super) supervisor: Option<Supervisor<I>>,
    /// Why the last IPA is gone, until the supervisor has been told.
    pub(super) failure: Option<CallError>,
    pub(super) setup: Setup,
    pub(super) listener: Listener,
    pub(super) requested: Requested,
    /// What acted in the last frame that was processed.
    pub(super) last: Option<Acted>,
    camera: C,
    /// What acted on the sensor, in the form in which the IPA gets it.
    acted: ControlList,
    ledger: Ledger,
    startup_frames: u32,
    timeout: Option<Duration>,
}

impl<I: CameraIpa, C: Camera> Pipeline<I, C> {
    /// Brings up the camera: initialises the IPA with a tuning file (empty for the one built in),
    /// configures it for the sensor's mode, and starts it with `controls`. If the IPA ends, so does the camera.
    ///
    /// # Errors
    /// [`PipelineError`] if the IPA refuses or cannot be reached, or if there are no buffers.
    pub fn start(
        mut ipa: I,
        mut camera: C,
        tuning: &str,
        controls: &ControlList,
    ) -> Result<Self, PipelineError> {
        let setup = Setup::new(camera.mode(), tuning)?;
        let mut requested = Requested::default();
        requested.remember(controls);
        let ready = setup.bring_up(&mut ipa, controls)?;
        // Blanking first: it makes room for the exposure.
        let (initial, change) = (ready.configured, ready.started);
        camera.write_standby(registers(initial));
        camera.write_standby(registers(change));
        let values = SensorValues {
            exposure: change.exposure.or(initial.exposure).unwrap_or_default(),
            gain: change.gain.or(initial.gain).unwrap_or_default(),
            vblank: change.vblank.or(initial.vblank).unwrap_or_default(),
        };
        Ok(Self {
            ipa: Some(ipa),
            supervisor: None,
            failure: None,
            setup,
            listener: Listener::new(values),
            requested,
            last: None,
            camera,
            acted: ControlList::new(IdMap::V4l2),
            ledger: Ledger::default(),
            startup_frames: ready.startup_frames,
            timeout: None,
        })
    }

    /// As [`start`](Self::start) with the first IPA of `supervisor`, which replaces it whenever it fails: when it ends,
    /// breaks the rules, reports a failure, or has not completed a frame in time.
    ///
    /// Sensor and ISP keep what they have until the next IPA has found its way, which is for as many frames as it says
    /// when it starts. So its start does not show.
    ///
    /// # Errors
    /// As [`start`](Self::start), and [`PipelineError::Start`] if there is no IPA to begin with.
    pub fn supervised(
        mut supervisor: Supervisor<I>,
        camera: C,
        tuning: &str,
        controls: &ControlList,
    ) -> Result<Self, PipelineError> {
        let pipeline = Self::start(supervisor.start()?, camera, tuning, controls)?;
        Ok(Self { supervisor: Some(supervisor), ..pipeline })
    }

    /// Gives up frames after `timeout`, instead of after five times the longest frame that the IPA announces and a second
    /// at least.
    pub fn set_frame_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    /// The IPA; `None` while there is none.
    #[must_use]
    pub fn ipa(&self) -> Option<&I> {
        self.ipa.as_ref()
    }

    /// How often the IPA was replaced.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.supervisor.as_ref().map_or(0, Supervisor::restarts)
    }

    /// What became of the frames so far.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Frames from the start that an application should not see, since exposure and colours are still moving.
    #[must_use]
    pub fn startup_frames(&self) -> u32 {
        self.startup_frames
    }

    /// Events that the IPA has sent so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.listener.events
    }

    /// The statistics buffers.
    #[must_use]
    pub fn buffers(&self) -> &[SharedBuffer] {
        &self.setup.buffers
    }

    /// Takes the next frame under `light` into `image`, with the requests of an application.
    ///
    /// An IPA that does not answer in time loses the frame, which is told in [`Frame::lost`]. In a supervised camera so
    /// does one that fails; it is replaced before the next frame. One that is found dead between two frames costs none.
    ///
    /// # Errors
    /// [`PipelineError`] if the IPA has ended for good, or a buffer cannot be written.
    pub fn frame(
        &mut self,
        light: Light,
        requests: &ControlList,
        image: &mut RgbImage,
    ) -> Result<Frame, PipelineError> {
        let outage = self.attend()?;
        let sequence = self.camera.next_sequence();
        self.ledger.queue();
        self.requested.remember(requests);
        self.camera.write_controls(registers(self.listener.delayed.start_of_frame(sequence)));
        let captured = self.camera.capture(light);
        self.listener.metadata = None;
        let mut times = Times::default();
        let outcome = match outage {
            Some(wait) => Ok(Some(Loss::Outage { wait })),
            None => self.exchange(&captured, requests, &mut times),
        };
        let lost = match outcome {
            Ok(lost) => lost,
            Err(PipelineError::Ipa(error)) if self.supervisor.is_some() => Some(Loss::Ipa(error)),
            Err(error) => {
                self.ledger.lose(Cause::of_end(&error));
                return Err(error);
            }
        };
        let isp = self.listener.isp;
        match &lost {
            None => self.note_processed(&captured, &isp),
            Some(loss) => self.note_lost(sequence, loss),
        }
        let mean_luma = self.camera.process(&isp, image);
        Ok(Frame {
            captured,
            isp,
            metadata: self.listener.metadata.take(),
            mean_luma,
            prepare_time: times.prepare,
            process_time: times.process,
            lost,
        })
    }

    /// Stops the IPA, and returns it. A supervised camera that has none, or whose IPA does not stop in order, is stopped
    /// all the same.
    ///
    /// # Errors
    /// [`PipelineError::Ipa`] if it cannot be reached and the camera is not supervised.
    pub fn stop(mut self) -> Result<Option<I>, PipelineError> {
        let Some(mut ipa) = self.ipa.take() else { return Ok(None) };
        let ids: Vec<u32> = (0..STATISTICS_BUFFERS).map(|index| STATISTICS | index).collect();
        let stopped =
            ipa.stop().and_then(|()| ipa.unmap_buffers(&ids)).and_then(|()| ipa.dispatch(&mut self.listener));
        match stopped {
            Ok(_) => Ok(Some(ipa)),
            Err(error) if self.supervisor.is_some() => {
                tracing::warn!("the IPA did not stop in order: {error}");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the IPA do its part of a frame that was captured. Returns why the frame is lost, if it took too long.
    fn exchange(
        &mut self,
        captured: &CapturedFrame,
        requests: &ControlList,
        times: &mut Times,
    ) -> Result<Option<Loss>, PipelineError> {
        let sequence = captured.sequence;
        let (values, delay_context) = self.listener.delayed.of_frame(sequence);
        self.describe(values, captured);
        let index = sequence as u32 % STATISTICS_BUFFERS;
        // Context and ids wrap; the IPA takes them modulo sixteen, and as names.
        let ipa_context = sequence as u32;
        let buffers = BufferIds { bayer: BAYER | index, embedded: 0, stats: STATISTICS | index };
        let prepare = PrepareParams {
            buffers,
            sensor_controls: std::mem::take(&mut self.acted),
            request_controls: requests.clone(),
            ipa_context,
            delay_context,
        };
        self.listener.prepared = None;
        self.listener.processed = None;
        let start = Instant::now();
        let sent = self.running()?.prepare_isp(&prepare);
        self.acted = prepare.sensor_controls;
        sent?;
        let prepared = self.listen("prepareIsp", start, |listener| listener.prepared == Some(buffers))?;
        times.prepare = start.elapsed();
        if prepared.is_some() && self.supervisor.is_some() {
            // It is replaced: nobody waits for the rest.
            return Ok(prepared);
        }

        let statistics = self.camera.measure(&self.listener.isp);
        self.setup.buffers[index as usize].write(0, bytemuck::bytes_of(&statistics))?;
        let start = Instant::now();
        self.running()?.process_stats(&ProcessParams { buffers, ipa_context })?;
        let processed = self.listen("processStats", start, |listener| listener.processed == Some(buffers))?;
        times.process = start.elapsed();
        Ok(prepared.or(processed))
    }

    fn running(&mut self) -> Result<&mut I, PipelineError> {
        self.ipa.as_mut().ok_or(PipelineError::Over)
    }

    /// A frame is processed: sensor and ISP may be left like this.
    fn note_processed(&mut self, captured: &CapturedFrame, isp: &IspSettings) {
        self.ledger.process();
        self.listener.hold = self.listener.hold.saturating_sub(1);
        self.last = Some(Acted {
            exposure_us: captured.exposure_seconds() * 1e6,
            analogue_gain: captured.gain(),
            colour_gains: [isp.red_gain, isp.blue_gain],
        });
    }

    /// A frame is lost, and with it a supervised IPA.
    fn note_lost(&mut self, sequence: u64, loss: &Loss) {
        self.ledger.lose(loss.cause());
        let reason = match loss {
            Loss::Ipa(error) => error.clone(),
            Loss::TimedOut { method, waited } => CallError::Deadline { method, waited: *waited },
            Loss::Outage { .. } => {
                tracing::debug!("frame {sequence} is lost: {loss}");
                return;
            }
        };
        tracing::warn!("frame {sequence} is lost: {loss}");
        if self.supervisor.is_some() {
            self.fail(reason);
        }
    }

    /// Writes down what acted in a frame, for the IPA.
    fn describe(&mut self, values: SensorValues, captured: &CapturedFrame) {
        self.acted.set(&v4l2::EXPOSURE, values.exposure.cast_signed());
        self.acted.set(&v4l2::ANALOGUE_GAIN, values.gain.cast_signed());
        self.acted.set(&v4l2::VBLANK, values.vblank.cast_signed());
        self.acted.set(&v4l2::HBLANK, hblank(self.camera.mode()).cast_signed());
        self.acted.set(&ids::SENSOR_TIMESTAMP, captured.timestamp_ns.cast_signed());
        // The camera lives in a time of its own, and has no other clock.
        self.acted.set(&ids::FRAME_WALL_CLOCK, captured.timestamp_ns.cast_signed());
    }

    /// Takes events until `done`, or for as long as a frame may take; it is lost then.
    fn listen(
        &mut self,
        method: &'static str,
        start: Instant,
        done: impl Fn(&Listener) -> bool,
    ) -> Result<Option<Loss>, PipelineError> {
        let longest_frame = Duration::from_millis(self.listener.max_frame_length_ms.into());
        let timeout = self.timeout.unwrap_or_else(|| FRAME_TIMEOUT.max(5 * longest_frame));
        let deadline = start + timeout;
        let ipa = self.ipa.as_mut().ok_or(PipelineError::Over)?;
        loop {
            ipa.dispatch(&mut self.listener)?;
            if done(&self.listener) {
                return Ok(None);
            }
            if Instant::now() >= deadline || !ipa.wait(Some(deadline))? {
                return Ok(Some(Loss::TimedOut { method, waited: timeout }));
            }
        }
    }
}

fn registers(change: SensorChange) -> SensorControls {
    SensorControls { exposure_lines: change.exposure, gain_code: change.gain, vblank: change.vblank }
}
