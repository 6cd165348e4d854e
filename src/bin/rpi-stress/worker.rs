//! The module of this program's workers: the algorithms of the Raspberry Pi, which misbehave when they are told to.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use ringfence::interfaces::rpi::{
    ConfigParams, ConfigResult, INTERFACE, InitParams, InitResult, IpaRPi, IpaRPiDispatcher, PrepareParams,
    ProcessParams, StartResult,
};
use ringfence::ipc::{CallError, Component, Emitter, Endpoint, ServeError};
use ringfence::rpi::ipa::module::RaspberryPiIpa;
use ringfence::serialize::controls::Control;
use ringfence::serialize::{ControlList, SharedFd};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::faults::{Fault, Order};

/// What this program's workers serve.
pub const COMPONENT: Component = Component { name: "rpi-stress", serve };

/// An [`Order`] to the module, by its number, among the requests of a frame.
pub const ORDER: Control<i32> = Control::new(40_100, "ringfence.stress.Order");

/// Address space that a module without bounds may have.
const MEMORY_LIMIT: u64 = 256 << 20;
/// Descriptors that a module keeps, if nothing stops it before.
const HOARD: usize = 4096;
/// Descriptors in a message that nobody asked for.
const UNASKED_FDS: usize = 200;

fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    endpoint.serve(&INTERFACE, |emitter| IpaRPiDispatcher::new(Saboteur::new(emitter)))
}

/// The module.
struct Saboteur {
    ipa: RaspberryPiIpa,
    emitter: Emitter,
    /// For the second call of the frame.
    later: Option<Order>,
    hoard: Vec<OwnedFd>,
}

impl Saboteur {
    fn new(emitter: Emitter) -> Self {
        let ipa = RaspberryPiIpa::new(Box::new(emitter.clone()));
        Self { ipa, emitter, later: None, hoard: Vec::new() }
    }

    fn obey(&mut self, order: Order) {
        match order.fault {
            // The host does that.
            Fault::Kill | Fault::Stop => {}
            Fault::Stall => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            Fault::Slow => std::thread::sleep(order.lateness()),
            Fault::Garbage => self.talk_nonsense(order.variant),
            Fault::Fdleak => self.leak(order.variant),
            Fault::Oom => eat(),
        }
    }

    fn talk_nonsense(&self, variant: u8) {
        let mut random = ChaCha8Rng::seed_from_u64(variant.into());
        match variant % 6 {
            0 => self.emitter.scribble(|_| random.random()),
            // As if the next record were there: so long that it cannot be, without a beginning, or of nonsense.
            1 => self.emitter.scribble(|position| position << 32 | 0x7fff_ffff),
            2 => self.emitter.scribble(|position| position << 32 | u64::from(u32::MAX)),
            3 => self.emitter.scribble(|position| position << 32 | random.random_range(0..200u64)),
            4 => {
                let bytes: Vec<u8> = (0..random.random_range(0..2000)).map(|_| random.random()).collect();
                self.emitter.emit(random.random_range(1..=7), &bytes);
            }
            _ => self.emitter.emit(random.random_range(100..=u16::MAX), &0u8),
        }
        // The next honest record would hide it from a host that has not looked yet.
        std::thread::sleep(Duration::from_millis(2));
    }

    fn leak(&mut self, variant: u8) {
        let one = || rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC);
        if variant.is_multiple_of(2) {
            while let (true, Ok(fd)) = (self.hoard.len() < HOARD, one()) {
                self.hoard.push(fd);
            }
            // It goes on as if nothing were, and is short of them.
        } else {
            let fds: Vec<SharedFd> = std::iter::repeat_with(one)
                .map_while(Result::ok)
                .take(UNASKED_FDS)
                .map(SharedFd::from)
                .collect();
            self.emitter.emit(1, &fds);
        }
    }
}

/// Allocates until it ends the process.
fn eat() {
    let limit = Rlimit { current: Some(MEMORY_LIMIT), maximum: Some(MEMORY_LIMIT) };
    if setrlimit(Resource::As, limit).is_err() {
        // Without a limit the whole machine would suffer.
        std::process::abort();
    }
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1u8; 1 << 20]);
    }
}

impl IpaRPi for Saboteur {
    fn init(&mut self, settings: &IpaSettings, params: &InitParams) -> Result<(i32, InitResult), CallError> {
        self.ipa.init(settings, params)
    }

    fn start(&mut self, controls: &ControlList) -> Result<StartResult, CallError> {
        // An order among them was for an earlier worker.
        self.ipa.start(controls)
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.ipa.stop()
    }

    fn configure(
        &mut self,
        sensor_info: &IpaCameraSensorInfo,
        params: &ConfigParams,
    ) -> Result<(i32, ConfigResult), CallError> {
        self.ipa.configure(sensor_info, params)
    }

    fn map_buffers(&mut self, buffers: &[IpaBuffer]) -> Result<(), CallError> {
        self.ipa.map_buffers(buffers)
    }

    fn unmap_buffers(&mut self, ids: &[u32]) -> Result<(), CallError> {
        self.ipa.unmap_buffers(ids)
    }

    fn prepare_isp(&mut self, params: &PrepareParams) -> Result<(), CallError> {
        let order = params.request_controls.get(&ORDER).and_then(Order::from_number);
        match order {
            Some(order) if order.variant & 0x80 == 0 => self.obey(order),
            order => self.later = order,
        }
        self.ipa.prepare_isp(params)
    }

    fn process_stats(&mut self, params: &ProcessParams) -> Result<(), CallError> {
        if let Some(order) = self.later.take() {
            self.obey(order);
        }
        self.ipa.process_stats(params)
    }
}
