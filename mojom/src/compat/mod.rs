//! What a change of an interface means for those who were built with the old one.
//!
//! Two builds are compatible if each understands the other, whichever of them is the host. In both encodings a method
//! is its number and a field is its place, so almost any change of an interface is one of the wire, while names are
//! free to change. The two encodings differ in what they notice:
//!
//! * The **native** encoding is guarded by the [interface hash](Model::interface_hash), which the two sides compare
//!   before they talk. A change that breaks it is refused with a clear message.
//! * **libcamera's** encoding has no guard. Commands and events are numbered in the order of their declaration, what
//!   changes is read wrongly, and `[hasFd]` decides whether a field has a count of descriptors beside it.
//!
//! [`compare`] goes from definition to definition and says for each difference what it does to either.

mod definitions;
mod methods;
mod pairs;

use std::collections::BTreeSet;
use std::fmt;

use crate::hash::Shapes;
use crate::model::{EnumId, Model, ModuleId, StructId, Type};

/// What a change does to what is sent.
///
/// ```
/// use ringfence_mojom::compat::Effect;
///
/// assert!(Effect::None < Effect::Misread && Effect::Misread < Effect::Broken);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Effect {
    /// Both sides understand each other.
    #[default]
    None,
    /// What one side sends can be read by the other, but means something else there, and nothing tells.
    Misread,
    /// What one side sends cannot be read by the other.
    Broken,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "compatible",
            Self::Misread => "misread",
            Self::Broken => "broken",
        })
    }
}

/// What a change does to all who depend on an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// To messages in the native encoding.
    pub native: Effect,
    /// To messages in libcamera's encoding.
    pub libcamera: Effect,
    /// Whether programs may have to be changed before they compile.
    pub source: bool,
}

impl Effects {
    const NONE: Self = Self { native: Effect::None, libcamera: Effect::None, source: false };
    const SOURCE: Self = Self { source: true, ..Self::NONE };
    const MISREAD: Self = Self { native: Effect::Misread, libcamera: Effect::Misread, source: false };
    const BROKEN: Self = Self { native: Effect::Broken, libcamera: Effect::Broken, source: true };
}

/// One difference between two versions of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What has changed, such as ``method `init` ``.
    pub item: String,
    /// What is different about it.
    pub message: String,
    /// What that does.
    pub effects: Effects,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.item, self.message)
    }
}

/// All differences between two versions of an interface.
///
/// ```
/// use ringfence_mojom::compat::{Effect, compare};
/// use ringfence_mojom::configure;
///
/// let read = |text| configure().check_text("a.mojom", text).map(|checked| checked.model);
/// let old = read("module a; interface AInterface { get() => (float value); };")?;
/// let new = read("module a; interface AInterface { get() => (double value); };")?;
/// let report = compare((&old, old.last()), (&new, new.last()));
/// assert_eq!(report.effects().native, Effect::Broken);
/// for change in &report.changes {
///     println!("{change}");
/// }
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The differences: those of the interface itself first, then those of the types that it uses, then others.
    pub changes: Vec<Change>,
}

impl Report {
    /// What the changes do altogether.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.changes.iter().fold(Effects::NONE, |all, Change { effects, .. }| Effects {
            native: all.native.max(effects.native),
            libcamera: all.libcamera.max(effects.libcamera),
            source: all.source || effects.source,
        })
    }
}

/// Compares two versions of a file.
///
/// ```
/// use ringfence_mojom::compat::{Effect, compare};
/// use ringfence_mojom::configure;
///
/// let old = configure().check_text("a.mojom", "module a; interface AInterface { get(uint8 id); };")?.model;
/// let new = configure().check_text("a.mojom", "module a; interface AInterface { get(uint8 number); };")?.model;
/// let report = compare((&old, old.last()), (&new, new.last()));
/// assert_eq!(report.changes[0].to_string(), "method `get`: the parameter `id` is called `number`");
/// assert_eq!(report.effects().native, Effect::None);
/// assert!(report.effects().source);
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
///
/// # Panics
/// If an id is of another model.
#[must_use]
pub fn compare(old: (&Model, ModuleId), new: (&Model, ModuleId)) -> Report {
    let mut comparison = Comparison {
        old: old.0,
        new: new.0,
        old_shapes: Shapes::new(old.0),
        new_shapes: Shapes::new(new.0),
        pending: Vec::new(),
        seen: BTreeSet::new(),
        is_sent: true,
        changes: Vec::new(),
    };
    comparison.modules(old.1, new.1);
    Report { changes: comparison.changes }
}

