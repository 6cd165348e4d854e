//! What the host does to a worker, at a given point of a frame.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Instant;

use image::RgbImage;
use ringfence::rpi::camera::{Camera, CapturedFrame, IspSettings, Light, SensorControls, SensorMode};
use ringfence::rpi::layout::Statistics;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::faults::{Fault, Order};

/// When in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before anything of it.
    Before,
    /// While the sensor takes it.
    Capture,
    /// Between the two calls of the IPA.
    Measure,
}

#[derive(Debug)]
struct Shot {
    /// Not the number: that may be another process's by the time.
    process: OwnedFd,
    signal: Signal,
    moment: Moment,
}

/// Sends a signal at a given point; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Weapon {
    loaded: Rc<RefCell<Option<Shot>>>,
    fired: Rc<Cell<Option<Instant>>>,
}

impl Weapon {
    /// Takes aim at a worker, which this process has not reaped yet.
    pub fn aim(&self, order: Order, pid: u32) {
        let signal = if order.fault == Fault::Kill { Signal::KILL } else { Signal::STOP };
        let moment = [Moment::Before, Moment::Capture, Moment::Measure][usize::from(order.variant) % 3];
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let process = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        self.loaded.replace(process.map(|process| Shot { process, signal, moment }));
        self.fired.set(None);
    }

    /// The frame is about to begin.
    pub fn before(&self) {
        self.fire(Moment::Before);
    }

    /// The frame is over: when the signal was sent, if it was.
    pub fn lower(&self) -> Option<Instant> {
        self.loaded.take();
        self.fired.take()
    }

    fn fire(&self, moment: Moment) {
        if let Some(shot) = self.loaded.borrow_mut().take_if(|shot| shot.moment == moment) {
            self.fired.set(Some(Instant::now()));
            // It may have ended by itself.
            let _ = pidfd_send_signal(shot.process, shot.signal);
        }
    }
}

/// A camera with somebody beside it who has a weapon.
#[derive(Debug)]
pub struct Watched<C> {
    camera: C,
    weapon: Weapon,
}

impl<C: Camera> Watched<C> {
    /// Fires `weapon` at the points of `camera`'s frames.
    pub fn new(camera: C, weapon: Weapon) -> Self {
        Self { camera, weapon }
    }
}

impl<C: Camera> Camera for Watched<C> {
    fn mode(&self) -> SensorMode {
        self.camera.mode()
    }

    fn next_sequence(&self) -> u64 {
        self.camera.next_sequence()
    }

    fn write_standby(&mut self, controls: SensorControls) {
        self.camera.write_standby(controls);
    }

    fn write_controls(&mut self, controls: SensorControls) {
        self.camera.write_controls(controls);
    }

    fn capture(&mut self, light: Light) -> CapturedFrame {
        self.weapon.fire(Moment::Capture);
        self.camera.capture(light)
    }

    fn measure(&mut self, settings: &IspSettings) -> Statistics {
        self.weapon.fire(Moment::Measure);
        self.camera.measure(settings)
    }

    fn process(&mut self, settings: &IspSettings, image: &mut RgbImage) -> f64 {
        self.camera.process(settings, image)
    }
}
