//! `ringfence sandbox-probe`: a worker tries what no worker may do, and what stopped it is told.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::ValueEnum;
use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use ringfence::ipc::Layers;
use ringfence::probe::{Finding, Outcome, Probe, Stage, attempts};
use serde_json::{Value, json};

use crate::cli::{SandboxName, SandboxProbeArgs};
use crate::failure::{Failure, printable};
use crate::output::{print, print_json};

/// Makes every attempt. Fails if one got through.
pub fn probe(args: &SandboxProbeArgs) -> Result<ExitCode, Failure> {
    let probe = Probe::new(args.policy.into());
    if args.policy == SandboxName::Off {
        eprintln!(
            "WARNING: without a sandbox the attempts may succeed; they do no harm, but to files in the temporary folder"
        );
    }
    let attempts = attempts();
    let progress = if args.json || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(attempts.len() as u64)
    };
    let mut findings = Vec::with_capacity(attempts.len());
    for attempt in &attempts {
        progress.set_message(attempt.name);
        findings.push(probe.run(attempt).map_err(Failure::work)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let layers = findings.iter().filter_map(|finding| finding.layers).fold(Layers::empty(), Layers::union);
    if args.json {
        print_json(&as_json(args.policy, layers, &findings))?;
    } else {
        print(&as_text(layers, &findings))?;
    }
    let stopped = findings.iter().all(|finding| finding.outcome.is_stopped());
    Ok(if stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In a word.
fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Stopped(_) => "stopped",
        Outcome::Through(_) => "GOT THROUGH",
        Outcome::Unclear(_) => "UNCLEAR",
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Loading => "loading",
        Stage::Serving => "serving",
    }
}

fn as_text(layers: Layers, findings: &[Finding]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["while", "what a worker tried", "", "what came of it"]);
    for finding in findings {
        let Finding { attempt, outcome, .. } = finding;
        let came = printable(&outcome.to_string());
        table.add_row([stage(attempt.stage), attempt.what, verdict(outcome), &came]);
    }
    let stopped = findings.iter().filter(|finding| finding.outcome.is_stopped()).count();
    format!("sandbox: {layers}\n\n{table}\n\n{stopped} of {} attempts stopped\n", findings.len())
}

fn as_json(policy: SandboxName, layers: Layers, findings: &[Finding]) -> Value {
    let attempts: Vec<Value> = findings
        .iter()
        .map(|Finding { attempt, outcome, .. }| {
            json!({
                "name": attempt.name,
                "what": attempt.what,
                "stage": stage(attempt.stage),
                "stopped": outcome.is_stopped(),
                "outcome": outcome.to_string(),
            })
        })
        .collect();
    json!({
        "policy": policy.to_possible_value().map(|value| value.get_name().to_owned()),
        "layers": layers.iter_names().map(|(name, _)| name.to_lowercase().replace('_', "-")).collect::<Vec<_>>(),
        "stopped": findings.iter().filter(|finding| finding.outcome.is_stopped()).count(),
        "attempts": attempts,
    })
}
