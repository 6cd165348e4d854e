//! The IPA module: the raspberrypi interface on one side, the [`Controller`] on the other.
//!
//! It runs wherever its proxy puts it, and cannot tell. What it is given by a host is checked as far as
//! the algorithms need it; a call that makes no sense fails with a reason, and never ends the worker.
//!
//! Of the controls that libcamera's Raspberry Pi IPA knows, those are not offered that belong to what this one
//! leaves out: flicker avoidance, focus, HDR, noise reduction, sharpening, the output of statistics. Exposure and
//! gain are fixed by their values and freed by zero or `AeEnable`; there are no modes for each.

use std::collections::BTreeMap;

use super::controller::Controller;
use super::sensor::{DeviceStatus, SensorFacts, SensorMode};
use super::tuning::{Tuning, TuningError};
use super::{controls, lists};
use crate::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use crate::interfaces::rpi::{
    ConfigParams, ConfigResult, InitParams, InitResult, IpaRPi, IpaRPiEvents, PrepareParams, ProcessParams,
    SensorConfig, StartResult,
};
use crate::ipc::CallError;
use crate::rpi::buffers::MappedBuffer;
use crate::rpi::layout::{STATISTICS_BYTES, Statistics};
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{ControlInfoMap, ControlList, IdMap};

/// `-EINVAL`, as the interface reports an unknown sensor.
const EINVAL: i32 = -22;
/// What `configure` reports when mandatory controls are missing.
const MISSING_CONTROLS: i32 = -1;
/// Frames whose context is remembered.
const CONTEXTS: usize = 16;

/// The Raspberry Pi's algorithms as an IPA module.
///
/// ```
/// use ringfence::interfaces::libcamera::IpaSettings;
/// use ringfence::interfaces::rpi::{InitParams, IpaRPi, IpaRPiProxy};
/// use ringfence::ipc::Options;
/// use ringfence::rpi::ipa::module::RaspberryPiIpa;
///
/// let mut ipa = IpaRPiProxy::threaded(&Options::new(), RaspberryPiIpa::new)?;
/// let settings = IpaSettings { sensor_model: "imx219".to_owned(), ..IpaSettings::default() };
/// let (code, result) = ipa.init(&settings, &InitParams::default())?;
/// assert!(code == 0 && !result.control_info.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct RaspberryPiIpa {
    events: Box<dyn IpaRPiEvents + Send>,
    controller: Option<Controller>,
    buffers: BTreeMap<u32, MappedBuffer>,
    /// What acted on the sensor in recent frames, by the context of the frame.
    statuses: [DeviceStatus; CONTEXTS],
    /// Where a frame's statistics are copied before they are looked at.
    statistics: Box<Statistics>,
    // Lists that are sent every frame, kept for their memory.
    isp_controls: ControlList,
    sensor_controls: ControlList,
    metadata: ControlList,
    host: Host,
}

/// Whose pipeline handler is on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// This project's: it knows the controls of our own.
    Ours,
    /// libcamera's: a control that it does not know could end it. It looks for one among those of the module that it
    /// attends to itself, and expects to be told with each frame what the sensor shall do.
    Libcamera,
}

impl std::fmt::Debug for RaspberryPiIpa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RaspberryPiIpa").field("buffers", &self.buffers.keys()).finish_non_exhaustive()
    }
}

impl RaspberryPiIpa {
    /// A module that reports to `events`.
    #[must_use]
    pub fn new(events: Box<dyn IpaRPiEvents + Send>) -> Self {
        Self::serving(Host::Ours, events)
    }

    /// A module that reports to `events` of a libcamera host: only what libcamera knows.
    #[must_use]
    pub fn for_libcamera(events: Box<dyn IpaRPiEvents + Send>) -> Self {
        Self::serving(Host::Libcamera, events)
    }

