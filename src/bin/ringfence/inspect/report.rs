//! What was found out, as text and as an object.

use std::fmt::Write;

use ringfence::ipc::module::ModuleInfo;
use ringfence::rpi::libcamera::InterfaceVersion;
use serde_json::{Value, json};

use super::facts::hexadecimal;
use super::{Inspection, Kind, Signed};
use crate::catalog::{Found, hash_text};
use crate::failure::printable;

/// In paragraphs. What the file's author has written cannot do anything to a terminal.
pub fn as_text(inspection: &Inspection<'_>) -> String {
    let mut lines = Lines(String::new());
    let facts = &inspection.facts;
    let what = match &inspection.kind {
        Kind::Module(_) => "a module of ringfence",
        Kind::Libcamera(..) => "an IPA module of libcamera",
        Kind::Neither(why) => why,
    };
    let _ = writeln!(lines.0, "{}: {}", printable(&inspection.path.display().to_string()), printable(what));
    lines.add("file", &format!("{} bytes, {} for {}", facts.bytes, facts.kind, facts.architecture));
    lines.add("SHA-256", &facts.sha256);
    lines.add("libraries", &or_none(&facts.needed.join(", ")));
    lines.add("run paths", &or_none(&facts.run_paths.join(", ")));
    match &inspection.kind {
        Kind::Module(module) => about_module(&mut lines, module.info()),
        Kind::Libcamera(info, version) => {
            lines.add("name", &info.name);
            lines.add("versions", &format!("pipeline {}, module API {}", info.pipeline_version, info.api));
            lines.add(
                "speaks",
                &match release(*version) {
                    Some((release, encoding)) => format!("{encoding}, as libcamera {release} does"),
                    None => "unknown: it is of no libcamera release that is known here".to_owned(),
                },
            );
        }
        Kind::Neither(_) => return lines.0,
    }
    if matches!(inspection.kind, Kind::Module(_)) {
        lines.add(
            "signature",
            &match &inspection.signature {
                Signed::No => "none: it runs in a worker".to_owned(),
                Signed::By { key, place } => format!("valid, of key {key} ({place})"),
                Signed::Unknown { keys: 0 } => {
                    "there is one, and no key to verify it with; name a folder by --keys".to_owned()
                }
                Signed::Unknown { keys } => format!("NOT VALID for this file under any of {keys} keys"),
                Signed::Unusable(why) => format!("NOT VALID: {why}"),
            },
        );
    }
    if let Some((asked, found)) = &inspection.interface {
        lines.add("interface", &format!("{}, hash {}", asked.name, hash_text(asked.hash)));
        match found {
            Found::Fits(known) => {
                let _ = write!(lines.0, "\n  // {}\n", printable(&known.origin));
                for line in known.mojom().lines() {
                    let _ = writeln!(lines.0, "{}{line}", if line.is_empty() { "" } else { "  " });
                }
            }
            Found::Differs(known) => lines.add(
                "",
                &format!(
                    "ANOTHER VERSION than that at hand, of hash {} ({}); name its file by --interface",
                    hash_text(known.hash),
                    known.origin
                ),
            ),
            Found::Unknown => lines.add("", "not at hand; name its file by --interface to see its methods"),
        }
    }
    lines.0
}

fn about_module(lines: &mut Lines, info: &ModuleInfo) {
    lines.add("name", &format!("{} {}", info.name, info.version));
    let (first, last) = (info.pipeline_versions.start(), info.pipeline_versions.end());
    let versions =
        if first == last { format!("version {first}") } else { format!("versions {first} to {last}") };
    lines.add("pipeline", &format!("{}, {versions}", info.pipeline));
    let protocol = if info.protocol == ModuleInfo::PROTOCOL {
        format!("protocol {}", info.protocol)
    } else {
        format!(
            "protocol {}, which this ringfence does NOT: it speaks {}",
            info.protocol,
            ModuleInfo::PROTOCOL
        )
    };
    lines.add("speaks", &format!("{}; {protocol}", or_none(&encodings(info).join(", "))));
    lines.add(
        "loads files",
        &match &info.loads_until {
            Some(method) => format!("until its first `{method}` has returned"),
            None => "until the handshake".to_owned(),
        },
    );
}

/// Lines with a name and what there is to say.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "  {name:<11}  {}", printable(text));
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

fn encodings(info: &ModuleInfo) -> Vec<String> {
    let name = |number: &u32| match *number {
        ModuleInfo::NATIVE => "native".to_owned(),
        other => format!("encoding {other}"),
    };
    info.encodings.iter().map(name).collect()
}

/// The release of a version of libcamera's interfaces, and the encoding that it speaks.
fn release(version: Option<InterfaceVersion>) -> Option<(&'static str, &'static str)> {
    Some(match version? {
        InterfaceVersion::V0_0_3 => ("0.0.3", "libcamera-1"),
        InterfaceVersion::Newest => ("newest", "libcamera-2"),
    })
}

/// As docs/tools.md describes it.
pub fn as_json(inspection: &Inspection<'_>) -> Value {
    let (kind, module, libcamera, problem) = match &inspection.kind {
        Kind::Module(module) => ("ringfence", module_json(module.info(), module.record()), Value::Null, None),
        Kind::Libcamera(info, version) => {
            let (release, encoding) = release(*version).unzip();
            let info = json!({
                "name": info.name,
                "pipeline_version": info.pipeline_version,
                "api": info.api,
                "release": release,
                "encoding": encoding,
            });
            ("libcamera", Value::Null, info, None)
        }
        Kind::Neither(why) => ("none", Value::Null, Value::Null, Some(why)),
    };
    let signature = match &inspection.signature {
        Signed::No => json!({ "state": "none" }),
        Signed::By { key, place } => json!({ "state": "valid", "key": key, "place": place }),
        Signed::Unknown { keys } => json!({ "state": "unknown", "keys": keys }),
        Signed::Unusable(why) => json!({ "state": "unusable", "problem": why }),
    };
    let interface = inspection.interface.as_ref().map(|(asked, found)| {
        let (state, known) = match found {
            Found::Fits(known) => ("fits", Some(known.as_json())),
            Found::Differs(known) => ("differs", Some(known.as_json())),
            Found::Unknown => ("unknown", None),
        };
        json!({ "name": asked.name, "hash": hash_text(asked.hash), "state": state, "at_hand": known })
    });
    json!({
        "path": inspection.path.display().to_string(),
        "kind": kind,
        "problem": problem,
        "file": inspection.facts,
        "module": module,
        "libcamera": libcamera,
        "signature": signature,
        "interface": interface,
    })
}

fn module_json(info: &ModuleInfo, record: &[u8]) -> Value {
    json!({
        "name": info.name,
        "version": info.version.to_string(),
        "pipeline": info.pipeline,
        "pipeline_versions": [info.pipeline_versions.start(), info.pipeline_versions.end()],
        "interface": info.interface,
        "interface_hash": hash_text(info.interface_hash),
        "protocol": info.protocol,
        "encodings": encodings(info),
        "loads_until": info.loads_until,
        "record": hexadecimal(record),
    })
}
