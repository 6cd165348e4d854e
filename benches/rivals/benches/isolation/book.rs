//! What was measured.

use ringfence::bench::{MEMCPY, Rounds, Samples, median};

/// One thing that was measured, batch by batch.
pub struct Row {
    pub group: &'static str,
    pub name: String,
    /// The row that it is held against: a limit of the machine, or another way to the same end.
    pub limit: Option<String>,
    /// Bytes of a message, if it is a throughput.
    pub bytes: Option<usize>,
    /// Nanoseconds: a batch's median for latencies, its mean a message for throughputs.
    pub batches: Vec<f64>,
    /// The same, of all batches of a round.
    pub rounds: Rounds,
    /// All latencies of all rounds, as they were timed.
    samples: Samples,
}

impl Row {
    /// Median of the rounds, in nanoseconds.
    pub fn nanoseconds(&self) -> f64 {
        self.rounds.median()
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
    /// The round that is under way.
    pub round: u32,
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
        median(self.clocks.clone())
    }

    /// Adds a round of latencies.
    pub fn latency(&mut self, group: &'static str, name: &str, limit: Option<&str>, batches: &[Samples]) {
        let (clock, tick, round) = (self.clock, self.tick, self.round);
        let row = self.entry(group, name, limit, None);
        let mut all = Samples::new();
        for batch in batches {
            all.merge(batch);
            // Never nothing, which criterion could not divide by.
            row.batches.push((grouped_median(batch, tick) - clock).max(0.5));
        }
        row.rounds.push(round, (grouped_median(&all, tick) - clock).max(0.5));
        row.samples.merge(&all);
    }

    /// Adds a round of messages of so many bytes, which were timed many at a time: nanoseconds each.
    pub fn messages(&mut self, group: &'static str, name: &str, bytes: usize, batches: &[f64]) {
        self.add(group, name, Some(MEMCPY).filter(|limit| *limit != name), Some(bytes), batches);
    }

    /// Adds a round of things that were timed many at a time: nanoseconds each.
    pub fn means(&mut self, group: &'static str, name: &str, limit: Option<&str>, batches: &[f64]) {
        self.add(group, name, limit, None, batches);
    }

    fn add(
        &mut self,
        group: &'static str,
        name: &str,
        limit: Option<&str>,
        bytes: Option<usize>,
        batches: &[f64],
    ) {
        let round = self.round;
        let row = self.entry(group, name, limit, bytes);
        row.batches.extend(batches);
        row.rounds.push(round, median(batches.to_vec()));
    }

    /// A quantile of all latencies of a row, in nanoseconds.
    pub fn quantile(&self, row: &Row, quantile: f64) -> Option<f64> {
        let timed = (row.samples.count() > 0).then(|| row.samples.quantile(quantile) as f64);
        timed.map(|timed| (timed - self.clock()).max(0.0))
    }

    /// How a row stands to its limit: so many times slower, or so much of the throughput.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        ratio(row, self.row(row.limit.as_deref()?)?)
    }

    fn entry(
        &mut self,
        group: &'static str,
        name: &str,
        limit: Option<&str>,
        bytes: Option<usize>,
    ) -> &mut Row {
        let index = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let (name, limit) = (name.to_owned(), limit.map(str::to_owned));
            let (batches, rounds) = (Vec::new(), Rounds::default());
            self.rows.push(Row { group, name, limit, bytes, batches, rounds, samples: Samples::new() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }
}

/// How one row stands to another, as the median of the rounds' ratios: so many times slower, or so many times the
/// throughput. `None` if they have no round in common.
pub fn ratio(row: &Row, other: &Row) -> Option<f64> {
    match (row.bytes, other.bytes) {
        (Some(bytes), Some(others)) => {
            let share = bytes as f64 / others as f64;
            row.rounds.with(&other.rounds, |each, other| share * other / each)
        }
        _ => row.rounds.ratio(&other.rounds),
    }
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
