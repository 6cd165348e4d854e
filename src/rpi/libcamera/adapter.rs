//! The IPA itself: calls in the newest interface's terms, passed on in those of 0.0.3.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::controls::SENSOR_TIMESTAMP;
use super::events::{CONTEXTS, Frames, Translator};
use super::modes::Modes;
use super::requests::{Reported, Requests};
use super::{buffers, limits};
use crate::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use crate::interfaces::libcamera_0_0_3::libcamera as old_core;
use crate::interfaces::libcamera_0_0_3::rpi::{self as old, IpaRPi as _};
use crate::interfaces::rpi::{
    ConfigParams, ConfigResult, InitParams, InitResult, IpaRPi, IpaRPiEvents, PrepareParams, ProcessParams,
    SensorConfig, StartResult,
};
use crate::ipc::libcamera::Worker;
use crate::ipc::{CallError, ConnectError, Mode, Options};
use crate::rpi::CameraIpa;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{Control, IdMap};
use crate::serialize::{ControlList, Size};

/// Where the maps of the sensor's and of the ISP's controls are looked for.
const SENSOR: u32 = 0;
/// Likewise.
const ISP: u32 = 1;

/// The controls that acted on the sensor, without which the IPA ends itself.
const ACTED: [&Control<i32>; 4] = [&v4l2::EXPOSURE, &v4l2::ANALOGUE_GAIN, &v4l2::VBLANK, &v4l2::HBLANK];

/// How far the session is. A call out of turn would end the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    New,
    Initialised,
    Configured,
    Started,
}

/// libcamera 0.0.3's Raspberry Pi IPA in its own worker, which to its caller speaks the newest interface.
///
/// Calls that the worker would end itself over return [`CallError::Module`] with the reason, and are not sent:
/// calls out of turn, buffers that are too short, frames of which the sensor's settings are not known. Controls of a
/// request that it cannot take are left out, and told in the log, once each. There is no embedded data: the IPA cannot
/// read that of the sensors which send none.
#[derive(Debug)]
pub struct LibcameraIpa {
    proxy: old::IpaRPiProxy,
    state: State,
    sensor: IpaCameraSensorInfo,
    requests: Requests,
    reported: Reported,
    frames: Frames,
    /// An event that 0.0.3 does not have: the longest frame, in milliseconds, which the IPA tells when it starts.
    timeout: Option<u32>,
}

impl LibcameraIpa {
    /// Starts `worker`.
    ///
    /// # Errors
    /// [`ConnectError`] if there is no such program. That it has no such module only shows when it is called.
    pub fn start(options: &Options, worker: &Worker) -> Result<Self, ConnectError> {
        Ok(Self {
            proxy: old::IpaRPiProxy::libcamera(options, worker)?,
            state: State::New,
            sensor: IpaCameraSensorInfo::default(),
            requests: Requests::default(),
            reported: Reported::default(),
            frames: Frames::default(),
            timeout: None,
        })
    }

    /// Refuses a call that comes too early.
    fn after(&self, state: State, method: &str, earlier: &str) -> Result<(), CallError> {
        if self.state >= state {
            Ok(())
        } else {
            Err(CallError::Module(format!("{method}: {earlier} comes first")))
        }
    }
}

impl IpaRPi for LibcameraIpa {
    /// A tuning file is due, of which the modes are known afterwards.
    fn init(&mut self, settings: &IpaSettings, params: &InitParams) -> Result<(i32, InitResult), CallError> {
        if settings.configuration_file.is_empty() {
            let why = "init: libcamera's IPA has no tuning built in, and no tuning file is named";
            return Err(CallError::Module(why.to_owned()));
        }
        let path = Path::new(&settings.configuration_file);
        let modes = Modes::load(path).map_err(|error| CallError::Module(error.to_string()))?;
        self.requests = Requests::new(modes);
        self.sensor.clone_from(&params.sensor_info);
        let settings = old_core::IpaSettings {
            configuration_file: settings.configuration_file.clone(),
            sensor_model: settings.sensor_model.clone(),
        };
        let (code, result) = self.proxy.init(&settings)?;
        if code != 0 {
            return Ok((code, InitResult::default()));
        }
        self.state = self.state.max(State::Initialised);
        let result = InitResult {
            sensor_config: SensorConfig { sensor_metadata: result.sensor_config.sensor_metadata },
            control_info: limits::translate(&result.control_info, &self.sensor),
        };
        Ok((0, result))
    }

    fn start(&mut self, controls: &ControlList) -> Result<StartResult, CallError> {
        self.after(State::Configured, "start", "configure")?;
        let controls = self.requests.translate(controls, self.reported);
        let started = self.proxy.start(&controls)?;
        self.state = State::Started;
        self.timeout = Some(started.max_sensor_frame_length_ms);
        // It does not tell those that are of no use apart from those that only look wrong.
        Ok(StartResult {
            controls: started.controls,
            startup_frame_count: started.drop_frame_count,
            invalid_frame_count: 0,
        })
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.after(State::Started, "stop", "start")?;
        self.proxy.stop()?;
        self.state = State::Configured;
        Ok(())
    }

