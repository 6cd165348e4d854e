//! What was measured, as rows of a table.

use super::rounds::Rounds;
use super::samples::Samples;

/// What a row is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds: less is better.
    Nanoseconds,
    /// Bytes a second: more is better.
    BytesPerSecond,
    /// Nanoseconds of CPU time a frame, of both sides: less is better.
    CpuPerFrame,
}

/// One thing that was measured.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which part of the comparison it belongs to.
    pub group: &'static str,
    /// What it is.
    pub name: String,
    /// What it is measured in.
    pub unit: Unit,
    /// Name of the row that it is compared with: a limit of the machine, or another way to the same end.
    pub limit: Option<String>,
    /// One value a round: medians, for latencies.
    pub(super) rounds: Rounds,
    /// All latencies of all rounds.
    pub(super) samples: Samples,
}

impl Row {
    /// Median of the rounds.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.rounds.median()
    }

    /// A quantile of all latencies, in nanoseconds; `None` if it is no latency.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        (self.samples.count() > 0).then(|| self.samples.quantile(quantile))
    }
}

/// All rows.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    rows: Vec<Row>,
    /// The round that is under way.
    pub(super) round: u32,
}

impl Comparison {
    /// The rows, in the order in which they were first measured.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// How a row stands to its limit, as the median of the rounds' ratios: above 1 it is so many times slower, or so much
    /// of the throughput. `None` if it has no limit, or that was not measured.
    #[must_use]
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        row.rounds.ratio(&self.row(row.limit.as_deref()?)?.rounds)
    }

    /// Adds this round's value of a thing that is no latency.
    pub(super) fn value(
        &mut self,
        group: &'static str,
        name: &str,
        unit: Unit,
        limit: Option<&str>,
        value: f64,
    ) {
        let round = self.round;
        self.entry(group, name, unit, limit).rounds.push(round, value);
    }

    /// Adds this round's latencies.
    pub(super) fn latency(
        &mut self,
        group: &'static str,
        name: &str,
        limit: Option<&str>,
        samples: &Samples,
    ) {
        let round = self.round;
        let row = self.entry(group, name, Unit::Nanoseconds, limit);
        row.rounds.push(round, samples.p50() as f64);
        row.samples.merge(samples);
    }

    fn entry(&mut self, group: &'static str, name: &str, unit: Unit, limit: Option<&str>) -> &mut Row {
        let index = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let (name, limit) = (name.to_owned(), limit.map(str::to_owned));
            let (rounds, samples) = (Rounds::default(), Samples::new());
            self.rows.push(Row { group, name, unit, limit, rounds, samples });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }
}
