//! What a page says of its connection, read with suspicion.

use std::sync::atomic::Ordering;

use zerocopy::FromBytes;

use super::{Encoding, ObservedMethod};
use crate::ipc::handshake::untext;
use crate::ipc::printable::printable_line;
use crate::ipc::status::layout::*;
use crate::ipc::{ConnectionId, Mode};
use crate::shm::{Mapped, Words};

/// What was read.
pub(super) struct Described {
    pub id: ConnectionId,
    pub host_pid: u32,
    pub worker_pid: Option<u32>,
    pub mode: Mode,
    pub interface: String,
    pub interface_hash: u64,
    pub encoding: Encoding,
    pub component: String,
    pub label: String,
    pub methods: Vec<ObservedMethod>,
    pub events: Vec<String>,
    pub since_ns: u64,
    /// Inode and lines of the rings.
    pub rings: [(u64, u32); 2],
}

/// Reads the description; `None` if there is none, none yet, or one that this version does not know.
pub(super) fn describe(page: &Mapped) -> Option<Described> {
    // ORDERING: Acquire pairs with the host's Release store of the magic: the rest is whole.
    if page.word(0).load(Ordering::Acquire) != MAGIC {
        return None;
    }
    let bytes: Vec<u8> = page
        .words(0, (NAMES_AT + NAMES_BYTES) / 8)
        .iter()
        // ORDERING: Relaxed, after the Acquire load above. Each word is read once, and judged in private memory.
        .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
        .collect();
    let (description, _) = Description::ref_from_prefix(&bytes).ok()?;
    if description.version.get() != VERSION {
        return None;
    }
    let names_bytes = usize::try_from(description.names_bytes.get()).ok()?;
    let [methods, events] = description.names.map(|count| usize::from(count.get()));
    let names = names(bytes[NAMES_AT..].get(..names_bytes)?, methods + events)?;
    let (methods, events) = names.split_at(methods);
    let [to_module, to_host] =
        [0, 1].map(|ring| (description.ring_inodes[ring].get(), description.ring_lines[ring].get()));
    Some(Described {
        id: ConnectionId::from_number(description.connection.get()),
        host_pid: description.host_pid.get(),
        worker_pid: Some(description.worker_pid.get()).filter(|pid| *pid != 0),
        mode: match description.mode.get() {
            1 => Mode::Threaded,
            2 => Mode::Isolated,
            _ => return None,
        },
        interface: untext(&description.interface),
        interface_hash: description.interface_hash.get(),
        encoding: match description.encoding.get() {
            1 => Encoding::Native,
            2 => Encoding::Libcamera1,
            3 => Encoding::Libcamera2,
            _ => return None,
        },
        component: untext(&description.component),
        label: untext(&description.label),
        methods: methods.to_vec(),
        events: events.iter().map(|event| event.name.clone()).collect(),
        since_ns: description.since_ns.get(),
        rings: [to_module, to_host],
    })
}

/// So many names; `None` if there are fewer.
fn names(mut bytes: &[u8], count: usize) -> Option<Vec<ObservedMethod>> {
    let mut names = Vec::new();
    for _ in 0..count {
        let (header, rest) = NameHeader::ref_from_prefix(bytes).ok()?;
        let (name, rest) = rest.split_at_checked(header.bytes.into())?;
        let name = printable_line(&String::from_utf8_lossy(name));
        names.push(ObservedMethod { name, asynchronous: header.asynchronous == 1 });
        bytes = rest;
    }
    Some(names)
}
