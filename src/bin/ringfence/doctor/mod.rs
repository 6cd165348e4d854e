//! `ringfence doctor`: what this system offers for workers, tried for real, and what it costs where it does not.
//!
//! Each file here looks at one [`Area`]. A check never changes anything but what ends with it.

mod child;
mod connections;
mod devices;
mod files;
mod limits;
mod sandbox;
mod speed;
mod watching;

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::failure::{Failure, printable};
use crate::output::{print, print_json};

/// How to look.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 if workers can run in the strict sandbox, 1 if they cannot.")]
pub struct DoctorArgs {
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

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

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    Sandbox,
    Connections,
    Speed,
    Limits,
    Buffers,
    Files,
    Watching,
}

impl Area {
    /// What people read.
    const fn title(self) -> &'static str {
        match self {
            Self::Sandbox => "what keeps a worker in",
            Self::Connections => "what connections are made of",
            Self::Speed => "what makes calls fast",
            Self::Limits => "limits of this process",
            Self::Buffers => "buffers that a camera's hardware can reach",
            Self::Files => "workers, modules and keys",
            Self::Watching => "looking on, with `ringfence top` and `ringfence trace`",
        }
    }
}

/// Something that was looked for.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found, or what its lack costs.
    found: String,
    /// Commands or settings that help, each by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mend: Vec<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), mend: Vec::new() }
    }

    fn missing(name: &'static str, costs: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::ok(name, costs) }
    }

    fn required(name: &'static str, costs: impl Into<String>) -> Self {
        Self { state: State::Required, ..Self::ok(name, costs) }
    }

    fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend.push(how.into());
        self
    }
}

/// A check with what it is about.
#[derive(Debug, Serialize)]
struct Finding {
    area: Area,
    #[serde(flatten)]
    check: Check,
}

/// Looks at everything. Fails if no worker can be started in a strict sandbox.
pub fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let areas = [
        (Area::Sandbox, sandbox::checks()),
        (Area::Connections, connections::checks()),
        (Area::Speed, speed::checks()),
        (Area::Limits, limits::checks()),
        (Area::Buffers, devices::checks()),
        (Area::Files, files::checks()),
        (Area::Watching, watching::checks()),
    ];
    let findings: Vec<Finding> = areas
        .into_iter()
        .flat_map(|(area, checks)| checks.into_iter().map(move |check| Finding { area, check }))
        .collect();
    let strict = findings.iter().all(|finding| finding.check.state != State::Required);
    if args.json {
        print_json(&serde_json::json!({ "strict": strict, "checks": findings }))?;
    } else {
        print(&as_text(&findings, strict))?;
    }
    Ok(if strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_text(findings: &[Finding], strict: bool) -> String {
    let mut text = String::new();
    let widest = findings.iter().map(|finding| finding.check.name.len()).max().unwrap_or(0);
    let mut area = None;
    for finding in findings {
        if area.replace(finding.area) != Some(finding.area) {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{}", finding.area.title());
        }
        let Check { name, state, found, mend } = &finding.check;
        let state = match state {
            State::Ok => "ok",
            State::Missing => "missing",
            State::Required => "MISSING",
        };
        let _ = writeln!(text, "  {state:<7}  {name:<widest$}  {}", printable(found));
        for how in mend {
            let _ = writeln!(text, "  {:<7}  {:<widest$}  to mend it: {}", "", "", printable(how));
        }
    }
    let summary = if strict {
        "workers can be started in a strict sandbox"
    } else {
        "NO worker can be started in a strict sandbox: what is MISSING has to be there, or the policy be best-effort"
    };
    format!("{text}\n{summary}\n")
}

/// A setting of the kernel, if it has it.
fn setting(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_in_lines_below_what_it_is_about() {
        let checks = [
            (Area::Sandbox, Check::ok("one", "fine")),
            (Area::Sandbox, Check::missing("two", "slower").mend("sysctl -w x=1").mend("or this")),
            (Area::Limits, Check::required("three", "no sandbox\x1b[2J")),
        ];
        let findings = checks.map(|(area, check)| Finding { area, check });
        let text = as_text(&findings, false);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(
            lines[..7],
            [
                "what keeps a worker in",
                "ok one fine",
                "missing two slower",
                "to mend it: sysctl -w x=1",
                "to mend it: or this",
                "limits of this process",
                "MISSING three no sandbox\\u{1b}[2J",
            ]
        );
        assert!(lines[7].starts_with("NO worker can be started"), "{text}");
    }
}
