//! A module: a table of numbers, read from a file while the module is loaded, and looked up later.

use std::fs;

use ringfence::ipc::CallError;

use tiny::{Tiny, TinyEvents};

/// The interface, as the build script made it of `tiny.mojom`.
pub mod tiny {
    include!(concat!(env!("OUT_DIR"), "/tiny.rs"));
}

/// The module.
pub struct Table {
    events: Box<dyn TinyEvents + Send>,
    values: Vec<f32>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("values", &self.values).finish_non_exhaustive()
    }
}

impl Table {
    /// An empty table that reports to `events`.
    #[must_use]
    pub fn new(events: Box<dyn TinyEvents + Send>) -> Self {
        Self { events, values: Vec::new() }
    }
}

impl Tiny for Table {
    fn load(&mut self, path: &str) -> Result<u32, CallError> {
        let fail = |why: String| CallError::Module(format!("{path}: {why}"));
        let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let values: Result<_, _> = text.lines().map(str::parse).collect();
        self.values = values.map_err(|error: std::num::ParseFloatError| fail(error.to_string()))?;
        Ok(self.values.len() as u32)
    }

    fn lookup(&mut self, index: u32) -> Result<f32, CallError> {
        let value = self.values.get(index as usize).copied();
        if value.is_none() {
            self.events.missed(index);
        }
        Ok(value.unwrap_or_default())
    }

    fn trip(&mut self, stone: u32) -> Result<(), CallError> {
        panic!("it tripped over {stone}");
    }
}

ringfence::export_module! {
    name: "tiny",
    version: (0, 1, 0),
    pipeline: "example",
    pipeline_versions: 1..=1,
    interface: tiny::INTERFACE,
    serve: |endpoint| tiny::serve(endpoint, Table::new),
    loads_until: "load",
}
