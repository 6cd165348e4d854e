//! Which info maps have gone over a connection.

use std::collections::HashMap;

use super::InfoMap;
use crate::Role;
use crate::error::{Error, Problem};

/// The info maps that either side has sent since the last reset, and the handles that come next.
#[derive(Debug, Clone)]
pub(crate) struct ControlState {
    /// With their handles, in the order in which they went.
    maps: Vec<(u32, InfoMap)>,
    /// Places in `maps`.
    by_handle: HashMap<u32, usize>,
    /// The next handle of the proxy, and of the worker.
    next: [u32; 2],
}

/// What can be returned to, if what was sent since turns out to be no message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    maps: usize,
    next: [u32; 2],
}

impl ControlState {
    pub fn new() -> Self {
        Self { maps: Vec::new(), by_handle: HashMap::new(), next: [1, 2] }
    }

    /// Keeps a map that is being sent, and gives it a handle.
    pub fn send(&mut self, role: Role, map: InfoMap) -> Result<(u32, usize), Error> {
        let handle = self.next[role as usize];
        if handle >= u32::MAX - 1 {
            return Err(Problem::NoMoreHandles.into());
        }
        Ok((handle, self.keep(handle, map)))
    }

    /// Keeps a map of this handle, which is new, and returns its number.
    pub fn keep(&mut self, handle: u32, map: InfoMap) -> usize {
        let index = self.maps.len();
        self.maps.push((handle, map));
        self.by_handle.insert(handle, index);
        let next = &mut self.next[usize::from(handle.is_multiple_of(2))];
        *next = (*next).max(handle.saturating_add(2));
        index
    }

    /// The map of this handle, and its number.
    pub fn by_handle(&self, handle: u32) -> Option<(usize, &InfoMap)> {
        let index = *self.by_handle.get(&handle)?;
        Some((index, &self.maps[index].1))
    }

    /// The map of this number, and its handle.
    pub fn by_number(&self, index: usize) -> Option<(u32, &InfoMap)> {
        self.maps.get(index).map(|(handle, map)| (*handle, map))
    }

    /// How many maps there are.
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    pub fn mark(&self) -> Mark {
        Mark { maps: self.maps.len(), next: self.next }
    }

    pub fn return_to(&mut self, mark: Mark) {
        for (handle, _) in self.maps.drain(mark.maps..) {
            self.by_handle.remove(&handle);
        }
        self.next = mark.next;
    }
}
