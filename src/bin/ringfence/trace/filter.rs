//! Which messages are wanted.

use clap::ValueEnum;
use ringfence::ipc::observe::{Direction, MessageKind, Observed, TraceRecord};

/// [`MessageKind`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindName {
    /// A call that is waited for
    Call,
    /// A call without a reply
    Cast,
    /// The results of a call
    Reply,
    /// A call that failed
    Fault,
    /// What a module tells by itself
    Event,
    /// The host's last word
    Bye,
}

impl KindName {
    /// The name of a kind; of one that is not known here, a question mark.
    pub fn text(kind: MessageKind) -> &'static str {
        match kind {
            MessageKind::Call => "call",
            MessageKind::Cast => "cast",
            MessageKind::Reply => "reply",
            MessageKind::Fault => "fault",
            MessageKind::Event => "event",
            MessageKind::Bye => "bye",
            _ => "?",
        }
    }

    fn kind(self) -> MessageKind {
        match self {
            Self::Call => MessageKind::Call,
            Self::Cast => MessageKind::Cast,
            Self::Reply => MessageKind::Reply,
            Self::Fault => MessageKind::Fault,
            Self::Event => MessageKind::Event,
            Self::Bye => MessageKind::Bye,
        }
    }
}

/// [`Direction`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectionName {
    /// Calls
    ToModule,
    /// Replies and events
    ToHost,
}

impl DirectionName {
    fn direction(self) -> Direction {
        match self {
            Self::ToModule => Direction::ToModule,
            Self::ToHost => Direction::ToHost,
        }
    }
}

/// What is wanted; whatever is not said is.
#[derive(Debug, Default)]
pub struct Filter {
    kinds: Vec<MessageKind>,
    direction: Option<Direction>,
    /// Numbers of methods and of events, if any are named.
    named: Option<(Vec<u32>, Vec<u32>)>,
}

impl Filter {
    /// # Errors
    /// The names that there are, if one is unknown.
    pub fn new(
        methods: &[String],
        kinds: &[KindName],
        direction: Option<DirectionName>,
        observed: &Observed,
    ) -> Result<Self, String> {
        let known: Vec<&str> = observed.methods.iter().map(|method| method.name.as_str()).collect();
        let events: Vec<&str> = observed.events.iter().map(String::as_str).collect();
        Ok(Self {
            kinds: kinds.iter().map(|kind| kind.kind()).collect(),
            direction: direction.map(DirectionName::direction),
            named: if methods.is_empty() { None } else { Some(numbers(methods, &known, &events)?) },
        })
    }

    /// Whether a message is wanted.
    pub fn wants(&self, record: &TraceRecord) -> bool {
        self.wants_message(record.kind, record.direction(), record.number)
    }

    fn wants_message(&self, kind: MessageKind, direction: Direction, number: u32) -> bool {
        let is_named = |(methods, events): &(Vec<u32>, Vec<u32>)| match kind {
            MessageKind::Event => events.contains(&number),
            MessageKind::Bye => false,
            _ => methods.contains(&number),
        };
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.direction.is_none_or(|wanted| wanted == direction)
            && self.named.as_ref().is_none_or(is_named)
    }
}

/// The numbers of these methods and events, from 1.
fn numbers(names: &[String], methods: &[&str], events: &[&str]) -> Result<(Vec<u32>, Vec<u32>), String> {
    let (mut of_methods, mut of_events) = (Vec::new(), Vec::new());
    for name in names {
        let place = |list: &[&str]| list.iter().position(|known| known == name).map(|index| index as u32 + 1);
        let (method, event) = (place(methods), place(events));
        if method.is_none() && event.is_none() {
            let all = methods.iter().chain(events).copied().collect::<Vec<_>>().join(", ");
            return Err(format!("--method {name}: the interface has no such method or event; it has {all}"));
        }
        of_methods.extend(method);
        of_events.extend(event);
    }
    Ok((of_methods, of_events))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_methods_and_events() {
        let (methods, events) = (["init", "both"], ["both", "done"]);
        let names = |names: &[&str]| {
            numbers(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &methods, &events)
        };
        assert_eq!(names(&["done", "init"]), Ok((vec![1], vec![2])));
        assert_eq!(names(&["both"]), Ok((vec![2], vec![1])));
        let error = names(&["stop"]).unwrap_err();
        assert!(error.contains("--method stop") && error.contains("init, both, both, done"), "{error}");
    }

    #[test]
    fn everything_that_is_said_has_to_hold() {
        let all = Filter::default();
        assert!(all.wants_message(MessageKind::Bye, Direction::ToModule, 0));
        let filter = Filter {
            kinds: vec![MessageKind::Reply, MessageKind::Event],
            direction: Some(Direction::ToHost),
            named: Some((vec![3], vec![1])),
        };
        assert!(filter.wants_message(MessageKind::Reply, Direction::ToHost, 3));
        assert!(filter.wants_message(MessageKind::Event, Direction::ToHost, 1));
        assert!(!filter.wants_message(MessageKind::Event, Direction::ToHost, 3));
        assert!(!filter.wants_message(MessageKind::Fault, Direction::ToHost, 3));
        assert!(!filter.wants_message(MessageKind::Call, Direction::ToModule, 3));
    }
}
