//! One camera, from the proxy of its IPA to finished pictures.

use std::time::{Duration, Instant};

use image::RgbImage;

use super::delayed_controls::{DelayedControls, SensorChange, SensorValues};
use super::ipa::CameraIpa;
use super::listener::Listener;
use super::sensor_info::{MODEL, hblank, isp_controls, sensor_controls, sensor_info};
use crate::interfaces::libcamera::{IpaBuffer, IpaSettings};
use crate::interfaces::rpi::{
    BufferIds, ConfigParams, InitParams, IpaRPiProxy, MAX_LS_GRID_SIZE, PrepareParams, ProcessParams,
};
use crate::ipc::CallError;
use crate::rpi::camera::{
    BufferError, Camera, CapturedFrame, IspSettings, Light, SensorControls, SharedBuffer, VirtualCamera,
};
use crate::rpi::layout::STATISTICS_BYTES;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{ControlList, IdMap};
use crate::serialize::{Plane, SharedFd};

/// Buffer ids: the kind of buffer, or'ed with its index.
const STATISTICS: u32 = 0x01_0000;
const BAYER: u32 = 0x04_0000;

/// Statistics buffers, used in turn. So many that the late completion of a lost frame is not taken for that of a
/// frame which has the same buffer.
const STATISTICS_BUFFERS: u32 = 8;

/// Shortest frame that the application is content with, in microseconds.
const MIN_FRAME_DURATION_US: f32 = 1_000_000.0 / 30.0;

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
    /// Whether both were completed, with the buffers that were sent.
    pub complete: bool,
}

/// A camera that runs, with its IPA.
#[derive(Debug)]
pub struct Pipeline<I = IpaRPiProxy, C = VirtualCamera> {
    ipa: I,
    camera: C,
    buffers: Vec<SharedBuffer>,
    listener: Listener,
    /// What acted on the sensor, in the form in which the IPA gets it.
    acted: ControlList,
    startup_frames: u32,
}

impl<I: CameraIpa, C: Camera> Pipeline<I, C> {
    /// Brings up the camera: initialises the IPA with a tuning file (empty for the one built in),
    /// configures it for the sensor's mode, and starts it with `controls`.
    ///
    /// # Errors
    /// [`PipelineError`] if the IPA refuses or cannot be reached, or if there are no buffers.
    pub fn start(
        mut ipa: I,
        mut camera: C,
        tuning: &str,
        controls: &ControlList,
    ) -> Result<Self, PipelineError> {
        let mode = camera.mode();
        let info = sensor_info(mode);
        let settings = IpaSettings { configuration_file: tuning.to_owned(), sensor_model: MODEL.to_owned() };
        let params = InitParams {
            lens_present: false,
            sensor_info: info.clone(),
            controller_min_frame_duration_us: MIN_FRAME_DURATION_US,
            fe: SharedFd::none(),
            be: SharedFd::none(),
        };
        check("init", ipa.init(&settings, &params)?.0)?;

        // The IPA writes its table there. The virtual lens has no shading that would have to be corrected, so nobody
        // reads it; and the IPA keeps the memory for as long as it wants.
        let table = SharedBuffer::allocate("ringfence-lens-shading", MAX_LS_GRID_SIZE as usize)?;
        let params = ConfigParams {
            transform: 0,
            sensor_controls: sensor_controls(mode),
            isp_controls: isp_controls(),
            lens_controls: Default::default(),
            ls_table_handle: share(&table)?,
        };
        let (code, configured) = ipa.configure(&info, &params)?;
        check("configure", code)?;
        // Blanking first: it makes room for the exposure.
        let initial = sensor_change(&configured.sensor_controls);
        camera.write_standby(registers(initial));

        let started = ipa.start(controls)?;
        let change = sensor_change(&started.controls);
        camera.write_standby(registers(change));
        let values = SensorValues {
            exposure: change.exposure.or(initial.exposure).unwrap_or_default(),
            gain: change.gain.or(initial.gain).unwrap_or_default(),
            vblank: change.vblank.or(initial.vblank).unwrap_or_default(),
        };

        let (buffers, mapped) = allocate()?;
        ipa.map_buffers(&mapped)?;
        Ok(Self {
            ipa,
            camera,
            buffers,
            listener: Listener {
                isp: IspSettings::default(),
                delayed: DelayedControls::new(values),
                metadata: None,
                prepared: None,
                processed: None,
                max_frame_length_ms: 0,
                events: 0,
            },
            acted: ControlList::new(IdMap::V4l2),
            startup_frames: u32::try_from(started.startup_frame_count).unwrap_or(0),
        })
    }

    /// The IPA.
    #[must_use]
    pub fn ipa(&self) -> &I {
        &self.ipa
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
        &self.buffers
    }

