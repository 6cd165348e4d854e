//! Connections of running hosts, as the user names them.

use std::fs;

use ringfence::ipc::observe::{self, Observed};
use serde::Serialize;

use crate::failure::Failure;

/// Lets everybody else run first, the processes that are looked at above all.
pub fn step_back() {
    // Where it is refused, looking disturbs a little more.
    let _ = rustix::process::setpriority_process(None, 19);
}

/// What a connection is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Sixteen hexadecimal digits, which both sides log too.
    pub connection: String,
    pub host_pid: u32,
    /// Name of the host's process.
    pub host: String,
    pub worker_pid: Option<u32>,
    /// `threaded` or `isolated`.
    pub mode: String,
    /// Component or module that the worker serves.
    pub component: String,
    /// What the host calls the connection.
    pub label: String,
    pub interface: String,
    pub interface_hash: String,
    pub encoding: &'static str,
}

impl Identity {
    pub fn of(observed: &Observed) -> Self {
        Self {
            connection: observed.id.to_string(),
            host_pid: observed.host_pid,
            host: process_name(observed.host_pid),
            worker_pid: observed.worker_pid,
            mode: observed.mode.to_string(),
            component: observed.component.clone(),
            label: observed.label.clone(),
            interface: observed.interface.clone(),
            interface_hash: crate::catalog::hash_text(observed.interface_hash),
            encoding: observed.encoding.name(),
        }
    }

    /// Whether the user means it: by a process id of either side, its number, its label, or the name of what is served,
    /// of the interface or of the host's program.
    fn is_called(&self, target: &str) -> bool {
        if let Ok(pid) = target.parse::<u32>()
            && (self.host_pid == pid || self.worker_pid == Some(pid))
        {
            return true;
        }
        // A module's path has a name at its end.
        let file = self.component.rsplit('/').next().unwrap_or_default();
        let names = [&self.connection, &self.label, &self.component, &self.interface, &self.host];
        !target.is_empty() && (names.into_iter().any(|name| name == target) || file == target)
    }

    /// In a few words, with the number by which no other is called.
    fn describe(&self) -> String {
        let mut text = format!("{} ({} {}", self.connection, self.host, self.host_pid);
        if let Some(pid) = self.worker_pid {
            text += &format!(", worker {pid}");
        }
        for (what, name) in [("", &self.component), ("labelled ", &self.label)] {
            if !name.is_empty() {
                text += &format!(", {what}{name}");
            }
        }
        text + ")"
    }
}

/// The connection that the user means.
pub fn choose(target: &str) -> Result<(Observed, Identity), Failure> {
    let open = observe::connections().into_iter().filter(Observed::is_open);
    let all: Vec<_> = open.map(|observed| (Identity::of(&observed), observed)).collect();
    let identities: Vec<&Identity> = all.iter().map(|(identity, _)| identity).collect();
    let index = one(&identities, target).map_err(Failure::input)?;
    let (identity, observed) = all.into_iter().nth(index).expect("the index is of this list");
    Ok((observed, identity))
}

/// The place of the only one that is called so.
fn one(all: &[&Identity], target: &str) -> Result<usize, String> {
    let called: Vec<usize> =
        all.iter().enumerate().filter(|(_, known)| known.is_called(target)).map(|(index, _)| index).collect();
    let list = |chosen: &mut dyn Iterator<Item = &&Identity>| {
        chosen.map(|known| known.describe()).collect::<Vec<_>>().join("; ")
    };
    match called[..] {
        [index] => Ok(index),
        [] if all.is_empty() => {
            Err(format!("no connection is called {target:?}: this user's processes have none at all"))
        }
        [] => Err(format!("no connection is called {target:?}; there are {}", list(&mut all.iter()))),
        _ => {
            let several = list(&mut called.iter().map(|index| &all[*index]));
            Err(format!(
                "{} connections are called {target:?}; choose one by its number: {several}",
                called.len()
            ))
        }
    }
}

/// Name of a process, as the kernel has it; a question mark if it is gone.
fn process_name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map_or_else(|_| "?".to_owned(), |name| name.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: u64, host_pid: u32, worker_pid: u32, label: &str) -> Identity {
        Identity {
            connection: format!("{number:016x}"),
            host_pid,
            host: "camera".to_owned(),
            worker_pid: Some(worker_pid),
            component: "/opt/modules/rpi.so".to_owned(),
            label: label.to_owned(),
            interface: "ipa.RPi.IPARPiInterface".to_owned(),
            ..Identity::default()
        }
    }

    #[test]
    fn a_connection_has_many_names() {
        let (first, second) = (connection(0xa, 10, 11, "front"), connection(0xb, 20, 21, "back"));
        let all = [&first, &second];
        for name in ["10", "11", "000000000000000a", "front"] {
            assert_eq!(one(&all, name), Ok(0), "{name}");
        }
        assert_eq!(one(&all, "21"), Ok(1));
        for name in ["rpi.so", "/opt/modules/rpi.so", "camera", "ipa.RPi.IPARPiInterface"] {
            assert_eq!(one(&all[..1], name), Ok(0), "{name}");
            let error = one(&all, name).unwrap_err();
            assert!(error.starts_with("2 connections are called"), "{error}");
            assert!(error.contains("000000000000000b (camera 20, worker 21, "), "{error}");
        }
        let error = one(&all, "side").unwrap_err();
        assert!(error.contains("no connection is called \"side\"; there are 000000000000000a ("), "{error}");
        assert!(error.contains("labelled back") && !error.contains('\n'), "{error}");
        assert!(one(&[], "side").unwrap_err().contains("none at all"));
        assert!(one(&all, "").is_err());
    }
}
