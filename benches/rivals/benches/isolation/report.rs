//! Hands the batches to criterion, and writes the summary.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use criterion::{Criterion, SamplingMode, Throughput};
use ringfence::bench::{rate_text, ratio_text, time_text};
use serde_json::{Value, json};

use crate::Plan;
use crate::bars::Verdict;
use crate::book::{Book, Row};

/// Has criterion judge the batches, each of which is one of its samples.
pub fn criterion(book: &Book) {
    let mut criterion = Criterion::default().configure_from_args();
    for rows in in_groups(book).chunk_by(|one, other| one.group == other.group) {
        let mut group = criterion.benchmark_group(rows[0].group);
        // What was measured is only told: neither a warm-up nor a target time means anything.
        group.warm_up_time(Duration::from_nanos(1)).measurement_time(Duration::from_micros(100));
        group.sampling_mode(SamplingMode::Flat).nresamples(10_000);
        for row in rows {
            if let Some(bytes) = row.bytes {
                group.throughput(Throughput::Bytes(bytes as u64));
            }
            group.sample_size(row.batches.len().max(10));
            let mut batches = row.batches.iter().cycle();
            group.bench_function(&row.name, |bencher| {
                bencher.iter_custom(|passes| {
                    let each = batches.next().copied().unwrap_or_default();
                    Duration::from_secs_f64(each * passes as f64 / 1e9)
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

/// The rows, those of a group together, and otherwise in the order in which they were first measured.
fn in_groups(book: &Book) -> Vec<&Row> {
    let first = |row: &Row| book.rows().iter().position(|other| other.group == row.group);
    let mut rows: Vec<&Row> = book.rows().iter().collect();
    rows.sort_by_key(|row| first(row));
    rows
}

/// Prints all rows, and the bars.
pub fn print(book: &Book, verdicts: &[Verdict]) {
    println!(
        "\nMedians over the rounds; {:.0} ns of reading the clock are taken off latencies.",
        book.clock()
    );
    let mut group = "";
    for row in in_groups(book) {
        if row.group != group {
            group = row.group;
            println!("\n{group:<52} {:>11} {:>11} {:>11}  to its limit", "median", "p99", "p99.9");
        }
        let value = row.rate().map_or_else(|| time_text(row.nanoseconds()), rate_text);
        let quantile = |q| book.quantile(row, q).map_or_else(String::new, time_text);
        let ratio = book.ratio(row).zip(row.limit.as_deref());
        let ratio =
            ratio.map_or_else(String::new, |(ratio, limit)| format!("{} × {limit}", ratio_text(ratio)));
        println!("  {:<50} {:>11} {:>11} {:>11}  {ratio}", row.name, value, quantile(0.99), quantile(0.999));
    }
    println!("\n{:<44} {:<36} {:>10} {:>10}", "bar", "", "value", "bound");
    for verdict in verdicts {
        let number = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| format!("{value:.2}"));
        let mark = match verdict.is_met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "not measured",
        };
        println!(
            "  {:<42} {:<36} {:>10} {:>10}  {mark}",
            verdict.name,
            verdict.bar,
            number(verdict.value),
            number(Some(verdict.bound))
        );
    }
    for note in &book.left_out {
        println!("left out: {note}");
    }
}

/// Writes the summary for machines, and returns where.
pub fn write(plan: &Plan, book: &Book, verdicts: &[Verdict]) -> io::Result<PathBuf> {
    let rows: Vec<Value> = book.rows().iter().map(|row| row_json(book, row)).collect();
    let bars: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            json!({
                "name": verdict.name,
                "bar": verdict.bar,
                "value": verdict.value,
                "bound": verdict.bound,
                "met": verdict.is_met(),
            })
        })
        .collect();
    let summary = json!({
        "rounds": plan.rounds,
        "pinned": [plan.processors.0, plan.processors.1],
        "clock_ns": book.clock(),
        "clock_tick_ns": book.tick,
        "rows": rows,
        "bars": bars,
        "left_out": book.left_out,
    });
    // Cargo's own directory for what tests and benches write, in the target directory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(Path::new("."));
    let path = target.join("isolation.json");
    fs::write(&path, format!("{summary:#}\n"))?;
    Ok(path)
}

fn row_json(book: &Book, row: &Row) -> Value {
    json!({
        "group": row.group,
        "name": row.name,
        "ns": row.nanoseconds(),
        "bytes_per_second": row.rate(),
        "p99_ns": book.quantile(row, 0.99),
        "p999_ns": book.quantile(row, 0.999),
        "limit": row.limit,
        "ratio": book.ratio(row),
        "batches_ns": row.batches,
    })
}
