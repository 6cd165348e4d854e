//! What is linked into the program, as the manager sees it: any module of any interface.

#![forbid(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ipc::module::{ModuleInfo, Version};
use crate::ipc::{EventQueue, Interface, Worker};

/// Makes modules that stand behind the trait `M`, given where they shall send their events.
struct Maker<M: ?Sized, E>(Box<dyn Fn(EventQueue<E>) -> Box<M> + Send + Sync>);

/// A module that is linked into this program. Generated code has a function `linked` that makes one.
///
/// What its program does not say of it, it is for: any pipeline, and any version of it.
#[derive(Clone)]
pub struct Linked {
    info: ModuleInfo,
    worker: Option<Worker>,
    /// A [`Maker`] of the interface's own types.
    maker: Arc<dyn Any + Send + Sync>,
}

impl Linked {
    /// A module of `interface` that `make` makes. Generated code calls it.
    #[doc(hidden)]
    #[must_use]
    pub fn new<M: ?Sized + 'static, E: 'static>(
        interface: &'static Interface,
        make: impl Fn(EventQueue<E>) -> Box<M> + Send + Sync + 'static,
    ) -> Self {
        let info = ModuleInfo {
            name: interface.name.rsplit('.').next().unwrap_or_default().to_owned(),
            version: Version { major: 0, minor: 0, patch: 0 },
            pipeline: String::new(),
            pipeline_versions: 0..=u32::MAX,
            interface: interface.name.to_owned(),
            interface_hash: interface.hash,
            protocol: ModuleInfo::PROTOCOL,
            encodings: vec![ModuleInfo::NATIVE],
            loads_until: None,
        };
        Self { info, worker: None, maker: Arc::new(Maker(Box::new(make))) }
    }

    /// Its name, for people: without one, that of its interface.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.info.name = name.into();
        self
    }

    /// Its version: 0.0.0 if nothing is said. It counts among several that are linked in.
    #[must_use]
    pub fn version(mut self, major: u32, minor: u32, patch: u32) -> Self {
        self.info.version = Version { major, minor, patch };
        self
    }

    /// The pipeline that it is for, and the versions of that.
    #[must_use]
    pub fn pipeline(mut self, name: impl Into<String>, versions: RangeInclusive<u32>) -> Self {
        self.info.pipeline = name.into();
        self.info.pipeline_versions = versions;
        self
    }

    /// The component by which a worker program serves it, so that it can be isolated: see
    /// [`run_if_worker`](crate::ipc::run_if_worker).
    #[must_use]
    pub fn component(self, name: impl Into<String>) -> Self {
        self.worker(Worker::component(name))
    }

    /// The worker that serves it where it has to be isolated, if there is more to say of it than the component's name.
    #[must_use]
    pub fn worker(mut self, worker: Worker) -> Self {
        self.worker = Some(worker);
        self
    }

    pub(super) fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// Whether it does not care which pipeline it serves.
    pub(super) fn fits_any_pipeline(&self) -> bool {
        self.info.pipeline.is_empty()
    }

    pub(super) fn isolated(&self) -> Option<Worker> {
        self.worker.clone()
    }

    /// Makes the module, if it is one behind the trait `M` with events `E`.
    pub(in crate::ipc) fn make<M: ?Sized + 'static, E: 'static>(
        &self,
    ) -> Option<impl FnOnce(EventQueue<E>) -> Box<M> + '_> {
        let maker = self.maker.downcast_ref::<Maker<M, E>>()?;
        Some(move |events| (maker.0)(events))
    }
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linked")
            .field("info", &self.info)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
