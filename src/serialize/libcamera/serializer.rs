//! What the two sides remember of each other's control info maps.

use std::sync::Arc;

use super::{EncodeError, Problem, Version};
use crate::serialize::controls::{ControlInfoMap, ControlList, IdMap};

/// The most maps of a peer that are kept until the next `configure`. A camera has some half a dozen.
pub const MAX_MAPS: usize = 128;

/// Which side a serializer is on; it decides what handles its maps get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The host, libcamera's proxy: 1, 3, 5 and so on.
    Host,
    /// The worker: 2, 4, 6 and so on.
    Worker,
}

/// The state behind control lists and control info maps: each map that crosses gets a *handle*, and later lists of V4L2
/// controls name the map that they are made from by its handle.
///
/// Each end of a connection has one; `configure` [resets](Self::reset) both.
///
/// A list of libcamera's own controls or properties needs no map. A list of V4L2 controls does: libcamera's reader
/// ends the process over one without. So when such a list is to be sent, the serializer looks for the map that has the
/// most of its controls, the latest first: among those that it has sent, whose handle then does, or else among those
/// that it has received or been [told of](Self::announce), which are sent along with the list under a handle of our own,
/// as libcamera does. If there is none, the list is refused.
///
/// ```
/// use ringfence::serialize::controls::{ControlInfo, Direction, IdMap, ids::v4l2};
/// use ringfence::serialize::libcamera::{ControlSerializer, EncodeError, Encoder, Role, Version};
/// use ringfence::serialize::{ControlInfoMap, ControlList};
///
/// let mut controls = ControlSerializer::new(Version::V2, Role::Host);
/// let mut list = ControlList::new(IdMap::V4l2);
/// list.set(&v4l2::EXPOSURE, 1000);
/// let send = |controls: &mut _| Encoder::message(&list, &mut Vec::new(), &mut Vec::new(), controls);
/// assert!(matches!(send(&mut controls), Err(EncodeError::NoMap { .. })));
///
/// let mut map = ControlInfoMap::new(IdMap::V4l2);
/// map.set(&v4l2::EXPOSURE, Direction::InOut, &ControlInfo::new(4, 1700)).expect("its type fits");
/// controls.announce(map);
/// assert!(send(&mut controls).is_ok(), "the map goes along");
/// ```
#[derive(Debug, Clone)]
pub struct ControlSerializer {
    version: Version,
    role: Role,
    /// The handle of the next map that is sent.
    next: u32,
    /// Maps that the peer has from us, in the order of their handles.
    sent: Vec<Known>,
    /// Maps that we have from the peer, or that are to go out with the first list that needs them.
    at_hand: Vec<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    /// 0 for a map that was not received.
    handle: u32,
    map: Arc<ControlInfoMap>,
}

/// A state to return to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    next: u32,
    sent: usize,
}

/// The map that a list is to name.
#[derive(Debug)]
pub(super) enum Reference {
    /// None.
    Nothing,
    /// One that the peer has.
    Sent(u32),
    /// One that has to go along.
    Along(Arc<ControlInfoMap>),
}

impl ControlSerializer {
    /// A serializer that has seen nothing yet.
    #[must_use]
    pub const fn new(version: Version, role: Role) -> Self {
        Self { version, role, next: first(role), sent: Vec::new(), at_hand: Vec::new() }
    }

    /// The encoding that both sides speak.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Forgets all maps, and counts handles from the start.
    pub fn reset(&mut self) {
        self.sent.clear();
        self.at_hand.clear();
        self.next = first(self.role);
    }

    /// Tells of a map that lists are made from: it goes out with the first list that needs it.
    pub fn announce(&mut self, map: impl Into<Arc<ControlInfoMap>>) {
        self.at_hand.push(Known { handle: 0, map: map.into() });
    }

    /// The map of this handle, whoever sent it.
    #[must_use]
    pub fn map(&self, handle: u32) -> Option<&ControlInfoMap> {
        self.known(handle).map(|known| &*known.map)
    }

    fn known(&self, handle: u32) -> Option<&Known> {
        let mut known = self.at_hand.iter().chain(&self.sent);
        known.find(|known| known.handle == handle).filter(|_| handle != 0)
    }

    /// The present state, for [`Self::rewind`].
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark { next: self.next, sent: self.sent.len() }
    }

    /// Takes back what was written since `mark`, because it was not sent.
    pub fn rewind(&mut self, mark: Mark) {
        self.next = mark.next;
        self.sent.truncate(mark.sent);
    }

    /// The handle for a map that is being sent.
    pub(super) fn assign(&mut self, map: Arc<ControlInfoMap>) -> u32 {
        let handle = self.next;
        // Zero means "no map", so an overflow must not reach it; four milliards of maps are far away.
        self.next = handle.checked_add(2).unwrap_or(first(self.role));
        self.sent.push(Known { handle, map });
        handle
    }

    /// Remembers a map that the peer has sent. One that it sends again keeps its place.
    pub(super) fn receive(&mut self, handle: u32, map: Arc<ControlInfoMap>) -> Result<(), Problem> {
        if handle == 0 {
            return Err(Problem::NoHandle);
        }
        if let Some(known) = self.at_hand.iter_mut().find(|known| known.handle == handle) {
            known.map = map;
            return Ok(());
        }
        if self.at_hand.len() >= MAX_MAPS {
            return Err(Problem::TooManyMaps { limit: MAX_MAPS });
        }
        self.at_hand.push(Known { handle, map });
        Ok(())
    }

    /// The map that a list of no V4L2 controls names, where it makes no difference which: the latest of ours.
    fn refer_of_empty(&self) -> Reference {
        let of_v4l2 = |known: &&Known| known.map.id_map() == IdMap::V4l2;
        let announced = self.at_hand.iter().filter(|known| known.handle == 0).rfind(of_v4l2);
        match (self.sent.iter().rfind(of_v4l2), announced) {
            (Some(known), _) => Reference::Sent(known.handle),
            (None, Some(known)) => Reference::Along(Arc::clone(&known.map)),
            (None, None) => Reference::Nothing,
        }
    }

    /// The map that `list` has to name.
    pub(super) fn refer(&self, list: &ControlList) -> Result<Reference, EncodeError> {
        if list.id_map() != IdMap::V4l2 {
            return Ok(Reference::Nothing);
        }
        let Some((id, _)) = list.iter().next() else {
            return Ok(self.refer_of_empty());
        };
        if let Some(known) = best(&self.sent, list) {
            return Ok(Reference::Sent(known.handle));
        }
        match best(&self.at_hand, list) {
            Some(known) => Ok(Reference::Along(Arc::clone(&known.map))),
            None => Err(EncodeError::NoMap { id }),
        }
    }
}

const fn first(role: Role) -> u32 {
    match role {
        Role::Host => 1,
        Role::Worker => 2,
    }
}

/// The map that has the most of the list's controls, the latest of several; none if none has any.
///
/// It need not have all: libcamera's own Raspberry Pi pipeline puts a time stamp into a list of the sensor's controls.
fn best<'k>(maps: &'k [Known], list: &ControlList) -> Option<&'k Known> {
    let mut best = None;
    let mut most = 0;
    for known in maps.iter().rev().filter(|known| known.map.id_map() == IdMap::V4l2) {
        let shared = list.iter().filter(|(id, _)| known.map.contains(*id)).count();
        if shared > most {
            (best, most) = (Some(known), shared);
        }
        if most == list.len() {
            break;
        }
    }
    best
}
