//! The module of the vimc interface, made to fail where a test asks for it, and a worker that serves it.

use std::collections::BTreeMap;

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvents, TestFlag, serve};
use ringfence::ipc::{CallError, Component, Endpoint, ServeError, Worker, run_if_worker};
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};
use ringfence::vimc;

/// A frame number that makes `queueRequest` fail, which it never does by itself.
pub const REFUSED_FRAME: u32 = u32::MAX;

/// A buffer id that ends the process in `computeParams`.
pub const DEADLY_BUFFER: u32 = u32::MAX;

/// [`vimc::Vimc`], with what a test needs to see it fail.
pub struct Vimc(vimc::Vimc);

impl Vimc {
    /// A module that reports to `events`.
    pub fn new(events: Box<dyn IpaVimcEvents + Send>) -> Self {
        Self(vimc::Vimc::new(events))
    }
}

impl IpaVimc for Vimc {
    fn init(
        &mut self,
        settings: &IpaSettings,
        trace_fd: &SharedFd,
        code: IpaOperationCode,
        in_flags: Flags<TestFlag>,
    ) -> Result<(i32, Flags<TestFlag>), CallError> {
        self.0.init(settings, trace_fd, code, in_flags)
    }

    fn configure(
        &mut self,
        sensor_info: &IpaCameraSensorInfo,
        stream_config: &BTreeMap<u32, IpaStream>,
        entity_controls: &BTreeMap<u32, ControlInfoMap>,
    ) -> Result<i32, CallError> {
        self.0.configure(sensor_info, stream_config, entity_controls)
    }

    fn start(&mut self) -> Result<i32, CallError> {
        self.0.start()
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.0.stop()
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        self.0.map_buffers(buffers)
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.0.unmap_buffers(ids)
    }

    fn queue_request(&mut self, frame: u32, controls: &ControlList) -> Result<(), CallError> {
        match frame {
            REFUSED_FRAME => Err(CallError::Module("there is no such frame".into())),
            _ => self.0.queue_request(frame, controls),
        }
    }

    fn compute_params(&mut self, frame: u32, buffer_id: u32) -> Result<(), CallError> {
        if buffer_id == DEADLY_BUFFER {
            std::process::exit(3);
        }
        self.0.compute_params(frame, buffer_id)
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

/// This executable as a worker, in its test `worker_entry`.
#[allow(dead_code, reason = "not every test needs a worker without a name")]
pub fn worker() -> Worker {
    worker_named("worker_entry")
}

/// This executable as a worker, in this test of it.
pub fn worker_named(test: &str) -> Worker {
    let own = std::env::current_exe().expect("the executable has a path");
    let worker = Worker::component("vimc").program(own).args(["--exact", test, "--nocapture"]);
    // It opens a file in each call of `init`, of which there may be some.
    worker.loads_until("configure")
}

/// A buffer of one page, with a descriptor of its own.
pub fn buffer(id: u32) -> IpaBuffer {
    let memory = rustix::fs::memfd_create("buffer", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
    rustix::fs::ftruncate(&memory, 4096).expect("a memfd can grow");
    let plane = ringfence::serialize::Plane { fd: memory.into(), offset: 0, length: 4096 };
    IpaBuffer { id, planes: vec![plane] }
}
