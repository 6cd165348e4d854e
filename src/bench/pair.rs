//! The two processes that are measured.

use std::time::{Duration, Instant};

use super::lane::{Lane, LaneError};
use super::module::{BenchModule, COMPONENT};
use super::processors::{Place, pin, unpin};
use super::samples::Samples;
use crate::interfaces::bench::{Bench, BenchProxy, Pod, Prepare, Rival};
use crate::ipc::{CallError, ConnectError, Connection, Mode, Options, Worker};
use crate::serialize::ControlList;
use crate::serialize::controls::IdMap;
use crate::serialize::controls::ids::{controls, v4l2};

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// There is no worker.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A rival failed.
    #[error(transparent)]
    Lane(#[from] LaneError),
}

/// Frames before those that are measured: both sides learn from them how long to look for a message.
const WARM_UP_FRAMES: u32 = 16;

/// CPU time that a frame takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct FrameCost {
    /// Of the host's process.
    pub host: Duration,
    /// Of the module's.
    pub module: Duration,
}

impl FrameCost {
    /// Of both.
    #[must_use]
    pub fn both(&self) -> Duration {
        self.host + self.module
    }
}

/// A host and a module to measure calls between, each on a processor of its own where there are two.
#[derive(Debug)]
pub struct Pair {
    proxy: BenchProxy,
}

impl Pair {
    /// Brings up the module, and pins both sides if `place` says so: the host's is the calling thread.
    ///
    /// # Errors
    /// [`PairError`] if there is no worker.
    pub fn new(mode: Mode, options: &Options, place: Place) -> Result<Self, PairError> {
        // A worker inherits the processors of the thread that starts it, which an earlier pair may have pinned.
        let _ = unpin();
        let mut proxy = match mode {
            Mode::Direct => BenchProxy::direct(BenchModule::new)?,
            Mode::Threaded => BenchProxy::threaded(options, BenchModule::new)?,
            Mode::Isolated => BenchProxy::isolated(options, &Worker::component(COMPONENT))?,
        };
        if let Place::Pinned { host, module } = place {
            if mode != Mode::Direct {
                proxy.pin(module)?;
            }
            // Pinning only steadies the numbers.
            if let Err(errno) = pin(host) {
                tracing::warn!("the host cannot be pinned to processor {host}: {errno}");
            }
        }
        Ok(Self { proxy })
    }

    /// The proxy, to call whatever shall be measured.
    pub fn proxy(&mut self) -> &mut BenchProxy {
        &mut self.proxy
    }

    /// Synchronous calls with 64 bytes each way.
    ///
    /// # Errors
    /// [`PairError::Call`].
    pub fn ping(&mut self, rounds: u32, samples: &mut Samples) -> Result<(), PairError> {
        let mut value = Pod::default();
        samples.take(rounds, || {
            value.a += 1;
            let same = self.proxy.ping(&value)?;
            debug_assert_eq!(same, value);
            Ok(())
        })
    }

    /// A camera's traffic for so many frames, at a rate: five calls and four events a frame. `samples` is given how long
    /// the first call of each frame took, which finds the module asleep.
    ///
    /// # Errors
    /// [`PairError::Call`].
    pub fn frame_loop(
        &mut self,
        rate: u32,
        frames: u32,
        samples: &mut Samples,
    ) -> Result<FrameCost, PairError> {
        let params = prepare_like();
        let period = Duration::from_secs(1) / rate;
        let mut next = Instant::now();
        let mut before = FrameCost::default();
        for frame in 0..WARM_UP_FRAMES + frames {
            if frame == WARM_UP_FRAMES {
                before = self.cpu_time();
            }
            let now = Instant::now();
            std::thread::sleep(next.saturating_duration_since(now));
            // A camera does not make up for frames that came late.
            next = next.max(now) + period;
            let start = Instant::now();
            self.proxy.prepare(&params)?;
            if frame >= WARM_UP_FRAMES {
                samples.add(start.elapsed());
            }
            for _ in 0..4 {
                self.proxy.tell(&Pod::default())?;
            }
            let mut events = 0;
            while events < 4 {
                match self.proxy.next_event()? {
                    Some(_) => events += 1,
                    None => drop(self.proxy.wait(None)?),
                }
            }
        }
        let after = self.cpu_time();
        Ok(FrameCost {
            host: after.host.saturating_sub(before.host) / frames,
            module: after.module.saturating_sub(before.module) / frames,
        })
    }

