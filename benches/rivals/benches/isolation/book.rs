//! What was measured.

use ringfence::bench::Samples;

/// One thing that was measured, batch by batch.
pub struct Row {
    pub group: &'static str,
    pub name: String,
    /// The limit of the machine that it is held against.
    pub limit: Option<&'static str>,
    /// Bytes of a message, if it is a throughput.
    pub bytes: Option<u64>,
    /// Nanoseconds: a batch's median for latencies, its mean a message for throughputs.
    pub batches: Vec<f64>,
    /// The same, of all batches of a round.
    rounds: Vec<f64>,
    /// All latencies of all rounds, as they were timed.
    samples: Samples,
}

impl Row {
    /// Median of the rounds, in nanoseconds.
    pub fn nanoseconds(&self) -> f64 {
        median(&self.rounds)
    }

    /// Bytes a second, if it is a throughput.
    pub fn rate(&self) -> Option<f64> {
        self.bytes.map(|bytes| bytes as f64 * 1e9 / self.nanoseconds())
    }
}

/// All rows, and what could not be measured.
#[derive(Default)]
pub struct Book {
    rows: Vec<Row>,
    /// Each once.
    pub left_out: Vec<String>,
    /// Nanoseconds that two readings of the clock take, now and over the rounds.
    clock: f64,
    clocks: Vec<f64>,
    /// Nanoseconds from one value of the clock to the next.
    pub tick: f64,
    /// Allocations while parameters were encoded.
    pub encode_allocations: Option<u64>,
}

impl Book {
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Sets what is taken off every latency from here on: the two readings of the clock around it.
    pub fn set_clock(&mut self, samples: &Samples) {
        self.clock = grouped_median(samples, self.tick);
        self.clocks.push(self.clock);
    }

    /// Nanoseconds that were taken off.
    pub fn clock(&self) -> f64 {
        median(&self.clocks)
    }

    /// Adds a round of latencies.
    pub fn latency(
        &mut self,
        group: &'static str,
        name: &str,
        limit: Option<&'static str>,
        batches: &[Samples],
    ) {
        let (clock, tick) = (self.clock, self.tick);
        let row = self.entry(group, name, limit, None);
        let mut all = Samples::new();
        for batch in batches {
            all.merge(batch);
            // Never nothing, which criterion could not divide by.
            row.batches.push((grouped_median(batch, tick) - clock).max(0.5));
        }
        row.rounds.push((grouped_median(&all, tick) - clock).max(0.5));
        row.samples.merge(&all);
    }

    /// Adds a round of things that were timed many at a time: nanoseconds each.
    pub fn means(&mut self, group: &'static str, name: &str, bytes: Option<u64>, batches: &[f64]) {
        let limit = bytes.map(|_| crate::measure::MEMCPY).filter(|limit| *limit != name);
        let row = self.entry(group, name, limit, bytes);
        row.batches.extend(batches);
        row.rounds.push(median(batches));
    }

    /// A quantile of all latencies of a row, in nanoseconds.
    pub fn quantile(&self, row: &Row, quantile: f64) -> Option<f64> {
        let timed = (row.samples.count() > 0).then(|| row.samples.quantile(quantile) as f64);
        timed.map(|timed| (timed - self.clock()).max(0.0))
    }

    /// How a row stands to its limit: so many times slower, or so much of the throughput.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let limit = self.row(row.limit?)?;
        match (row.rate(), limit.rate()) {
            (Some(rate), Some(limit)) => Some(rate / limit),
            _ => Some(row.nanoseconds() / limit.nanoseconds()),
        }
    }

    fn entry(
        &mut self,
        group: &'static str,
        name: &str,
        limit: Option<&'static str>,
        bytes: Option<u64>,
    ) -> &mut Row {
        let index = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let (name, batches, rounds) = (name.to_owned(), Vec::new(), Vec::new());
            self.rows.push(Row { group, name, limit, bytes, batches, rounds, samples: Samples::new() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }
}

/// The upper median; nothing has none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median of latencies that a clock has rounded to its ticks, interpolated within the median's tick.
///
/// Some processors count time in steps of ten nanoseconds, a tenth of what a cache line takes to and fro.
fn grouped_median(samples: &Samples, tick: f64) -> f64 {
    let median = samples.p50() as f64;
    // The share of samples up to a value: by halves, as quantiles are what there is to ask for.
    let share = |value: f64| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..24 {
            let middle = (low + high) / 2.0;
            if samples.quantile(middle) as f64 <= value { low = middle } else { high = middle }
        }
        low
    };
    let (below, up_to) = (share(median - tick / 2.0), share(median + tick / 2.0));
    if tick == 0.0 || up_to <= below {
        return median;
    }
    median + tick * ((0.5 - below) / (up_to - below) - 0.5)
}

/// Nanoseconds from one value of the clock to the next.
pub fn clock_tick() -> f64 {
    let mut last = std::time::Instant::now();
    let steps = (0..10_000).map(|_| {
        let now = std::time::Instant::now();
        let step = now - std::mem::replace(&mut last, now);
        step.as_nanos() as f64
    });
    steps.filter(|&step| step > 0.0).fold(f64::INFINITY, f64::min).min(1000.0)
}