    fn serving(host: Host, events: Box<dyn IpaRPiEvents + Send>) -> Self {
        Self {
            events,
            controller: None,
            buffers: BTreeMap::new(),
            statuses: [DeviceStatus::default(); CONTEXTS],
            statistics: bytemuck::zeroed_box(),
            isp_controls: ControlList::new(IdMap::V4l2),
            sensor_controls: ControlList::new(IdMap::V4l2),
            metadata: ControlList::new(IdMap::Controls),
            host,
        }
    }

    fn controller(&mut self) -> Result<&mut Controller, CallError> {
        self.controller.as_mut().ok_or_else(|| CallError::Module("init has to succeed first".into()))
    }

    /// What the host is told of, where the algorithms support `map`.
    fn offered(&self, mut map: ControlInfoMap) -> ControlInfoMap {
        if self.host == Host::Libcamera {
            controls::add_those_of_libcamera(&mut map);
        }
        map
    }

    /// Tells how long a frame may take, which the host waits for it at least.
    fn announce_longest_frame(&mut self) -> Result<(), CallError> {
        let [_, longest_us] = self.controller()?.frame_durations_us();
        self.events.set_camera_timeout(u32::try_from(longest_us.max(0) / 1000).unwrap_or(u32::MAX));
        Ok(())
    }
}

impl IpaRPi for RaspberryPiIpa {
    fn init(&mut self, settings: &IpaSettings, _params: &InitParams) -> Result<(i32, InitResult), CallError> {
        // Drivers add where the sensor sits, as in `imx219 10-0010`.
        if !settings.sensor_model.starts_with("imx219") {
            tracing::error!(sensor = settings.sensor_model, "no such sensor is known; imx219 is");
            return Ok((EINVAL, InitResult::default()));
        }
        let tuning = match settings.configuration_file.as_str() {
            "" => Tuning::builtin(),
            path => match Tuning::load(path) {
                Ok(tuning) => tuning,
                // The interface has a number for a tuning of another platform, and none for the other mistakes.
                Err(TuningError::Value { at, .. }) if at == "target" => {
                    tracing::error!("{path} is a tuning for another platform than bcm2835");
                    return Ok((EINVAL, InitResult::default()));
                }
                Err(error) => return Err(CallError::Module(error.to_string())),
            },
        };
        self.controller = Some(Controller::new(tuning, SensorFacts::imx219()));
        let sensor_config = SensorConfig { sensor_metadata: 0 };
        let control_info = self.offered(controls::supported());
        Ok((0, InitResult { sensor_config, control_info }))
    }

    fn start(&mut self, controls: &ControlList) -> Result<StartResult, CallError> {
        let start = self.controller()?.start(&lists::requests(controls));
        lists::write_sensor_controls(&mut self.sensor_controls, start.sensor);
        self.announce_longest_frame()?;
        Ok(StartResult {
            controls: self.sensor_controls.clone(),
            startup_frame_count: i32::try_from(start.drop_frames).unwrap_or(i32::MAX),
            invalid_frame_count: super::controller::MISTRUSTED_FRAMES as i32,
        })
    }

    fn stop(&mut self) -> Result<(), CallError> {
        Ok(())
    }

