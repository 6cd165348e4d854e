//! Sensor controls that act some frames after they are written, lined up so that they act together.
//!
//! Gain acts a frame earlier than exposure. Written at once, a new pair would meet in one frame with half
//! of it old. So the queue has one slot a frame, and writes each control as many frames before its slot's
//! frame as the control needs.

use crate::rpi::imx219::{EXPOSURE_DELAY, GAIN_DELAY, VBLANK_DELAY};

/// Longest delay of any control, in frames.
const LONGEST_DELAY: u64 = {
    let longest = if EXPOSURE_DELAY > VBLANK_DELAY { EXPOSURE_DELAY } else { VBLANK_DELAY };
    (if longest > GAIN_DELAY { longest } else { GAIN_DELAY }) as u64
};

/// Slots that are kept.
const SLOTS: u64 = 16;

/// Slots that may wait ahead of the frame at hand. One is added a frame; a module that adds more changes
/// the last one.
const AHEAD: u64 = 8;

/// Values of the three controls. In a change, `None` leaves a value as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SensorChange {
    /// Exposure, in lines.
    pub exposure: Option<u32>,
    /// Gain code.
    pub gain: Option<u32>,
    /// Vertical blanking, in lines.
    pub vblank: Option<u32>,
}

/// The values that act in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SensorValues {
    /// Exposure, in lines.
    pub exposure: u32,
    /// Gain code.
    pub gain: u32,
    /// Vertical blanking, in lines.
    pub vblank: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    values: SensorValues,
    /// What of it still has to be written.
    unwritten: SensorChange,
    context: u32,
}

/// The queue of one sensor.
///
/// ```
/// use ringfence::rpi::pipeline::delayed_controls::{DelayedControls, SensorChange, SensorValues};
///
/// let mut delayed = DelayedControls::new(SensorValues { exposure: 1000, gain: 0, vblank: 500 });
/// delayed.push(SensorChange { exposure: Some(2000), gain: Some(128), ..SensorChange::default() }, 1);
/// // Exposure takes a frame longer than gain, so it is written a frame earlier.
/// let writes: Vec<_> = (0..4).map(|frame| delayed.start_of_frame(frame)).collect();
/// let frame_of = |is_written: fn(&SensorChange) -> bool| writes.iter().position(is_written);
/// assert_eq!(
///     frame_of(|change| change.gain.is_some()),
///     frame_of(|change| change.exposure.is_some()).map(|frame| frame + 1)
/// );
/// ```
#[derive(Debug)]
pub struct DelayedControls {
    slots: [Slot; SLOTS as usize],
    /// Slots that were ever added.
    added: u64,
    /// Slots that were due for writing.
    due: u64,
}

impl DelayedControls {
    /// A queue for a sensor that has these values now.
    #[must_use]
    pub fn new(values: SensorValues) -> Self {
        let first = Slot { values, ..Slot::default() };
        Self { slots: [first; SLOTS as usize], added: 1, due: 0 }
    }

    /// Adds a change, to act as soon as the slowest control can, and a number to know it by.
    pub fn push(&mut self, change: SensorChange, context: u32) {
        let last = *self.slot(self.added - 1);
        let mut next = Slot { unwritten: SensorChange::default(), context, ..last };
        if self.added - self.due >= AHEAD {
            self.added -= 1;
            next.unwritten = last.unwritten;
        }
        let overlay = |value: &mut u32, unwritten: &mut Option<u32>, new: Option<u32>| {
            if new.is_some() {
                *unwritten = new;
            }
            *value = new.unwrap_or(*value);
        };
        overlay(&mut next.values.exposure, &mut next.unwritten.exposure, change.exposure);
        overlay(&mut next.values.gain, &mut next.unwritten.gain, change.gain);
        overlay(&mut next.values.vblank, &mut next.unwritten.vblank, change.vblank);
        *self.slot(self.added) = next;
        self.added += 1;
    }

