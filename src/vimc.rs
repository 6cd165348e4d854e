//! The module of the vimc interface, which exists to test the machinery: it does what libcamera's own does.
//!
//! The program `vimc_ipa_proxy` serves it to libcamera hosts, and tests serve it to ours. It must never know who calls it.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use crate::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvents, TestFlag};
use crate::ipc::CallError;
use crate::rpi::buffers::MappedBuffer;
use crate::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};

/// `-EINVAL`: what `init` answers if the configuration file cannot be opened.
const EINVAL: i32 = -22;

/// The module.
///
/// Of what it is asked to do it leaves a trace, for whoever passed a descriptor to `init`: the number of each `init`,
/// `start` and `stop`, four bytes in the order of the machine, before the answer.
///
/// ```
/// use std::os::fd::AsFd;
/// use ringfence::interfaces::libcamera::IpaBuffer;
/// use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvent, IpaVimcProxy};
/// use ringfence::ipc::Options;
/// use ringfence::rpi::camera::SharedBuffer;
/// use ringfence::serialize::{Flags, Plane};
/// use ringfence::vimc::Vimc;
///
/// let mut module = IpaVimcProxy::threaded(&Options::new(), Vimc::new)?;
/// let buffer = SharedBuffer::allocate("example", 4096)?;
/// let fd = buffer.as_fd().try_clone_to_owned()?.into();
/// module.map_buffers(&[IpaBuffer { id: 7, planes: vec![Plane { fd, offset: 0, length: 4096 }] }])?;
///
/// module.compute_params(0, 7)?;
/// module.wait(None)?;
/// let computed = IpaVimcEvent::ParamsComputed { buffer_id: 7, flags: Flags::empty() };
/// assert_eq!(module.next_event()?, Some(computed));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Vimc {
    events: Box<dyn IpaVimcEvents + Send>,
    trace: SharedFd,
    buffers: BTreeMap<u32, Vec<MappedBuffer>>,
}

impl std::fmt::Debug for Vimc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vimc").field("buffers", &self.buffers.keys()).finish_non_exhaustive()
    }
}

impl Vimc {
    /// A module that reports to `events`.
    #[must_use]
    pub fn new(events: Box<dyn IpaVimcEvents + Send>) -> Self {
        Self { events, trace: SharedFd::none(), buffers: BTreeMap::new() }
    }

    fn trace(&self, code: IpaOperationCode) {
        let Some(fd) = self.trace.get() else { return };
        let bytes = i32::from(code).to_ne_bytes();
        match rustix::io::retry_on_intr(|| rustix::io::write(fd, &bytes)) {
            Ok(written) if written == bytes.len() => {}
            Ok(written) => tracing::error!("the trace of {code:?} was cut off after {written} bytes"),
            Err(errno) => tracing::error!("the trace of {code:?} could not be written: {errno}"),
        }
    }
}

impl IpaVimc for Vimc {
    fn init(
        &mut self,
        settings: &IpaSettings,
        trace_fd: &SharedFd,
        _code: IpaOperationCode,
        _in_flags: Flags<TestFlag>,
    ) -> Result<(i32, Flags<TestFlag>), CallError> {
        self.trace = trace_fd.clone();
        self.trace(IpaOperationCode::IpaOperationInit);
        let path = &settings.configuration_file;
        let ret = match std::fs::File::open(path) {
            Ok(_) => 0,
            Err(error) => {
                tracing::error!("the configuration file {path:?} cannot be opened: {error}");
                EINVAL
            }
        };
        Ok((ret, TestFlag::Flag1.into()))
    }

    fn configure(
        &mut self,
        _sensor_info: &IpaCameraSensorInfo,
        _stream_config: &BTreeMap<u32, IpaStream>,
        _entity_controls: &BTreeMap<u32, ControlInfoMap>,
    ) -> Result<i32, CallError> {
        Ok(0)
    }

    fn start(&mut self) -> Result<i32, CallError> {
        self.trace(IpaOperationCode::IpaOperationStart);
        Ok(0)
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.trace(IpaOperationCode::IpaOperationStop);
        Ok(())
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        for buffer in buffers {
            let refuse = |why: String| CallError::Module(format!("buffer {}: {why}", buffer.id));
            if buffer.planes.is_empty() {
                return Err(refuse("it has no planes".into()));
            }
            let mapped = buffer.planes.iter().map(|plane| {
                let fd = plane.fd.get().ok_or_else(|| refuse("a plane has no descriptor".into()))?;
                let mapped = MappedBuffer::map(fd, plane.offset.into(), plane.length as usize);
                mapped.map_err(|error| refuse(error.to_string()))
            });
            self.buffers.insert(buffer.id, mapped.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        for id in ids {
            self.buffers.remove(id);
        }
        Ok(())
    }

    fn queue_request(&mut self, _frame: u32, _controls: &ControlList) -> Result<(), CallError> {
        Ok(())
    }

    fn compute_params(&mut self, _frame: u32, buffer_id: u32) -> Result<(), CallError> {
        if self.buffers.contains_key(&buffer_id) {
            self.events.params_computed(buffer_id, Flags::empty());
        } else {
            tracing::error!("buffer {buffer_id} is not mapped");
        }
        Ok(())
    }
}