    fn configure(
        &mut self,
        sensor_info: &IpaCameraSensorInfo,
        params: &ConfigParams,
    ) -> Result<(i32, ConfigResult), CallError> {
        self.after(State::Initialised, "configure", "init")?;
        if self.state == State::Started {
            return Err(CallError::Module("configure: stop comes first".to_owned()));
        }
        check_mode(sensor_info)?;
        self.sensor.clone_from(sensor_info);
        // Exactly two: it refuses any other number. There is no place for the lens.
        let entities =
            BTreeMap::from([(SENSOR, params.sensor_controls.clone()), (ISP, params.isp_controls.clone())]);
        let config =
            old::IpaConfig { transform: params.transform, ls_table_handle: params.ls_table_handle.clone() };
        // Whatever its answer, what it knew before is no longer of use.
        self.state = State::Initialised;
        let (code, controls, result) =
            self.proxy.configure(&old_sensor_info(sensor_info), &BTreeMap::new(), &entities, &config)?;
        if code != 0 {
            return Ok((code, ConfigResult::default()));
        }
        self.state = State::Configured;
        let result = ConfigResult {
            mode_sensitivity: result.mode_sensitivity,
            control_info: limits::translate(&result.control_info, &self.sensor),
            sensor_controls: controls,
            lens_controls: ControlList::new(IdMap::V4l2),
        };
        Ok((0, result))
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        self.after(State::Initialised, "mapBuffers", "init")?;
        self.proxy.map_buffers(&buffers::translate(buffers)?)
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.after(State::Initialised, "unmapBuffers", "init")?;
        self.proxy.unmap_buffers(ids)
    }

    fn prepare_isp(&mut self, params: &PrepareParams) -> Result<(), CallError> {
        self.after(State::Started, "prepareIsp", "start")?;
        let data = old::IspConfig {
            embedded_buffer_id: 0,
            bayer_buffer_id: params.buffers.bayer,
            embedded_buffer_present: false,
            controls: acted(&params.sensor_controls)?,
            ipa_context: params.ipa_context,
            // It does not check it, and has no more places.
            delay_context: params.delay_context % CONTEXTS,
        };
        let request = self.requests.translate(&params.request_controls, self.reported);
        self.frames.begin(params.buffers);
        // Even without a request: this is where it forgets what it said about the frame before.
        self.proxy.signal_queue_request(&request)?;
        self.proxy.signal_isp_prepare(&data)
    }

    fn process_stats(&mut self, params: &ProcessParams) -> Result<(), CallError> {
        self.after(State::Started, "processStats", "start")?;
        self.proxy.signal_stat_ready(params.buffers.stats, params.ipa_context)
    }
}

impl CameraIpa for LibcameraIpa {
    fn dispatch(&mut self, to: &mut dyn IpaRPiEvents) -> Result<usize, CallError> {
        let mut count = 0;
        if let Some(milliseconds) = self.timeout.take() {
            to.set_camera_timeout(milliseconds);
            count += 1;
        }
        let mut translator = Translator { to, frames: &mut self.frames, reported: &mut self.reported, count };
        self.proxy.dispatch(&mut translator)?;
        Ok(translator.count)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        if self.timeout.is_some() {
            return Ok(true);
        }
        self.proxy.wait(deadline)
    }

    fn mode(&self) -> Mode {
        self.proxy.mode()
    }

    fn worker_pid(&self) -> Option<u32> {
        self.proxy.libcamera_connection()?.worker_pid()
    }

    fn worker_cpu_time(&self) -> Option<Duration> {
        self.proxy.libcamera_connection()?.worker_cpu_time()
    }

    fn note_restarts(&self, restarts: u64) {
        if let Some(connection) = self.proxy.libcamera_connection() {
            connection.note_restarts(restarts);
        }
    }
}

/// What acted on the sensor, and when, in 0.0.3's numbers.
fn acted(new: &ControlList) -> Result<ControlList, CallError> {
    let missing = |error: crate::serialize::controls::ControlError| {
        CallError::Module(format!("prepareIsp: sensorControls: {error}"))
    };
    let mut old = ControlList::new(IdMap::V4l2);
    for control in ACTED {
        old.set(control, new.try_get(control).map_err(missing)?);
    }
    // Without it, no time would pass, and the algorithms would rest.
    old.set(&SENSOR_TIMESTAMP, new.try_get(&ids::SENSOR_TIMESTAMP).map_err(missing)?);
    Ok(old)
}

/// Refuses a mode whose numbers the IPA divides by, and are zero: whole ones end its process.
fn check_mode(sensor: &IpaCameraSensorInfo) -> Result<(), CallError> {
    let Size { width, height } = sensor.output_size;
    if width == 0 || height == 0 {
        let why = format!("configure: sensorInfo: outputSize is {width} × {height}, and neither may be 0");
        return Err(CallError::Module(why));
    }
    if sensor.pixel_rate == 0 {
        return Err(CallError::Module(
            "configure: sensorInfo: pixelRate is 0, which no sensor has".to_owned(),
        ));
    }
    Ok(())
}

fn old_sensor_info(new: &IpaCameraSensorInfo) -> old_core::IpaCameraSensorInfo {
    old_core::IpaCameraSensorInfo {
        model: new.model.clone(),
        bits_per_pixel: new.bits_per_pixel,
        active_area_size: new.active_area_size,
        analog_crop: new.analog_crop,
        output_size: new.output_size,
        pixel_rate: new.pixel_rate,
        min_line_length: new.min_line_length,
        max_line_length: new.max_line_length,
        min_frame_length: new.min_frame_length,
        max_frame_length: new.max_frame_length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_acted_has_to_be_known() {
        let mut new = ControlList::new(IdMap::V4l2);
        for control in ACTED {
            let error = acted(&new).unwrap_err().to_string();
            assert!(error.contains(control.name()), "{error}");
            new.set(control, 7);
        }
        assert!(acted(&new).unwrap_err().to_string().contains("SensorTimestamp"));
        new.set(&ids::SENSOR_TIMESTAMP, 5);
        new.set(&ids::FRAME_WALL_CLOCK, 6);
        let old = acted(&new).unwrap();
        assert_eq!(old.get(&SENSOR_TIMESTAMP), Some(5));
        assert_eq!(old.len(), 5, "47 is another control in 0.0.3");
    }
}
