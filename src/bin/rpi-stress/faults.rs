//! What can be wrong with a worker, and when: drawn from the seed, for each camera and frame by itself. So a seed
//! replays a run whatever the speed of the machine.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Frames from one that a fault may hit to the next: for recovery, and to see that it lasts.
const STRIDE: u64 = 8;

/// Words of random numbers that each frame has for itself.
const WORDS_A_FRAME: u128 = 16;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The worker is killed by SIGKILL.
    Kill,
    /// The worker is stopped by SIGSTOP.
    Stop,
    /// The module never returns from a call.
    Stall,
    /// The worker writes nonsense over its ring, or sends events that are malformed or do not exist.
    Garbage,
    /// The module answers late, though within the time that it has.
    Slow,
    /// The module keeps all the descriptors that it can get, or sends the host some that nobody asked for.
    Fdleak,
    /// The module allocates memory until there is none.
    Oom,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Kill, Self::Stop, Self::Stall, Self::Garbage, Self::Slow, Self::Fdleak, Self::Oom];

    /// Whether the host does it to the worker; else the module does it.
    pub fn is_from_outside(self) -> bool {
        matches!(self, Self::Kill | Self::Stop)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no kind is hidden");
        f.write_str(value.get_name())
    }
}

/// The kinds that a user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self(Fault::ALL.to_vec())),
            "none" => return Ok(Self(Vec::new())),
            _ => {}
        }
        let mut faults = text
            .split(',')
            .map(|name| <Fault as ValueEnum>::from_str(name.trim(), false))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| {
                "give `all`, `none`, or some of kill,stop,stall,garbage,slow,fdleak,oom".to_owned()
            })?;
        faults.sort_unstable();
        faults.dedup();
        Ok(Self(faults))
    }
}

/// One fault, as it shall happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Its kind.
    pub fault: Fault,
    /// How it is done, where a kind has several ways.
    pub variant: u8,
}

impl Order {
    /// As a number, for a control.
    pub fn number(self) -> i32 {
        i32::from(self.variant) << 8 | self.fault as i32
    }

    /// From its number.
    pub fn from_number(number: i32) -> Option<Self> {
        let [kind, variant, 0, 0] = number.to_le_bytes() else { return None };
        Some(Self { fault: *Fault::ALL.get(usize::from(kind))?, variant })
    }

    /// How late a slow module is.
    pub fn lateness(self) -> Duration {
        Duration::from_millis(10 + u64::from(self.variant) % 50)
    }
}

/// The faults of one camera.
#[derive(Debug, Clone)]
pub struct Schedule {
    random: ChaCha8Rng,
    faults: Vec<Fault>,
    /// Chance of a frame that may be hit.
    chance: f64,
}

impl Schedule {
    /// `rate` faults in a hundred frames, of these kinds.
    pub fn new(seed: u64, camera: u64, faults: &Faults, rate: f64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(camera);
        Self { random, faults: faults.0.clone(), chance: (rate / 100.0 * STRIDE as f64).min(1.0) }
    }

    /// What happens in this frame.
    pub fn of_frame(&mut self, frame: u64) -> Option<Order> {
        if !frame.is_multiple_of(STRIDE) || self.faults.is_empty() {
            return None;
        }
        self.random.set_word_pos(u128::from(frame) * WORDS_A_FRAME);
        let hit = self.random.random_bool(self.chance);
        let index = self.random.random_range(0..self.faults.len());
        let variant = self.random.random();
        hit.then(|| Order { fault: self.faults[index], variant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(seed: u64, camera: u64, rate: f64) -> Vec<Option<Order>> {
        let mut schedule = Schedule::new(seed, camera, &Faults(Fault::ALL.to_vec()), rate);
        (0..4000).map(|frame| schedule.of_frame(frame)).collect()
    }

    #[test]
    fn a_seed_replays_a_run_and_cameras_differ() {
        assert_eq!(orders(7, 1, 5.0), orders(7, 1, 5.0));
        assert_ne!(orders(7, 1, 5.0), orders(7, 2, 5.0));
        assert_ne!(orders(7, 1, 5.0), orders(8, 1, 5.0));
        // Each frame by itself: whoever skips some gets the same for the others.
        let mut schedule = Schedule::new(7, 1, &Faults(Fault::ALL.to_vec()), 5.0);
        let all = orders(7, 1, 5.0);
        for frame in [80, 8, 800, 8] {
            assert_eq!(schedule.of_frame(frame), all[frame as usize]);
        }
    }

    #[test]
    fn there_are_as_many_as_asked_for_and_of_every_kind() {
        let orders: Vec<Order> = orders(1, 0, 5.0).into_iter().flatten().collect();
        assert!((140..260).contains(&orders.len()), "{}", orders.len());
        for fault in Fault::ALL {
            assert!(orders.iter().any(|order| order.fault == fault), "{fault}");
        }
    }

    #[test]
    fn orders_are_numbers() {
        for fault in Fault::ALL {
            for variant in [0, 1, 255] {
                let order = Order { fault, variant };
                assert_eq!(Order::from_number(order.number()), Some(order));
            }
        }
        assert_eq!(Order::from_number(-1), None);
        assert_eq!(Order::from_number(7), None);
    }

    #[test]
    fn names_are_read_and_others_refused() {
        assert_eq!("oom,kill,kill".parse(), Ok(Faults(vec![Fault::Kill, Fault::Oom])));
        assert_eq!("all".parse(), Ok(Faults(Fault::ALL.to_vec())));
        assert_eq!("none".parse(), Ok(Faults(Vec::new())));
        assert!("kill,love".parse::<Faults>().unwrap_err().contains("fdleak"));
    }
}
