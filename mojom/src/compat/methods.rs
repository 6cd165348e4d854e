//! Interfaces, methods and lists of members.

use super::pairs::{Fate, pair};
use super::{Comparison, Effect, Effects};
use crate::model::{Interface, Method, Model, Parameter, Type};

/// A field, parameter or result.
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) ty: &'a Type,
    /// Whether libcamera sends a count of descriptors with it.
    pub(super) counts_fds: bool,
}

impl<'a> Member<'a> {
    fn list(model: &Model, parameters: &'a [Parameter]) -> Vec<Self> {
        let member = |Parameter { name, ty, .. }: &'a Parameter| Self {
            name: name.as_str(),
            ty,
            counts_fds: model.parameter_counts_fds(ty),
        };
        parameters.iter().map(member).collect()
    }
}

impl Comparison<'_> {
    pub(super) fn interfaces(&mut self, old: &Interface, new: &Interface) {
        if old.name != new.name {
            let effects = Effects { native: Effect::Broken, ..Effects::SOURCE };
            self.change(format!("interface `{}`", old.name), format!("it is called `{}`", new.name), effects);
        }
        self.methods("method", &old.methods, &new.methods);
        self.methods("event", &old.events, &new.events);
    }

    fn methods(&mut self, what: &str, old: &[Method], new: &[Method]) {
        let reordered = self.reordered(
            |comparison| old.iter().map(|method| comparison.old_shapes.method(method)).collect(),
            |comparison| new.iter().map(|method| comparison.new_shapes.method(method)).collect(),
        );
        let (old_names, new_names): (Vec<_>, Vec<_>) = (
            old.iter().map(|method| method.name.as_str()).collect(),
            new.iter().map(|method| method.name.as_str()).collect(),
        );
        for fate in pair(&old_names, &new_names) {
            match fate {
                Fate::Kept { old: place, new: new_place, moved } => {
                    let (old, new) = (&old[place], &new[new_place]);
                    let item = format!("{what} `{}`", old.name);
                    if moved {
                        let message = format!("its number is {}, was {}", new_place + 1, place + 1);
                        self.change(&item, message, reordered);
                    }
                    if old.name != new.name {
                        self.change(&item, format!("it is called `{}`", new.name), Effects::SOURCE);
                    }
                    self.signatures(&item, old, new);
                }
                Fate::Removed { old: place } => {
                    let behind = behind(place, old.len());
                    self.change(
                        format!("{what} `{}`", old[place].name),
                        format!("it is removed{behind}"),
                        Effects::BROKEN,
                    );
                }
                Fate::Added { new: place } => {
                    let (number, behind) = (place + 1, behind(place, new.len()));
                    self.change(
                        format!("{what} `{}`", new[place].name),
                        format!("it is added as number {number}{behind}"),
                        Effects::BROKEN,
                    );
                }
            }
        }
    }

    fn signatures(&mut self, item: &str, old: &Method, new: &Method) {
        if old.asynchronous != new.asynchronous {
            let message = if new.asynchronous {
                "it is asynchronous: there is no reply any more"
            } else {
                "it is no longer asynchronous: there is a reply"
            };
            self.change(item, message, Effects { source: false, ..Effects::BROKEN });
        }
        let (old_inputs, new_inputs) =
            (Member::list(self.old, &old.inputs), Member::list(self.new, &new.inputs));
        self.members(item, "parameter", &old_inputs, &new_inputs);
        let (old_outputs, new_outputs) =
            (Member::list(self.old, &old.outputs), Member::list(self.new, &new.outputs));
        self.members(item, "result", &old_outputs, &new_outputs);
    }

    /// Compares the fields of a struct, or the parameters or results of a method.
    pub(super) fn members(&mut self, item: &str, what: &str, old: &[Member<'_>], new: &[Member<'_>]) {
        let reordered = self.reordered(
            |comparison| old.iter().map(|member| comparison.old_shapes.shape(member.ty)).collect(),
            |comparison| new.iter().map(|member| comparison.new_shapes.shape(member.ty)).collect(),
        );
        let (old_names, new_names): (Vec<_>, Vec<_>) =
            (old.iter().map(|member| member.name).collect(), new.iter().map(|member| member.name).collect());
        for fate in pair(&old_names, &new_names) {
            match fate {
                Fate::Kept { old: place, new: new_place, moved } => {
                    let (old, new) = (&old[place], &new[new_place]);
                    if moved {
                        let message = format!(
                            "the {what} `{}` is in place {}, was in {}",
                            old.name,
                            new_place + 1,
                            place + 1
                        );
                        self.change(item, message, reordered);
                    }
                    if old.name != new.name {
                        let message = format!("the {what} `{}` is called `{}`", old.name, new.name);
                        self.change(item, message, Effects::SOURCE);
                    }
                    self.member_types(item, what, old, new);
                }
                Fate::Removed { old: place } => {
                    self.change(
                        item,
                        format!("the {what} `{}` is removed", old[place].name),
                        Effects::BROKEN,
                    );
                }
                Fate::Added { new: place } => {
                    let message = format!("the {what} `{}` is added in place {}", new[place].name, place + 1);
                    self.change(item, message, Effects::BROKEN);
                }
            }
        }
    }

    fn member_types(&mut self, item: &str, what: &str, old: &Member<'_>, new: &Member<'_>) {
        if !self.types(old.ty, new.ty) {
            let (was, is) = (self.old.mojom(old.ty), self.new.mojom(new.ty));
            let message = format!("the {what} `{}` is of type `{is}`, was of `{was}`", new.name);
            let effects = self.retyped(old.ty, new.ty);
            self.change(item, message, effects);
        } else if old.counts_fds != new.counts_fds {
            let now = if new.counts_fds { "now" } else { "no longer" };
            let message =
                format!("libcamera {now} sends the number of descriptors with the {what} `{}`", new.name);
            self.change(item, message, Effects { libcamera: Effect::Broken, ..Effects::NONE });
        }
    }

    /// What it does that something has changed places: if all shapes are where they were, nobody notices.
    fn reordered(
        &mut self,
        old: impl FnOnce(&mut Self) -> Vec<String>,
        new: impl FnOnce(&mut Self) -> Vec<String>,
    ) -> Effects {
        let effects = if old(self) == new(self) { Effects::MISREAD } else { Effects::BROKEN };
        Effects { source: true, ..effects }
    }
}

/// What the place means to the numbers that follow.
fn behind(place: usize, count: usize) -> &'static str {
    if place + 1 < count { "; the numbers behind it move" } else { "" }
}
