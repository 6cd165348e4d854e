//! Latencies of many round trips.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Latencies, in nanoseconds.
///
/// ```
/// use std::time::Duration;
/// use ringfence::bench::Samples;
///
/// let mut samples = Samples::new();
/// for microseconds in 1..=100 {
///     samples.add(Duration::from_micros(microseconds));
/// }
/// assert_eq!(samples.count(), 100);
/// assert!((49_000..=51_100).contains(&samples.p50()) && samples.quantile(0.99) > 98_000);
/// ```
#[derive(Debug, Clone)]
pub struct Samples {
    histogram: Histogram<u64>,
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

impl Samples {
    /// No samples yet.
    #[must_use]
    pub fn new() -> Self {
        // Three digits, and as high as it takes.
        Self { histogram: Histogram::new(3).expect("three digits are allowed") }
    }

    /// Times `rounds` calls of `once`, each for itself.
    ///
    /// # Errors
    /// The first error of `once`.
    pub fn take<E>(&mut self, rounds: u32, mut once: impl FnMut() -> Result<(), E>) -> Result<(), E> {
        for _ in 0..rounds {
            let start = Instant::now();
            once()?;
            self.add(start.elapsed());
        }
        Ok(())
    }

    /// Adds one latency.
    pub fn add(&mut self, latency: Duration) {
        // An automatically resizing histogram takes every value.
        let _ = self.histogram.record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        let _ = self.histogram.add(&other.histogram);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The latency below which `quantile` (0 to 1) of them are, in nanoseconds.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile)
    }

    /// The median, in nanoseconds.
    #[must_use]
    pub fn p50(&self) -> u64 {
        self.quantile(0.5)
    }
    /// The mean of the half in the middle, in nanoseconds: finer than the median where a clock counts in steps.
    #[must_use]
    pub fn interquartile_mean(&self) -> f64 {
        let quantiles = (25..=75).map(|percent| self.quantile(f64::from(percent) / 100.0) as f64);
        quantiles.sum::<f64>() / 51.0
    }
}