    /// CPU time of both sides so far. A module without a process of its own is part of the host's.
    fn cpu_time(&self) -> FrameCost {
        let host = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID);
        let module = self.proxy.connection().and_then(Connection::worker_cpu_time);
        FrameCost { host: host.map(Duration::from).unwrap_or_default(), module: module.unwrap_or_default() }
    }

    /// Synchronous calls with 64 bytes each way, each after the host has done nothing for `idle`.
    ///
    /// # Errors
    /// [`PairError::Call`].
    pub fn ping_after(&mut self, idle: Duration, calls: u32, samples: &mut Samples) -> Result<(), PairError> {
        for _ in 0..calls {
            pause(idle);
            self.ping(1, samples)?;
        }
        Ok(())
    }

    /// Round trips of a cache line, half of `rounds` with a pause between two looks at it and half without: the latencies
    /// of whichever takes less time. A pause spares a processor's other thread, but some processors pause for longer
    /// than a line takes to come.
    ///
    /// Both sides look without sleeping, so they need a processor each.
    ///
    /// # Errors
    /// [`PairError`] if the line cannot be set up.
    pub fn cache_line(&mut self, rounds: u32, samples: &mut Samples) -> Result<(), PairError> {
        let mut measure = |rival| -> Result<Samples, PairError> {
            let mut samples = Samples::new();
            self.rival(rival, 64, rounds / 2, &mut samples)?;
            Ok(samples)
        };
        let (pausing, eager) = (measure(Rival::CacheLine)?, measure(Rival::CacheLineEager)?);
        samples.merge(if eager.interquartile_mean() < pausing.interquartile_mean() {
            &eager
        } else {
            &pausing
        });
        Ok(())
    }

    /// Round trips through a rival, each after the host has done nothing for `idle`.
    ///
    /// # Errors
    /// [`PairError`] if the rival cannot be set up.
    pub fn rival_after(
        &mut self,
        rival: Rival,
        idle: Duration,
        calls: u32,
        samples: &mut Samples,
    ) -> Result<(), PairError> {
        let (mut lane, here, there) = Lane::host(rival, 64)?;
        self.proxy.echo(rival, calls, 64, &here, &there)?;
        drop((here, there));
        for _ in 0..calls {
            pause(idle);
            samples.take(1, || lane.round_trip())?;
        }
        self.proxy.flush()?;
        Ok(())
    }

    /// Round trips through a rival, between the same two processes.
    ///
    /// # Errors
    /// [`PairError`] if the rival cannot be set up.
    pub fn rival(
        &mut self,
        rival: Rival,
        bytes: u32,
        rounds: u32,
        samples: &mut Samples,
    ) -> Result<(), PairError> {
        let (mut lane, here, there) = Lane::host(rival, bytes as usize)?;
        // The first hundred find the processors awake and the caches warm.
        let warm_up = rounds.min(100);
        self.proxy.echo(rival, warm_up + rounds, bytes, &here, &there)?;
        drop((here, there));
        (0..warm_up).try_for_each(|_| lane.round_trip())?;
        samples.take(rounds, || lane.round_trip())?;
        self.proxy.flush()?;
        Ok(())
    }

    /// Messages one way through a socket, between the same two processes, until all are taken.
    ///
    /// # Errors
    /// [`PairError`] if the rival cannot be set up.
    pub fn rival_one_way(&mut self, rival: Rival, bytes: u32, messages: u64) -> Result<(), PairError> {
        let (mut lane, here, there) = Lane::host(rival, bytes as usize)?;
        self.proxy.take(rival, messages, bytes, &here, &there)?;
        drop((here, there));
        (0..messages).try_for_each(|_| lane.send())?;
        self.proxy.flush()?;
        Ok(())
    }
}

/// Parameters like those of `prepareIsp`: four sensor controls, ten requests.
///
/// ```
/// use ringfence::bench::prepare_like;
///
/// let params = prepare_like();
/// assert_eq!((params.sensor_controls.len(), params.request_controls.len()), (4, 10));
/// ```
#[must_use]
pub fn prepare_like() -> Prepare {
    let mut sensor_controls = ControlList::new(IdMap::V4l2);
    sensor_controls.set(&v4l2::EXPOSURE, 1600);
    sensor_controls.set(&v4l2::ANALOGUE_GAIN, 120);
    sensor_controls.set(&v4l2::VBLANK, 531);
    sensor_controls.set(&v4l2::HBLANK, 1808);
    let mut request_controls = ControlList::new(IdMap::Controls);
    request_controls.set(&controls::AE_ENABLE, true);
    request_controls.set(&controls::EXPOSURE_TIME, 20_000);
    request_controls.set(&controls::ANALOGUE_GAIN, 2.0f32);
    request_controls.set(&controls::EXPOSURE_VALUE, 0.5f32);
    request_controls.set(&controls::AWB_ENABLE, true);
    request_controls.set(&controls::AWB_MODE, 5);
    request_controls.set(&controls::COLOUR_GAINS, [1.5f32, 1.8]);
    request_controls.set(&controls::BRIGHTNESS, 0.1f32);
    request_controls.set(&controls::CONTRAST, 1.1f32);
    request_controls.set(&controls::FRAME_DURATION_LIMITS, [33_333i64, 120_000]);
    Prepare {
        bayer: 1,
        embedded: 0,
        stats: 2,
        sensor_controls,
        request_controls,
        ipa_context: 7,
        delay_context: 3,
    }
}

/// Does nothing for a while: sleeps from a millisecond on. Shorter times the host spends looking at the clock, since
/// the system cannot wake it up in time: then its processor is busy, and only the module's may fall asleep.
fn pause(idle: Duration) {
    if idle >= Duration::from_millis(1) {
        std::thread::sleep(idle);
        return;
    }
    let start = Instant::now();
    while start.elapsed() < idle {
        std::hint::spin_loop();
    }
}
