//! A message as a line, or as an object.

use std::fmt::Write;

use ringfence::bench::time_text;
use ringfence::ipc::observe::{Direction, TraceRecord};
use serde_json::{Map, Value, json};

use super::decode::{Body, Decoder};
use super::filter::KindName;
use crate::failure::printable;

/// How to tell it.
#[derive(Debug)]
pub struct Style {
    pub json: bool,
    /// With the bytes.
    pub raw: bool,
    /// Columns, if they are limited.
    pub width: Option<usize>,
}

/// What is told of a message.
#[derive(Debug)]
pub struct Entry<'a> {
    pub record: &'a TraceRecord,
    pub name: &'a str,
    /// When the first message was.
    pub started_ns: u64,
    /// How long the call took that it ends.
    pub latency_ns: Option<u64>,
    /// What is in it, if its interface is at hand.
    pub body: Option<&'a Body>,
}

impl Entry<'_> {
    /// A line, and one more with the bytes if they are wanted.
    pub fn as_text(&self, style: &Style, decoder: Option<&Decoder<'_>>) -> String {
        let record = self.record;
        let seconds = record.at_ns.saturating_sub(self.started_ns) as f64 / 1e9;
        let arrow = if record.direction() == Direction::ToModule { '→' } else { '←' };
        let kind = KindName::text(record.kind);
        let mut line = format!("{seconds:>12.6}  {arrow}  {kind:<5}  {}", self.name);
        if record.sequence != 0 {
            let _ = write!(line, " #{}", record.sequence);
        }
        if let Some(latency) = self.latency_ns {
            let _ = write!(line, ", after {}", time_text(latency as f64));
        }
        let _ = write!(line, ", {} B", record.total_bytes);
        match record.fds {
            0 => {}
            1 => line.push_str(", 1 fd"),
            count => {
                let _ = write!(line, ", {count} fds");
            }
        }
        let values = |values: &Value| decoder.map(|it| it.text(record.kind, record.number, values));
        match self.body {
            Some(Body::Values { values: value, remarks }) => {
                if let Some(text) = values(value).filter(|text| !text.is_empty()) {
                    let _ = write!(line, " ({text})");
                }
                for remark in remarks {
                    let _ = write!(line, " [{remark}]");
                }
            }
            Some(Body::Fault(why)) => {
                let _ = write!(line, " failed: {why:?}");
            }
            Some(Body::Unreadable(why)) => {
                let _ = write!(line, " [cannot be read: {why}]");
            }
            None => {}
        }
        let mut text = cut(&printable(&line), style.width) + "\n";
        if style.raw {
            let bytes = format!("{:>12}     bytes  {}", "", hexadecimal(&record.payload));
            text += &(cut(&bytes, style.width) + "\n");
        }
        text
    }

    /// An object, of whose members those that have nothing to say are left out.
    pub fn as_json(&self, style: &Style) -> Value {
        let record = self.record;
        let mut object = Map::new();
        let mut add = |name: &str, value: Value| object.insert(name.to_owned(), value);
        add("at_ns", json!(record.at_ns));
        add(
            "direction",
            json!(if record.direction() == Direction::ToModule { "to-module" } else { "to-host" }),
        );
        add("kind", json!(KindName::text(record.kind)));
        add("name", json!(self.name));
        add("number", json!(record.number));
        add("sequence", json!(record.sequence));
        add("fds", json!(record.fds));
        add("bytes", json!(record.total_bytes));
        if let Some(latency) = self.latency_ns {
            add("latency_ns", json!(latency));
        }
        match self.body {
            Some(Body::Values { values, remarks }) => {
                add("values", values.clone());
                if !remarks.is_empty() {
                    add("remarks", json!(remarks));
                }
            }
            Some(Body::Fault(why)) => {
                add("fault", json!(why));
            }
            Some(Body::Unreadable(why)) => {
                add("unreadable", json!(why));
            }
            None => {}
        }
        if style.raw {
            add("raw", json!(hexadecimal(&record.payload)));
        }
        Value::Object(object)
    }
}

/// The text in one line of this many columns, whose end says if there was more.
fn cut(text: &str, width: Option<usize>) -> String {
    // Tabs and ends of lines have no place in a line.
    let text = text.replace(['\n', '\t'], " ");
    match width {
        Some(width) if text.chars().count() > width => {
            text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        }
        _ => text,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_end_in_dots() {
        assert_eq!(cut("→ call\nx", None), "→ call x");
        assert_eq!(cut("→ call", Some(6)), "→ call");
        assert_eq!(cut("→ calls", Some(6)), "→ cal…");
        assert_eq!(cut("→ calls", Some(1)), "…");
    }
}
