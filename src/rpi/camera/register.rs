//! A sensor register whose writes act some frames later.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

/// One register: its value in the present frame and the values that wait, the next frame's first.
#[derive(Debug, Clone)]
pub(super) struct Register {
    acting: u32,
    /// `waiting[i]` acts `i + 1` frames from the present one.
    waiting: VecDeque<u32>,
    delay: usize,
}

impl Register {
    pub(super) fn new(value: u32, delay: usize) -> Self {
        Self { acting: value, waiting: VecDeque::from(vec![value; delay]), delay }
    }

    /// The value in the present frame.
    pub(super) fn acting(&self) -> u32 {
        self.acting
    }

    /// A write at the start of the present frame.
    pub(super) fn write(&mut self, value: u32) {
        match self.delay {
            0 => self.acting = value,
            delay => self.waiting[delay - 1] = value,
        }
    }

    /// The next frame starts.
    pub(super) fn advance(&mut self) {
        if let Some(next) = self.waiting.pop_front() {
            // What was written last stays until something else is written.
            self.waiting.push_back(self.waiting.back().copied().unwrap_or(next));
            self.acting = next;
        }
    }

    /// What waits takes effect at once, as when streaming stops.
    pub(super) fn settle(&mut self) {
        self.acting = self.waiting.back().copied().unwrap_or(self.acting);
        self.waiting.iter_mut().for_each(|value| *value = self.acting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_wait_in_line() {
        for delay in 0..4 {
            let mut register = Register::new(0, delay);
            let mut seen = Vec::new();
            for frame in 1..=8 {
                if frame <= 4 {
                    register.write(frame);
                }
                seen.push(register.acting());
                register.advance();
            }
            let expected: Vec<u32> =
                (1..=8).map(|frame: u32| frame.saturating_sub(delay as u32).min(4)).collect();
            assert_eq!(seen, expected, "delay {delay}");
        }
    }

    #[test]
    fn settling_takes_the_last_write() {
        let mut register = Register::new(0, 2);
        register.write(1);
        register.advance();
        register.write(2);
        register.settle();
        assert_eq!(register.acting(), 2);
        register.advance();
        assert_eq!(register.acting(), 2);
    }
}
