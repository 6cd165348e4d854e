//! The rings of a connection, as one who was given their descriptors has them.

use std::os::fd::OwnedFd;

use ringfence::shm::{Consumer, Geometry, Mapped, Producer, SharedMemory};

use crate::dispatcher::Said;
use crate::peer;

/// Both rings.
pub struct Rings {
    geometry: Geometry,
    to_worker: SharedMemory,
    to_host: SharedMemory,
}

impl Rings {
    /// Those of a hello that was sent or received with these descriptors.
    pub fn adopt(hello: &[u8], fds: Vec<OwnedFd>) -> Self {
        let lines = u32::from_le_bytes(*hello[20..].first_chunk().expect("a hello is longer"));
        let geometry = Geometry::from_lines(lines).expect("it is right");
        let mut memories = fds.into_iter();
        let mut memory = || {
            let fd = memories.next().expect("there are six");
            SharedMemory::adopt(fd, geometry.memory_bytes()).expect("it is sealed")
        };
        Self { geometry, to_worker: memory(), to_host: memory() }
    }

    /// The host's sending end.
    pub fn to_worker(&self) -> Producer<Mapped> {
        Producer::new(self.to_worker.map().expect("memory is left"), self.geometry)
    }

    /// The host's receiving end.
    pub fn at_host(&self) -> Consumer<Mapped> {
        Consumer::new(self.to_host.map().expect("memory is left"), self.geometry)
    }

    /// The worker's sending end.
    pub fn to_host(&self) -> Producer<Mapped> {
        Producer::new(self.to_host.map().expect("memory is left"), self.geometry)
    }

    /// Says something, its descriptors first; tells whether there was room.
    pub fn say(&self, producer: &mut Producer<Mapped>, socket: &OwnedFd, said: &Said<'_>) -> bool {
        let [low, high] = said.number.to_le_bytes();
        let [a, b, c, d] = said.sequence.to_le_bytes();
        let Ok(mut reservation) = producer.reserve(8 + said.body.len()) else { return false };
        // One that announces seven sends none, and one that announces six sends two.
        let fds = match said.fds {
            7 => Vec::new(),
            6 => said.descriptors().split_off(4),
            _ => said.descriptors(),
        };
        if !fds.is_empty() {
            peer::send(socket, &reservation.position().to_le_bytes(), &fds);
        }
        reservation.put(0, &[said.kind, said.fds, low, high, a, b, c, d]);
        reservation.put(8, said.body);
        // Nobody sleeps, in one thread.
        let _ = reservation.commit();
        true
    }
}
