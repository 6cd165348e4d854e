//! What an IPA is told before the first frame, whether it is the camera's first IPA or a later one.

use super::PipelineError;
use super::delayed_controls::SensorChange;
use super::sensor_info::{MODEL, isp_controls, sensor_controls, sensor_info};
use crate::interfaces::libcamera::{IpaBuffer, IpaSettings};
use crate::interfaces::rpi::{ConfigParams, InitParams, MAX_LS_GRID_SIZE};
use crate::rpi::camera::{BufferError, SensorMode, SharedBuffer};
use crate::rpi::camera_ipa::CameraIpa;
use crate::rpi::layout::STATISTICS_BYTES;
use crate::serialize::ControlList;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::{Plane, SharedFd};

/// Buffer ids: the kind of buffer, or'ed with its index.
pub(super) const STATISTICS: u32 = 0x01_0000;

/// Statistics buffers, used in turn. So many that the late completion of a lost frame is not taken for that of a
/// frame which has the same buffer.
pub(super) const STATISTICS_BUFFERS: u32 = 8;

/// Shortest frame that the application is content with, in microseconds.
const MIN_FRAME_DURATION_US: f32 = 1_000_000.0 / 30.0;

/// All that outlives an IPA and the next one needs again.
#[derive(Debug)]
pub(super) struct Setup {
    mode: SensorMode,
    tuning: String,
    /// The IPA writes its table there. The virtual lens has no shading that would have to be corrected, so nobody reads
    /// it.
    lens_shading: SharedBuffer,
    /// The statistics buffers.
    pub buffers: Vec<SharedBuffer>,
}

/// What an IPA says once it is ready.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    /// What the sensor shall be set to first.
    pub configured: SensorChange,
    /// What it shall be set to next.
    pub started: SensorChange,
    /// Frames that an application should not see.
    pub startup_frames: u32,
}

impl Setup {
    pub fn new(mode: SensorMode, tuning: &str) -> Result<Self, PipelineError> {
        let buffer = |_| SharedBuffer::allocate("ringfence-statistics", STATISTICS_BYTES);
        let buffers: Vec<_> = (0..STATISTICS_BUFFERS).map(buffer).collect::<Result<_, _>>()?;
        for refusal in buffers.iter().take(1).flat_map(SharedBuffer::refusals) {
            tracing::info!("statistics buffers: {refusal}");
        }
        let lens_shading = SharedBuffer::allocate("ringfence-lens-shading", MAX_LS_GRID_SIZE as usize)?;
        Ok(Self { mode, tuning: tuning.to_owned(), lens_shading, buffers })
    }

    /// Initialises an IPA, configures it, starts it with `controls` and maps the buffers.
    pub fn bring_up<I: CameraIpa>(
        &self,
        ipa: &mut I,
        controls: &ControlList,
    ) -> Result<Ready, PipelineError> {
        let info = sensor_info(self.mode);
        let settings =
            IpaSettings { configuration_file: self.tuning.clone(), sensor_model: MODEL.to_owned() };
        let params = InitParams {
            lens_present: false,
            sensor_info: info.clone(),
            controller_min_frame_duration_us: MIN_FRAME_DURATION_US,
            fe: SharedFd::none(),
            be: SharedFd::none(),
        };
        check("init", ipa.init(&settings, &params)?.0)?;
        let params = ConfigParams {
            transform: 0,
            sensor_controls: sensor_controls(self.mode),
            isp_controls: isp_controls(),
            lens_controls: Default::default(),
            ls_table_handle: share(&self.lens_shading)?,
        };
        let (code, configured) = ipa.configure(&info, &params)?;
        check("configure", code)?;
        let started = ipa.start(controls)?;
        ipa.map_buffers(&self.described()?)?;
        Ok(Ready {
            configured: sensor_change(&configured.sensor_controls),
            started: sensor_change(&started.controls),
            startup_frames: u32::try_from(started.startup_frame_count).unwrap_or(0),
        })
    }

    /// The statistics buffers, for the IPA.
    fn described(&self) -> Result<Vec<IpaBuffer>, BufferError> {
        let describe = |(index, buffer)| {
            let plane = Plane { fd: share(buffer)?, offset: 0, length: STATISTICS_BYTES as u32 };
            Ok(IpaBuffer { id: STATISTICS | index, planes: vec![plane] })
        };
        (0..).zip(&self.buffers).map(describe).collect()
    }
}

fn check(method: &'static str, code: i32) -> Result<(), PipelineError> {
    if code == 0 { Ok(()) } else { Err(PipelineError::Refused { method, code }) }
}

/// What a list says about the sensor.
pub(super) fn sensor_change(controls: &ControlList) -> SensorChange {
    let value = |control| controls.get(control).and_then(|value| u32::try_from(value).ok());
    SensorChange {
        exposure: value(&v4l2::EXPOSURE),
        gain: value(&v4l2::ANALOGUE_GAIN),
        vblank: value(&v4l2::VBLANK),
    }
}

/// The descriptor of a buffer, for the IPA.
fn share(buffer: &SharedBuffer) -> Result<SharedFd, BufferError> {
    let (call, bytes) = ("fcntl(F_DUPFD_CLOEXEC)", buffer.bytes());
    let fd = rustix::io::fcntl_dupfd_cloexec(buffer, 3);
    fd.map(SharedFd::from).map_err(|errno| BufferError::System { call, bytes, errno })
}
