//! A module of the vimc interface that behaves as the reference one, and a worker that serves it.

use std::collections::BTreeMap;

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvents, TestFlag, serve};
use ringfence::ipc::{CallError, Component, Endpoint, ServeError, Worker, run_if_worker};
use ringfence::rpi::camera::MappedBuffer;
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};

/// `-EINVAL`.
const EINVAL: i32 = -22;

/// A frame number that makes `queueRequest` fail, which the reference module never does.
pub const REFUSED_FRAME: u32 = u32::MAX;

/// A buffer id that ends the process in `computeParams`.
pub const DEADLY_BUFFER: u32 = u32::MAX;

/// The module.
pub struct Vimc {
    events: Box<dyn IpaVimcEvents + Send>,
    trace: SharedFd,
    buffers: BTreeMap<u32, MappedBuffer>,
}

impl Vimc {
    /// A module that reports to `events`.
    pub fn new(events: Box<dyn IpaVimcEvents + Send>) -> Self {
        Self { events, trace: SharedFd::none(), buffers: BTreeMap::new() }
    }

    fn trace(&self, code: IpaOperationCode) {
        if let Some(fd) = self.trace.get() {
            rustix::io::write(fd, &i32::from(code).to_le_bytes()).expect("the trace can be written");
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
        let ret = if std::fs::File::open(&settings.configuration_file).is_ok() { 0 } else { EINVAL };
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
            let plane = buffer.planes.first().ok_or_else(|| refuse("it has no planes".into()))?;
            let fd = plane.fd.get().ok_or_else(|| refuse("it has no descriptor".into()))?;
            let mapped = MappedBuffer::map(fd, plane.offset.into(), plane.length as usize);
            self.buffers.insert(buffer.id, mapped.map_err(|error| refuse(error.to_string()))?);
        }
        Ok(())
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        for id in ids {
            self.buffers.remove(id);
        }
        Ok(())
    }

    fn queue_request(&mut self, frame: u32, _controls: &ControlList) -> Result<(), CallError> {
        match frame {
            REFUSED_FRAME => Err(CallError::Module("there is no such frame".into())),
            _ => Ok(()),
        }
    }

    fn compute_params(&mut self, _frame: u32, buffer_id: u32) -> Result<(), CallError> {
        if buffer_id == DEADLY_BUFFER {
            std::process::exit(3);
        }
        if self.buffers.contains_key(&buffer_id) {
            self.events.params_computed(buffer_id, Flags::empty());
        }
        Ok(())
    }
}

fn serve_vimc(endpoint: Endpoint) -> Result<(), ServeError> {
    serve(endpoint, Vimc::new)
}

/// What the test's executable does when it is started as a worker; for a test named `worker_entry`.
pub fn serve_if_worker() {
    if run_if_worker(&[Component { name: "vimc", serve: serve_vimc }]).is_some() {
        std::process::exit(0);
    }
}

/// This executable as a worker.
pub fn worker() -> Worker {
    let own = std::env::current_exe().expect("the executable has a path");
    Worker::component("vimc").program(own).args(["--exact", "worker_entry", "--nocapture"])
}

/// A buffer of one page, with a descriptor of its own.
pub fn buffer(id: u32) -> IpaBuffer {
    let memory = rustix::fs::memfd_create("buffer", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
    rustix::fs::ftruncate(&memory, 4096).expect("a memfd can grow");
    let plane = ringfence::serialize::Plane { fd: memory.into(), offset: 0, length: 4096 };
    IpaBuffer { id, planes: vec![plane] }
}
