//! `ringfence bench`: what isolation costs on this machine.

use std::fs;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use ringfence::bench::{Comparison, Place, Plan, Row, Unit, rate_text, ratio_text, time_text};
use serde_json::{Value, json};

use crate::bars;
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::machine::Machine;
use crate::output::{print, print_json};

/// Runs the comparison.
pub fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    fs::create_dir_all(&args.out)
        .map_err(|error| Failure::input(format!("--out {}: {error}", args.out.display())))?;
    let machine = Machine::look(args.unpinned);
    let plan = Plan {
        rounds: if args.quick { 1 } else { 5 },
        quick_calls: if args.quick { 20_000 } else { 40_000 },
        place: machine.place,
        frames: 8,
    };
    if !args.json {
        print(&format!("{}\n", machine.text()))?;
    }
    if let Some(warning) = machine.warning() {
        eprintln!("{warning}");
    }
    let progress = if args.json || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner()
    };
    progress.enable_steady_tick(Duration::from_millis(100));
    let comparison = Comparison::measure(&plan, |what| progress.set_message(what.to_owned()));
    progress.finish_and_clear();
    let comparison = comparison.map_err(Failure::work)?;

    let chart = args.out.join("bench.svg");
    bars::write(&chart, &comparison)?;
    if args.json {
        print_json(&as_json(&machine, &plan, &comparison))?;
    } else {
        print(&format!("\n{}\nwrote {}\n", tables(&comparison), chart.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tables(comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut rows = comparison.rows().to_vec();
    // Stable: rows of a group stay in the order in which they were measured.
    let groups: Vec<&str> = rows.iter().map(|row| row.group).fold(Vec::new(), |mut seen, group| {
        if !seen.contains(&group) {
            seen.push(group);
        }
        seen
    });
    rows.sort_by_key(|row| groups.iter().position(|group| *group == row.group));
    for group in groups {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([group, "median", "p99", "p99.9", "to its limit"]);
        for row in rows.iter().filter(|row| row.group == group) {
            let quantile = |q| row.quantile(q).map_or_else(String::new, |ns| value_text(row, ns as f64));
            let ratio = comparison.ratio(row).zip(row.limit.as_deref());
            let ratio =
                ratio.map_or_else(String::new, |(ratio, limit)| format!("{} × {limit}", ratio_text(ratio)));
            let name = row.name.clone();
            table.add_row([name, value_text(row, row.value()), quantile(0.99), quantile(0.999), ratio]);
        }
        for column in table.column_iter_mut().skip(1).take(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text += &format!("{table}\n\n");
    }
    text
}

/// A value with its unit, as people read it.
pub fn value_text(row: &Row, value: f64) -> String {
    match row.unit {
        Unit::BytesPerSecond => rate_text(value),
        Unit::Nanoseconds | Unit::CpuPerFrame => time_text(value),
    }
}

fn as_json(machine: &Machine, plan: &Plan, comparison: &Comparison) -> Value {
    let rows: Vec<Value> = comparison
        .rows()
        .iter()
        .map(|row| {
            json!({
                "group": row.group,
                "name": row.name,
                "unit": match row.unit {
                    Unit::Nanoseconds => "ns",
                    Unit::BytesPerSecond => "bytes/s",
                    Unit::CpuPerFrame => "cpu_ns/frame",
                },
                "value": row.value(),
                "p99": row.quantile(0.99),
                "p999": row.quantile(0.999),
                "limit": row.limit,
                "ratio": comparison.ratio(row),
            })
        })
        .collect();
    json!({
        "processors": machine.processors,
        "model": machine.model,
        "virtual_machine": machine.is_virtual,
        "pinned": match machine.place {
            Place::Pinned { host, module } => json!([host, module]),
            Place::Free | Place::Shared => Value::Null,
        },
        "share_one_processor": machine.place == Place::Shared,
        "rounds": plan.rounds,
        "rows": rows,
    })
}