    /// Takes the next frame under `light` into `image`, with the requests of an application.
    ///
    /// An IPA that does not answer in time loses the frame, which is told in [`Frame::complete`].
    ///
    /// # Errors
    /// [`PipelineError`] if the IPA has ended, or a buffer cannot be written.
    pub fn frame(
        &mut self,
        light: Light,
        requests: &ControlList,
        image: &mut RgbImage,
    ) -> Result<Frame, PipelineError> {
        let sequence = self.camera.next_sequence();
        self.camera.write_controls(registers(self.listener.delayed.start_of_frame(sequence)));
        let captured = self.camera.capture(light);
        let (values, delay_context) = self.listener.delayed.of_frame(sequence);
        self.describe(values, &captured);

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
        self.listener.metadata = None;
        let start = Instant::now();
        self.ipa.prepare_isp(&prepare)?;
        self.acted = prepare.sensor_controls;
        let prepared =
            self.listen(sequence, "prepareIsp", start, |listener| listener.prepared == Some(buffers))?;
        let prepare_time = start.elapsed();

        let isp = self.listener.isp;
        let statistics = self.camera.measure(&isp);
        self.buffers[index as usize].write(0, bytemuck::bytes_of(&statistics))?;
        let start = Instant::now();
        self.ipa.process_stats(&ProcessParams { buffers, ipa_context })?;
        let processed =
            self.listen(sequence, "processStats", start, |listener| listener.processed == Some(buffers))?;
        let process_time = start.elapsed();
        let mean_luma = self.camera.process(&isp, image);

        Ok(Frame {
            captured,
            isp,
            metadata: self.listener.metadata.take(),
            mean_luma,
            prepare_time,
            process_time,
            complete: prepared && processed,
        })
    }

    /// Stops the IPA, and returns it.
    ///
    /// # Errors
    /// [`PipelineError::Ipa`] if it cannot be reached.
    pub fn stop(mut self) -> Result<I, PipelineError> {
        self.ipa.stop()?;
        let ids: Vec<u32> = (0..STATISTICS_BUFFERS).map(|index| STATISTICS | index).collect();
        self.ipa.unmap_buffers(&ids)?;
        self.ipa.dispatch(&mut self.listener)?;
        Ok(self.ipa)
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

    /// Takes events until `done`, or for as long as a frame may take. Returns whether it is done.
    fn listen(
        &mut self,
        sequence: u64,
        method: &str,
        start: Instant,
        done: impl Fn(&Listener) -> bool,
    ) -> Result<bool, PipelineError> {
        let timeout = FRAME_TIMEOUT.max(5 * Duration::from_millis(self.listener.max_frame_length_ms.into()));
        loop {
            self.ipa.dispatch(&mut self.listener)?;
            if done(&self.listener) {
                return Ok(true);
            }
            let deadline = start + timeout;
            if Instant::now() >= deadline || !self.ipa.wait(Some(deadline))? {
                tracing::warn!(
                    "frame {sequence} is lost: the IPA did not complete {method} within {timeout:?}"
                );
                return Ok(false);
            }
        }
    }
}

fn check(method: &'static str, code: i32) -> Result<(), PipelineError> {
    if code == 0 { Ok(()) } else { Err(PipelineError::Refused { method, code }) }
}

fn sensor_change(controls: &ControlList) -> SensorChange {
    let value = |control| controls.get(control).and_then(|value| u32::try_from(value).ok());
    SensorChange {
        exposure: value(&v4l2::EXPOSURE),
        gain: value(&v4l2::ANALOGUE_GAIN),
        vblank: value(&v4l2::VBLANK),
    }
}

fn registers(change: SensorChange) -> SensorControls {
    SensorControls { exposure_lines: change.exposure, gain_code: change.gain, vblank: change.vblank }
}

/// Statistics buffers, and what the IPA is told about them.
fn allocate() -> Result<(Vec<SharedBuffer>, Vec<IpaBuffer>), PipelineError> {
    let mut buffers = Vec::new();
    let mut mapped = Vec::new();
    for index in 0..STATISTICS_BUFFERS {
        let buffer = SharedBuffer::allocate("ringfence-statistics", STATISTICS_BYTES)?;
        let plane = Plane { fd: share(&buffer)?, offset: 0, length: STATISTICS_BYTES as u32 };
        mapped.push(IpaBuffer { id: STATISTICS | index, planes: vec![plane] });
        buffers.push(buffer);
    }
    for refusal in buffers.iter().take(1).flat_map(SharedBuffer::refusals) {
        tracing::info!("statistics buffers: {refusal}");
    }
    Ok((buffers, mapped))
}

/// The descriptor of a buffer, for the IPA.
fn share(buffer: &SharedBuffer) -> Result<SharedFd, BufferError> {
    let (call, bytes) = ("fcntl(F_DUPFD_CLOEXEC)", buffer.bytes());
    let fd = rustix::io::fcntl_dupfd_cloexec(buffer, 3);
    fd.map(SharedFd::from).map_err(|errno| BufferError::System { call, bytes, errno })
}