    /// At the start of frame `sequence`: what to write to the sensor now.
    pub fn start_of_frame(&mut self, sequence: u64) -> SensorChange {
        let due = self.due;
        let slot_for = |delay: usize| due.saturating_sub(LONGEST_DELAY - delay as u64);
        let write = SensorChange {
            vblank: self.slot(slot_for(VBLANK_DELAY)).unwritten.vblank.take(),
            exposure: self.slot(slot_for(EXPOSURE_DELAY)).unwritten.exposure.take(),
            gain: self.slot(slot_for(GAIN_DELAY)).unwritten.gain.take(),
        };
        self.due = sequence + 1;
        while self.added < self.due {
            let last = *self.slot(self.added - 1);
            *self.slot(self.added) = Slot { unwritten: SensorChange::default(), ..last };
            self.added += 1;
        }
        write
    }

    /// The values that act in frame `sequence`, and the number of the change that brought them.
    #[must_use]
    pub fn of_frame(&self, sequence: u64) -> (SensorValues, u32) {
        let slot = &self.slots[(sequence.saturating_sub(LONGEST_DELAY) % SLOTS) as usize];
        (slot.values, slot.context)
    }

    fn slot(&mut self, index: u64) -> &mut Slot {
        &mut self.slots[(index % SLOTS) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A sensor with true latencies: what acts in this frame, in the next, and so on.
    struct Registers {
        exposure: [u32; EXPOSURE_DELAY + 1],
        gain: [u32; GAIN_DELAY + 1],
        vblank: [u32; VBLANK_DELAY + 1],
    }

    /// Writes a register at the start of a frame and returns what acts in it.
    fn write(line: &mut [u32], value: Option<u32>) -> u32 {
        let last = line.len() - 1;
        line[last] = value.unwrap_or(line[last]);
        let acting = line[0];
        line.copy_within(1.., 0);
        acting
    }

    proptest! {
        #[test]
        fn what_is_announced_acts(
            changes in prop::collection::vec(prop::option::of((any::<u16>(), any::<u8>(), any::<u16>())), 1..200)
        ) {
            let first = SensorValues { exposure: 1600, gain: 0, vblank: 531 };
            let mut queue = DelayedControls::new(first);
            let mut sensor = Registers {
                exposure: [first.exposure; EXPOSURE_DELAY + 1],
                gain: [first.gain; GAIN_DELAY + 1],
                vblank: [first.vblank; VBLANK_DELAY + 1],
            };
            for (sequence, change) in changes.into_iter().enumerate() {
                let written = queue.start_of_frame(sequence as u64);
                let acting = SensorValues {
                    exposure: write(&mut sensor.exposure, written.exposure),
                    gain: write(&mut sensor.gain, written.gain),
                    vblank: write(&mut sensor.vblank, written.vblank),
                };
                prop_assert_eq!(queue.of_frame(sequence as u64).0, acting);
                if let Some((exposure, gain, vblank)) = change {
                    let change = SensorChange {
                        exposure: Some(exposure.into()),
                        gain: Some(gain.into()),
                        vblank: Some(vblank.into()),
                    };
                    queue.push(change, sequence as u32);
                }
            }
        }
    }

    #[test]
    fn a_change_is_known_by_its_number_when_it_acts() {
        let mut queue = DelayedControls::new(SensorValues::default());
        let mut seen = Vec::new();
        for sequence in 0..8 {
            queue.start_of_frame(sequence);
            seen.push(queue.of_frame(sequence).1);
            queue.push(SensorChange { gain: Some(1), ..Default::default() }, 100 + sequence as u32);
        }
        assert_eq!(seen, [0, 0, 0, 100, 101, 102, 103, 104]);
    }

    #[test]
    fn a_module_that_adds_without_end_changes_the_last_slot() {
        let mut queue = DelayedControls::new(SensorValues::default());
        for value in 0..1000 {
            queue.push(SensorChange { exposure: Some(value), ..Default::default() }, value);
        }
        let written: Vec<_> =
            (0..20).filter_map(|sequence| queue.start_of_frame(sequence).exposure).collect();
        assert_eq!(written.last(), Some(&999));
        assert_eq!(queue.of_frame(19).0.exposure, 999);
    }
}