    fn configure(
        &mut self,
        sensor_info: &IpaCameraSensorInfo,
        params: &ConfigParams,
    ) -> Result<(i32, ConfigResult), CallError> {
        let controller = self.controller()?;
        let sensor = [v4l2::EXPOSURE.id(), v4l2::ANALOGUE_GAIN.id(), v4l2::VBLANK.id(), v4l2::HBLANK.id()];
        if let Some(missing) = missing(&params.sensor_controls, &sensor) {
            tracing::error!("the sensor has no control {missing:#010x}, which is needed");
            return Ok((MISSING_CONTROLS, ConfigResult::default()));
        }
        if let Some(missing) = missing(&params.isp_controls, &controls::ISP) {
            tracing::error!("the ISP has no control {missing:#010x}, which is needed");
            return Ok((MISSING_CONTROLS, ConfigResult::default()));
        }
        let mode = SensorMode {
            height: sensor_info.output_size.height,
            line_seconds: f64::from(sensor_info.min_line_length) / sensor_info.pixel_rate as f64,
            min_frame_length: sensor_info.min_frame_length,
            max_frame_length: sensor_info.max_frame_length,
        };
        let initial = controller.configure(mode);
        let control_info = self.offered(controls::supported_in_mode(&mode, &SensorFacts::imx219()));
        self.sensor_controls.clear();
        if let Some(initial) = initial {
            lists::write_sensor_controls(&mut self.sensor_controls, initial);
        }
        let result = ConfigResult {
            mode_sensitivity: 1.0,
            control_info,
            sensor_controls: self.sensor_controls.clone(),
            lens_controls: ControlList::new(IdMap::V4l2),
        };
        Ok((0, result))
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        for buffer in buffers {
            let invalid = |why: String| CallError::Module(format!("buffer {:#x}: {why}", buffer.id));
            let plane = buffer.planes.first().ok_or_else(|| invalid("it has no planes".into()))?;
            let fd = plane.fd.get().ok_or_else(|| invalid("its first plane has no descriptor".into()))?;
            let mapped = MappedBuffer::map(fd, plane.offset.into(), plane.length as usize);
            self.buffers.insert(buffer.id, mapped.map_err(|error| invalid(error.to_string()))?);
        }
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        for id in ids {
            self.buffers.remove(id);
        }
        Ok(())
    }

    fn prepare_isp(&mut self, params: &PrepareParams) -> Result<(), CallError> {
        let status = lists::device_status(&params.sensor_controls)?;
        self.statuses[params.ipa_context as usize % CONTEXTS] = status;
        let requests = lists::requests(&params.request_controls);
        let settings = self.controller()?.prepare(&status, &requests);
        if requests.frame_duration_limits_us.is_some() {
            self.announce_longest_frame()?;
        }
        lists::write_isp_controls(&mut self.isp_controls, &settings);
        self.events.set_isp_controls(&self.isp_controls);
        self.events.prepare_isp_complete(&params.buffers, false);
        Ok(())
    }

    fn process_stats(&mut self, params: &ProcessParams) -> Result<(), CallError> {
        let status = self.statuses[params.ipa_context as usize % CONTEXTS];
        let copied = match self.buffers.get(&params.buffers.stats) {
            Some(buffer) if buffer.bytes() < STATISTICS_BYTES => {
                Err(format!("it has {} bytes", buffer.bytes()))
            }
            Some(buffer) => buffer
                .read_into(0, bytemuck::bytes_of_mut(&mut *self.statistics))
                .map_err(|error| error.to_string()),
            None => Err("it is not mapped".to_owned()),
        };
        let controller =
            self.controller.as_mut().ok_or_else(|| CallError::Module("init comes first".into()))?;
        let changed = match copied {
            Ok(()) => controller.process(&self.statistics, &status),
            // The frame goes on without: a lost frame costs more than one without statistics.
            Err(why) => {
                tracing::warn!("statistics buffer {:#x}: {why}", params.buffers.stats);
                None
            }
        };
        if let Some(sensor) = changed {
            lists::write_sensor_controls(&mut self.sensor_controls, sensor);
        }
        if changed.is_some() || self.host == Host::Libcamera {
            let context = params.ipa_context % CONTEXTS as u32;
            self.events.set_delayed_controls(&self.sensor_controls, context);
        }
        lists::write_metadata(&mut self.metadata, controller.metadata());
        if self.host == Host::Ours {
            lists::write_vendor_metadata(&mut self.metadata, controller.metadata());
        }
        self.events.metadata_ready(&self.metadata);
        self.events.process_stats_complete(&params.buffers);
        Ok(())
    }
}

/// The first of `ids` that the map lacks.
fn missing(map: &ControlInfoMap, ids: &[u32]) -> Option<u32> {
    ids.iter().copied().find(|&id| !map.contains(id))
}
