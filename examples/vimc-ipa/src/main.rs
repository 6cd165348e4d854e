//! An IPA for libcamera's virtual camera, in a worker that a libcamera host starts.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::vimc::{self, IpaOperationCode, IpaVimc, IpaVimcEvents, TestFlag};
use ringfence::ipc::{CallError, libcamera};
use ringfence::serialize::controls::ids::controls::BRIGHTNESS;
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};

type Answer<T> = Result<T, CallError>;

struct Ipa {
    events: Box<dyn IpaVimcEvents + Send>,
    mapped: BTreeSet<u32>,
}

#[rustfmt::skip]
impl IpaVimc for Ipa {
    fn init(&mut self, settings: &IpaSettings, _trace: &SharedFd, _code: IpaOperationCode, flags: Flags<TestFlag>)
    -> Answer<(i32, Flags<TestFlag>)> {
        tracing::info!("{} has the tuning {:?}", settings.sensor_model, settings.configuration_file);
        Ok((0, flags))
    }
    fn configure(&mut self, sensor: &IpaCameraSensorInfo, streams: &BTreeMap<u32, IpaStream>,
                 _devices: &BTreeMap<u32, ControlInfoMap>) -> Answer<i32> {
        tracing::info!("{:?}, {} streams", sensor.output_size, streams.len());
        Ok(0)
    }
    fn start(&mut self) -> Answer<i32> {
        Ok(0)
    }
    fn stop(&mut self) -> Answer<()> {
        Ok(())
    }
    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Answer<()> {
        self.mapped.extend(buffers.iter().map(|buffer| buffer.id));
        Ok(())
    }
    fn unmap_buffers(&mut self, ids: &[u32]) -> Answer<()> {
        self.mapped.retain(|id| !ids.contains(id));
        Ok(())
    }
    fn queue_request(&mut self, frame: u32, controls: &ControlList) -> Answer<()> {
        tracing::info!("frame {frame}: brightness {:?}", controls.get(&BRIGHTNESS));
        Ok(())
    }
    fn compute_params(&mut self, _frame: u32, buffer_id: u32) -> Answer<()> {
        if self.mapped.contains(&buffer_id) {
            self.events.params_computed(buffer_id, Flags::empty());
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    libcamera::log_to_stderr();
    libcamera::run(|host| vimc::serve_libcamera(host, |events| Ipa { events, mapped: BTreeSet::new() }))
}
