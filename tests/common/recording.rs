//! Recorded sessions between libcamera's hosts and workers.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Where recordings of libcamera itself are.
pub const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wire/tests/golden");

/// A message: two datagrams of the recording.
#[derive(Debug)]
pub struct Message {
    /// Whether the host sent it.
    pub from_host: bool,
    /// The second datagram.
    pub bytes: Vec<u8>,
    /// Descriptors that came with it.
    pub fds: usize,
}

impl Message {
    /// Bytes of the number of the method or event.
    pub fn number(&self) -> &[u8] {
        &self.bytes[..4]
    }

    /// Bytes of the number of the call.
    pub fn cookie(&self) -> &[u8] {
        &self.bytes[4..8]
    }

    /// Whether a worker answers `call` with it.
    pub fn is_reply_to(&self, call: &Self) -> bool {
        (self.number(), self.cookie()) == (call.number(), call.cookie())
    }
}

/// The recording's messages. Datagrams of the two directions may be recorded in turns.
pub fn messages(path: &Path) -> Vec<Message> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut announced: BTreeMap<bool, Vec<u8>> = BTreeMap::new();
    let mut messages = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let digits: Vec<u32> =
            line["bytes"].as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
        let (from_host, fds) = (line["from"] == "host", line["fds"].as_u64().unwrap() as usize);
        match announced.remove(&from_host) {
            None => drop(announced.insert(from_host, bytes)),
            Some(header) => {
                assert_eq!(header[..4], (bytes.len() as u32).to_le_bytes());
                assert_eq!(usize::from(header[4]), fds);
                messages.push(Message { from_host, bytes, fds });
            }
        }
    }
    // Some end in the midst of a reply: the last call has to be left out with it.
    if !announced.is_empty() {
        messages.truncate(messages.iter().rposition(|message| message.from_host).unwrap());
    }
    messages
}

/// The calls of a recording, each with what the worker said until the next one: the reply first, as our workers send the
/// events of a call after it.
pub fn turns(path: &Path) -> Vec<(Message, Vec<Message>)> {
    let mut turns: Vec<(Message, Vec<Message>)> = Vec::new();
    for message in messages(path) {
        match turns.last_mut() {
            _ if message.from_host => turns.push((message, Vec::new())),
            Some((_, answers)) => answers.push(message),
            None => panic!("a worker does not begin"),
        }
    }
    for (call, answers) in &mut turns {
        answers.sort_by_key(|answer| !answer.is_reply_to(call));
    }
    turns
}