/// Two definitions that take each other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pair {
    Structs(StructId, StructId),
    Enums(EnumId, EnumId),
}

struct Comparison<'a> {
    old: &'a Model,
    new: &'a Model,
    old_shapes: Shapes<'a>,
    new_shapes: Shapes<'a>,
    /// Definitions that are in use and not compared yet.
    pending: Vec<Pair>,
    seen: BTreeSet<Pair>,
    /// Whether what is being compared may be part of a message.
    is_sent: bool,
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn change(&mut self, item: impl Into<String>, message: impl Into<String>, effects: Effects) {
        let effects =
            if self.is_sent { effects } else { Effects { source: effects.source, ..Effects::NONE } };
        self.changes.push(Change { item: item.into(), message: message.into(), effects });
    }

    fn modules(&mut self, old: ModuleId, new: ModuleId) {
        let (old, new) = (&self.old.modules[old.0], &self.new.modules[new.0]);
        if old.name != new.name {
            let message = format!("it is called `{}`", new.name);
            // The interface's full name is compared before anything is sent.
            let native = if old.interface.is_some() { Effect::Broken } else { Effect::None };
            self.change(format!("module `{}`", old.name), message, Effects { native, ..Effects::SOURCE });
        }
        match (&old.interface, &new.interface) {
            (Some(old), Some(new)) => self.interfaces(old, new),
            (Some(old), None) => {
                self.change(format!("interface `{}`", old.name), "it is removed", Effects::BROKEN);
            }
            (None, Some(new)) => {
                self.change(format!("interface `{}`", new.name), "it is added", Effects::NONE)
            }
            (None, None) => {}
        }
        self.pending_definitions();
        // In a file without an interface, what others use of it cannot be told.
        self.is_sent = old.interface.is_none();
        self.other_definitions(old, new);
        self.pending_definitions();
        self.is_sent = false;
        self.consts(old, new);
    }

    /// Compares two types in the same place, and returns whether there is nothing to say about that place. What is
    /// different in the definition of a type is said there.
    fn types(&mut self, old: &Type, new: &Type) -> bool {
        match (old, new) {
            (Type::Struct(old_id), Type::Struct(new_id)) => {
                let same_name = self.old.mojom(old) == self.new.mojom(new);
                if !same_name && self.old_shapes.shape(old) != self.new_shapes.shape(new) {
                    return false;
                }
                self.pending.push(Pair::Structs(*old_id, *new_id));
                true
            }
            (Type::Enum(old), Type::Enum(new)) | (Type::Flags(old), Type::Flags(new)) => {
                self.pending.push(Pair::Enums(*old, *new));
                true
            }
            (Type::Array { element: old, .. }, Type::Array { element: new, .. }) => self.types(old, new),
            (Type::Map { key: old_key, value: old_value }, Type::Map { key: new_key, value: new_value }) => {
                self.types(old_key, new_key) & self.types(old_value, new_value)
            }
            // Definitions have ids, which are their model's own; everything else is what it says.
            _ => old == new && !matches!(old, Type::Struct(_) | Type::Enum(_) | Type::Flags(_)),
        }
    }

    /// What it does to libcamera's encoding that a value has another type. Numbers of one size take each other's
    /// place without anybody noticing.
    fn retyped(&self, old: &Type, new: &Type) -> Effects {
        let is_misread = raw_bytes(old).is_some_and(|bytes| raw_bytes(new) == Some(bytes));
        let libcamera = if is_misread { Effect::Misread } else { Effect::Broken };
        Effects { libcamera, ..Effects::BROKEN }
    }
}

/// Bytes of a value that libcamera sends as they are in memory, and of which any will do.
fn raw_bytes(ty: &Type) -> Option<u32> {
    match ty {
        Type::Integer { bits, .. } => Some(bits / 8),
        Type::Float | Type::Enum(_) | Type::Flags(_) => Some(4),
        Type::Double => Some(8),
        _ => None,
    }
}
