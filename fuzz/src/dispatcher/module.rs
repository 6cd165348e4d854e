//! Modules that keep what they are given, and send it back.

use std::collections::BTreeMap;

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::{libcamera_0_0_3 as old, rpi, vimc};
use ringfence::ipc::CallError;
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};

/// The Raspberry Pi's.
pub struct Rpi {
    pub events: Box<dyn rpi::IpaRPiEvents + Send>,
    pub buffers: Vec<IpaBuffer>,
}

impl rpi::IpaRPi for Rpi {
    fn init(&mut self, _: &IpaSettings, _: &rpi::InitParams) -> Result<(i32, rpi::InitResult), CallError> {
        Ok((0, rpi::InitResult::default()))
    }

    fn start(&mut self, controls: &ControlList) -> Result<rpi::StartResult, CallError> {
        self.events.set_isp_controls(controls);
        Ok(rpi::StartResult { controls: controls.clone(), ..Default::default() })
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.events.set_camera_timeout(1);
        Ok(())
    }

    fn configure(
        &mut self,
        _: &IpaCameraSensorInfo,
        _: &rpi::ConfigParams,
    ) -> Result<(i32, rpi::ConfigResult), CallError> {
        Ok((0, rpi::ConfigResult::default()))
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        self.buffers.extend_from_slice(buffers);
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.buffers.retain(|buffer| !ids.contains(&buffer.id));
        Ok(())
    }

    fn prepare_isp(&mut self, params: &rpi::PrepareParams) -> Result<(), CallError> {
        self.events.set_delayed_controls(&params.sensor_controls, params.delay_context);
        self.events.metadata_ready(&params.request_controls);
        self.events.prepare_isp_complete(&params.buffers, true);
        Ok(())
    }

    fn process_stats(&mut self, params: &rpi::ProcessParams) -> Result<(), CallError> {
        self.events.process_stats_complete(&params.buffers);
        Ok(())
    }
}

/// That of libcamera 0.0.3.
pub struct OldRpi {
    pub events: Box<dyn old::rpi::IpaRPiEvents + Send>,
    pub buffers: Vec<old::libcamera::IpaBuffer>,
}

impl old::rpi::IpaRPi for OldRpi {
    fn init(&mut self, _: &old::libcamera::IpaSettings) -> Result<(i32, old::rpi::IpaInitResult), CallError> {
        Ok((0, old::rpi::IpaInitResult::default()))
    }

    fn start(&mut self, controls: &ControlList) -> Result<old::rpi::StartConfig, CallError> {
        self.events.set_isp_controls(controls);
        Ok(old::rpi::StartConfig::default())
    }

    fn stop(&mut self) -> Result<(), CallError> {
        Ok(())
    }

    fn configure(
        &mut self,
        _: &old::libcamera::IpaCameraSensorInfo,
        _: &BTreeMap<u32, old::libcamera::IpaStream>,
        _: &BTreeMap<u32, ControlInfoMap>,
        _: &old::rpi::IpaConfig,
    ) -> Result<(i32, ControlList, old::rpi::IpaConfigResult), CallError> {
        Ok((0, ControlList::default(), old::rpi::IpaConfigResult::default()))
    }

    fn map_buffers(&mut self, buffers: &[old::libcamera::IpaBuffer]) -> Result<(), CallError> {
        self.buffers.extend_from_slice(buffers);
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.buffers.retain(|buffer| !ids.contains(&buffer.id));
        Ok(())
    }

    fn signal_stat_ready(&mut self, buffer_id: u32, _: u32) -> Result<(), CallError> {
        self.events.run_isp(buffer_id);
        Ok(())
    }

    fn signal_queue_request(&mut self, controls: &ControlList) -> Result<(), CallError> {
        self.events.stats_metadata_complete(0, controls);
        Ok(())
    }

    fn signal_isp_prepare(&mut self, data: &old::rpi::IspConfig) -> Result<(), CallError> {
        self.events.set_delayed_controls(&data.controls, data.delay_context);
        Ok(())
    }
}

/// That of the virtual camera, whose `init` has a descriptor.
pub struct Vimc {
    pub events: Box<dyn vimc::IpaVimcEvents + Send>,
    pub trace: SharedFd,
    pub buffers: Vec<IpaBuffer>,
}

impl vimc::IpaVimc for Vimc {
    fn init(
        &mut self,
        _: &IpaSettings,
        trace_fd: &SharedFd,
        _: vimc::IpaOperationCode,
        in_flags: Flags<vimc::TestFlag>,
    ) -> Result<(i32, Flags<vimc::TestFlag>), CallError> {
        self.trace = trace_fd.clone();
        Ok((0, in_flags))
    }

    fn configure(
        &mut self,
        _: &IpaCameraSensorInfo,
        streams: &BTreeMap<u32, IpaStream>,
        controls: &BTreeMap<u32, ControlInfoMap>,
    ) -> Result<i32, CallError> {
        Ok((streams.len() + controls.len()) as i32)
    }

    fn start(&mut self) -> Result<i32, CallError> {
        Ok(0)
    }

    fn stop(&mut self) -> Result<(), CallError> {
        Ok(())
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        self.buffers.extend_from_slice(buffers);
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.buffers.retain(|buffer| !ids.contains(&buffer.id));
        Ok(())
    }

    fn queue_request(&mut self, _: u32, _: &ControlList) -> Result<(), CallError> {
        Ok(())
    }

    fn compute_params(&mut self, _: u32, buffer_id: u32) -> Result<(), CallError> {
        self.events.params_computed(buffer_id, Flags::default());
        Ok(())
    }
}
