//! Values at random, for tests.

use ringfence_mojom::model::{Builtin, Model, Type};
use serde_json::{Map, Value as Json, json};

use crate::Wire;
use crate::controls::{ControlValue, IdMap, Info, InfoMap, Kind, List};
use crate::json::{
    descriptor_json, empty_info_map, empty_list, key, plane_json, scalar_bytes, scalar_from_bytes,
};

/// Makes values that an encoding can express, and that come back from it as the same JSON.
///
/// One sampler makes the values of one connection, in the order in which they are sent: lists refer to the info
/// maps of values before.
#[derive(Debug)]
pub struct Sampler<'m, R> {
    model: &'m Model,
    wire: Wire,
    random: R,
    /// Id maps of the info maps so far.
    maps: Vec<IdMap>,
    /// Elements that may still be made, so that arrays within arrays end.
    budget: usize,
}

/// Elements of one value.
const BUDGET: usize = 200;

impl<'m, R: FnMut() -> u64> Sampler<'m, R> {
    /// A sampler that takes its numbers from `random`, all bits of which are used.
    pub fn new(model: &'m Model, wire: Wire, random: R) -> Self {
        Self { model, wire, random, maps: Vec::new(), budget: BUDGET }
    }

    /// Begins anew, as both sides do at the method `configure`.
    pub fn reset(&mut self) {
        self.maps.clear();
    }

    /// A value of this type.
    pub fn value(&mut self, ty: &Type) -> Json {
        self.budget = BUDGET;
        self.any(ty, false)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.random)() % limit as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn count(&mut self) -> usize {
        let count = self.below(6).min(self.budget);
        self.budget -= count;
        count
    }

    /// `in_struct`: as a field, where what is empty is left out.
    fn any(&mut self, ty: &Type, in_struct: bool) -> Json {
        if let Some(size) = scalar_bytes(ty) {
            return self.scalar(ty, size);
        }
        match ty {
            Type::String => self.text().into(),
            Type::Array { element, .. } => {
                let count = self.count();
                (0..count).map(|_| self.any(element, false)).collect()
            }
            Type::Map { key: key_type, value } => {
                // Info maps are numbered in the order of the keys.
                let count = self.count();
                let mut keys: Vec<_> = (0..count).map(|_| self.any(key_type, false)).collect();
                let order = |name: &Json| key(self.model, key_type, name).expect("it is of the type");
                keys.sort_by_key(order);
                keys.dedup_by_key(|name| order(name));
                keys.into_iter().map(|name| json!([name, self.any(value, false)])).collect()
            }
            Type::Struct(id) => {
                let mut object = Map::new();
                for field in &self.model.structure(*id).fields {
                    object.insert(field.name.clone(), self.any(&field.ty, true));
                }
                object.into()
            }
            Type::Builtin(Builtin::SharedFd) => descriptor_json(self.chance(2)),
            Type::Builtin(Builtin::Plane) => {
                plane_json(self.chance(2), (self.random)() as u32, (self.random)() as u32)
            }
            Type::Builtin(Builtin::ControlList) => self.list(in_struct),
            Type::Builtin(Builtin::ControlInfoMap) => {
                let map = self.info_map();
                match in_struct && map.entries.is_empty() && self.wire != Wire::Native {
                    true => empty_info_map(),
                    false => {
                        self.maps.push(map.id_map);
                        map.to_json()
                    }
                }
            }
            _ => unreachable!("scalars were dealt with"),
        }
    }

