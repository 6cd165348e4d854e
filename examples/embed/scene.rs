//! What the three examples of embedding have in common, and what is not about embedding: a buffer that the module is told of,
//! and a timer in the place of a camera.
#![allow(dead_code, reason = "each example uses the part that it needs")]

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use ringfence::interfaces::libcamera::IpaBuffer;
use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
use ringfence::ipc::CallError;
use ringfence::rpi::camera::SharedBuffer;
use ringfence::serialize::Plane;

/// Frames to be taken.
pub const FRAMES: u32 = 50;

/// Between two of them.
pub const INTERVAL: Duration = Duration::from_millis(20);

/// The number of the buffer.
pub const BUFFER: u32 = 1;

/// Tells a fresh module what it has to know.
pub fn introduced(mut module: IpaVimcProxy) -> Result<IpaVimcProxy, CallError> {
    let pid = module.connection().and_then(|connection| connection.worker_pid());
    println!("the module is process {}", pid.unwrap_or_default());
    let failed = |error: &dyn std::error::Error| CallError::Module(error.to_string());
    let buffer = SharedBuffer::allocate("parameters", 4096).map_err(|error| failed(&error))?;
    let fd = buffer.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
    let plane = Plane { fd: fd.into(), offset: 0, length: 4096 };
    module.map_buffers(&[IpaBuffer { id: BUFFER, planes: vec![plane] }])?;
    Ok(module)
}

/// A descriptor that is readable at each tick.
pub fn timer() -> rustix::io::Result<OwnedFd> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    let interval = Timespec { tv_sec: 0, tv_nsec: i64::from(INTERVAL.subsec_nanos()) };
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::empty(),
        &Itimerspec { it_interval: interval, it_value: interval },
    )?;
    Ok(timer)
}

/// Whether it has ticked since this was last asked.
pub fn ticked(timer: &OwnedFd) -> bool {
    rustix::io::read(timer, &mut [0u8; 8]).is_ok()
}
