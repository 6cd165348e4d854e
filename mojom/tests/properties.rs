//! What holds for every interface: it is understood as it was meant, however it is laid out, and its hash changes
//! with its messages and with nothing else.

mod spec;

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_mojom::compat::{Effect, Report, compare};
use ringfence_mojom::configure;
use ringfence_mojom::format::format_text;
use ringfence_mojom::model::Model;

use spec::{Call, Dice, Enumerator, Spec, Ty};

fn numbers() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 0..400)
}

fn model(text: &str) -> Model {
    let checked = configure().check_text("random.mojom", text);
    checked.unwrap_or_else(|errors| panic!("{errors}\n\n{text}")).model
}

fn hash(model: &Model) -> u64 {
    model.interface_hash(model.last()).unwrap()
}

/// An edit, where the interface has something to apply it to.
type Edit = fn(&mut Spec, &mut Dice<'_>) -> Option<()>;

/// Edits that change no message.
const HARMLESS: &[Edit] = &[
    |spec, dice| {
        spec.methods.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.methods.at(dice)?.inputs.at(dice)?.0.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.methods.at(dice)?.outputs.at(dice)?.0.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.events.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.structs.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.structs.at(dice)?.fields.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.structs.at(dice)?.fields.at(dice)?.default = None;
        Some(())
    },
    |spec, dice| {
        spec.enums.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        spec.enums.at(dice)?.enumerators.at(dice)?.name.push_str("Renamed");
        Some(())
    },
    |spec, dice| {
        let added = Enumerator { name: "Added".to_owned(), value: 0x1234 };
        spec.enums.at(dice)?.enumerators.push(added);
        Some(())
    },
    |spec, dice| {
        spec.structs.at(dice)?.fields.at(dice)?.has_fd ^= true;
        Some(())
    },
    |spec, _| spec.consts.pop().map(|_| ()),
    |spec, dice| {
        let Ty::Array(_, length) = &mut spec.methods.at(dice)?.inputs.at(dice)?.1 else { return None };
        *length = Some(length.unwrap_or(0) + 1);
        Some(())
    },
];

/// Edits after which messages are others.
const HARMFUL: &[Edit] = &[
    |spec, dice| {
        spec.methods.at(dice)?.inputs.push(("added".to_owned(), Ty::Scalar("bool")));
        Some(())
    },
    |spec, dice| spec.methods.at(dice)?.inputs.pop().map(|_| ()),
    |spec, dice| spec.methods.at(dice)?.outputs.pop().map(|_| ()),
    |spec, dice| {
        let ty = &mut spec.methods.at(dice)?.inputs.at(dice)?.1;
        *ty = if *ty == Ty::Scalar("int8") { Ty::Scalar("uint8") } else { Ty::Scalar("int8") };
        Some(())
    },
    |spec, dice| {
        let ty = &mut spec.methods.at(dice)?.inputs.at(dice)?.1;
        *ty = Ty::Array(Box::new(std::mem::replace(ty, Ty::Scalar("bool"))), None);
        matches!(ty, Ty::Array(element, _) if !matches!(**element, Ty::Flags(_))).then_some(())
    },
    |spec, dice| {
        let call = spec.methods.at(dice).filter(|call| call.outputs.is_empty())?;
        call.asynchronous ^= true;
        Some(())
    },
    |spec, _| {
        spec.methods.push(call("added"));
        Some(())
    },
    |spec, _| {
        spec.methods.insert(0, Call { asynchronous: true, ..call("added") });
        Some(())
    },
    |spec, _| {
        spec.events.push(call("addedEvent"));
        Some(())
    },
    |spec, _| spec.events.pop().map(|_| ()),
    |spec, _| {
        spec.module.push('x');
        Some(())
    },
    |spec, _| {
        spec.interface.push_str("Other");
        Some(())
    },
];

/// Of a list, one at random.
trait At<T> {
    fn at(&mut self, dice: &mut Dice<'_>) -> Option<&mut T>;
}

impl<T> At<T> for Vec<T> {
    fn at(&mut self, dice: &mut Dice<'_>) -> Option<&mut T> {
        if self.is_empty() {
            None
        } else {
            let place = dice.below(self.len());
            self.get_mut(place)
        }
    }
}

fn call(name: &str) -> Call {
    Call { name: name.to_owned(), asynchronous: true, inputs: Vec::new(), outputs: Vec::new() }
}

/// The models before and after the edit, unless there is nothing to edit.
fn edited(numbers: &[u32], edit: Edit) -> Option<(Model, Model)> {
    let mut dice = Dice::new(numbers);
    let mut spec = Spec::random(&mut dice);
    let old = model(&spec.text(&mut dice));
    edit(&mut spec, &mut dice)?;
    let new = model(&spec.text(&mut dice));
    Some((old, new))
}

fn report(old: &Model, new: &Model) -> Report {
    compare((old, old.last()), (new, new.last()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_is_read(numbers in numbers()) {
        let mut dice = Dice::new(&numbers);
        let spec = Spec::random(&mut dice);
        let text = spec.text(&mut dice);
        prop_assert_eq!(Spec::of(&model(&text)), spec, "{}", text);
    }

    #[test]
    fn formatting_changes_the_layout_alone(numbers in numbers()) {
        let mut dice = Dice::new(&numbers);
        let spec = Spec::random(&mut dice);
        let text = spec.text(&mut dice);
        let formatted = format_text("random.mojom", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        prop_assert_eq!(&format_text("random.mojom", &formatted).unwrap(), &formatted, "{}", text);
        prop_assert_eq!(Spec::of(&model(&formatted)), spec, "{}", formatted);
        prop_assert_eq!(words(&formatted), words(&text), "{}", formatted);
        // Nothing hangs over the end of a line, and there are no double blank lines.
        prop_assert!(formatted.lines().all(|line| line.trim_end() == line), "{:?}", formatted);
        prop_assert!(!formatted.contains("\n\n\n"), "{:?}", formatted);
    }

    #[test]
    fn a_layout_of_ones_own_has_the_same_hash(numbers in numbers(), layout in numbers()) {
        let mut dice = Dice::new(&numbers);
        let spec = Spec::random(&mut dice);
        let (one, other) = (model(&spec.text(&mut dice)), model(&spec.text(&mut Dice::new(&layout))));
        prop_assert_eq!(hash(&one), hash(&other));
        prop_assert_eq!(report(&one, &other), Report::default());
    }

    #[test]
    fn edits_that_change_no_message_keep_the_hash(numbers in numbers(), edit in 0..HARMLESS.len()) {
        let Some((old, new)) = edited(&numbers, HARMLESS[edit]) else { return Err(TestCaseError::reject("nothing")) };
        prop_assert_eq!(hash(&old), hash(&new));
        let report = report(&old, &new);
        prop_assert_eq!(report.effects().native, Effect::None, "{:?}", report);
    }

    #[test]
    fn edits_that_change_messages_change_the_hash(numbers in numbers(), edit in 0..HARMFUL.len()) {
        let Some((old, new)) = edited(&numbers, HARMFUL[edit]) else { return Err(TestCaseError::reject("nothing")) };
        prop_assert_ne!(hash(&old), hash(&new));
        let report = report(&old, &new);
        prop_assert_eq!(report.effects().native, Effect::Broken, "{:?}", report);
    }

    #[test]
    fn the_comparison_and_the_hash_agree_on_any_two(one in numbers(), other in numbers()) {
        let text = |numbers: &[u32]| { let mut dice = Dice::new(numbers); Spec::random(&mut dice).text(&mut dice) };
        let (old, new) = (model(&text(&one)), model(&text(&other)));
        let report = report(&old, &new);
        prop_assert_eq!(hash(&old) != hash(&new), report.effects().native == Effect::Broken, "{:?}", report);
    }

    #[test]
    fn every_interface_becomes_rust(numbers in numbers()) {
        let mut dice = Dice::new(&numbers);
        let text = Spec::random(&mut dice).text(&mut dice);
        let code = configure().compile_text("random.mojom", &text);
        let code = code.unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        prop_assert_eq!(configure().compile_text("random.mojom", &text).unwrap(), code);
    }
}

/// The letters and marks of a text, how often each occurs: a comment may go behind a `;`, but nothing may get lost.
/// White space does not count, nor do commas, as the last enumerator gets one.
fn words(text: &str) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != ',') {
        *counts.entry(c).or_default() += 1;
    }
    counts
}
