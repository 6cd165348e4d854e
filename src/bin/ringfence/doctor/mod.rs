//! `ringfence doctor`: what this system offers for workers, tried for real, and what it costs where it does not.

mod child;
mod devices;
mod sandbox;
mod speed;

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::failure::Failure;
use crate::output::{print, print_json};

/// How it stands with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is there.
    Ok,
    /// It is not, and things go on without it.
    Missing,
    /// It is not, and `SandboxPolicy::strict` starts no worker without it.
    Required,
}

/// Something that was looked for.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found, or what its lack costs.
    found: String,
    /// A command or a setting that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), mend: None }
    }

    fn missing(name: &'static str, costs: impl Into<String>) -> Self {
        Self { name, state: State::Missing, found: costs.into(), mend: None }
    }

    fn required(name: &'static str, costs: impl Into<String>) -> Self {
        Self { state: State::Required, ..Self::missing(name, costs) }
    }

    fn mend(self, how: impl Into<Option<String>>) -> Self {
        Self { mend: how.into(), ..self }
    }
}

/// Looks at everything. Fails if no worker can be started in a strict sandbox.
pub fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let checks: Vec<Check> =
        sandbox::checks().into_iter().chain(speed::checks()).chain(devices::checks()).collect();
    let strict = checks.iter().all(|check| check.state != State::Required);
    if args.json {
        print_json(&serde_json::json!({ "strict": strict, "checks": checks }))?;
    } else {
        print(&as_text(&checks, strict))?;
    }
    Ok(if strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_text(checks: &[Check], strict: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Missing => "missing",
            State::Required => "MISSING",
        };
        let mend = check.mend.as_ref().map_or_else(String::new, |mend| format!("; to mend it: {mend}"));
        table.add_row([check.name, state, &format!("{}{mend}", check.found)]);
    }
    let summary = if strict {
        "workers can be started in a strict sandbox"
    } else {
        "NO worker can be started in a strict sandbox: what is MISSING has to be there, or the policy be best-effort"
    };
    format!("{table}\n\n{summary}\n")
}

/// A setting of the kernel, if it has it.
fn setting(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_in_a_line() {
        let checks = [
            Check::ok("one", "fine"),
            Check::missing("two", "slower").mend("sysctl -w x=1".to_owned()),
            Check::required("three", "no sandbox"),
        ];
        let text = as_text(&checks, false);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["one", "ok", "fine"]);
        assert_eq!(lines[1].join(" "), "two missing slower; to mend it: sysctl -w x=1");
        assert_eq!(lines[2][..2], ["three", "MISSING"]);
    }
}