    fn scalar(&mut self, ty: &Type, size: usize) -> Json {
        match ty {
            Type::Enum(id) => {
                // Now and then one that only a newer interface would have a name for.
                let enumerators = &self.model.enumeration(*id).enumerators;
                match enumerators.get(self.below(enumerators.len() + 1)) {
                    Some(enumerator) => enumerator.value.into(),
                    None => ((self.random)() as i32).into(),
                }
            }
            Type::Flags(_) => ((self.random)() as u32).into(),
            ty => {
                // Small numbers, and those at the edges, are more interesting than others.
                let bits = match self.below(4) {
                    0 => self.below(4) as u64,
                    1 => u64::MAX << self.below(64),
                    _ => (self.random)(),
                };
                let bits = if *ty == Type::Bool { bits & 1 } else { bits };
                scalar_from_bytes(ty, &bits.to_le_bytes()[..size]).expect("truth values are 0 or 1")
            }
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 8] = ['a', '/', '"', '\\', 'é', '\u{0}', '日', '🦀'];
        (0..self.below(12)).map(|_| LETTERS[self.below(LETTERS.len())]).collect()
    }

    fn id_map(&mut self) -> IdMap {
        IdMap::from_number(self.below(3) as u32).expect("there are three")
    }

    fn ids(&mut self) -> Vec<u32> {
        let mut ids: Vec<u32> =
            (0..self.below(6)).map(|_| (self.random)() as u32 >> self.below(30)).collect();
        ids.sort_unstable();
        ids.dedup();
        // They come in no particular order.
        if self.chance(2) {
            ids.reverse();
        }
        ids
    }

    fn kind(&mut self) -> Kind {
        loop {
            let kind = Kind::from_number(self.below(12) as u32, Wire::Native).expect("there are twelve");
            if kind.number(self.wire).is_some() {
                return kind;
            }
        }
    }

    fn control(&mut self, kind: Kind, may_be_array: bool) -> ControlValue {
        let is_array = kind == Kind::String || may_be_array && kind != Kind::None && self.chance(3);
        let count = if is_array { self.below(5) } else { 1 };
        let bytes = match kind {
            Kind::String => self.text().into_bytes(),
            Kind::Bool => (0..count).map(|_| self.below(2) as u8).collect(),
            kind => (0..count * kind.bytes()).map(|_| (self.random)() as u8).collect(),
        };
        ControlValue { kind, is_array, bytes }
    }

    fn info_map(&mut self) -> InfoMap {
        let may_be_array = self.wire != Wire::Libcamera1;
        let id_map = self.id_map();
        let ids = self.ids();
        let info = |id| {
            let kind = self.kind();
            let limit = if kind == Kind::String { Kind::Int32 } else { kind };
            let (min, max) = (self.control(limit, may_be_array), self.control(limit, may_be_array));
            let default = match kind {
                Kind::String if !may_be_array => ControlValue::NONE,
                _ if self.chance(3) => ControlValue::NONE,
                kind => self.control(kind, may_be_array),
            };
            let direction = if self.wire == Wire::Libcamera1 { 3 } else { 1 + self.below(3) as u8 };
            Info { id, kind, direction, limits: [min, max, default] }
        };
        InfoMap { id_map, entries: ids.into_iter().map(info).collect() }
    }

    fn list(&mut self, in_struct: bool) -> Json {
        let ids = self.ids();
        if ids.is_empty() && in_struct && self.wire != Wire::Native {
            return empty_list();
        }
        let entry = |id| {
            let kind = self.kind();
            (id, self.control(kind, true))
        };
        let entries: Vec<_> = ids.into_iter().map(entry).collect();
        let id_map = self.id_map();
        let mut list = List { id_map, map: None, info_map: None, entries };
        if self.wire != Wire::Native {
            let is_unbound = self.chance(3);
            if self.chance(2) || self.maps.is_empty() {
                let map = self.info_map();
                (list.id_map, list.map) = (map.id_map, Some(self.maps.len()));
                self.maps.push(map.id_map);
                list.info_map = Some(map);
            } else if is_unbound {
                // Of V4L2's controls only those that belong to a map can be sent.
                list.id_map = if id_map == IdMap::V4l2 { IdMap::Controls } else { id_map };
            } else {
                let index = self.below(self.maps.len());
                (list.id_map, list.map) = (self.maps[index], Some(index));
            }
        }
        list.to_json()
    }
}
