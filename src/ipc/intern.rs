//! Interfaces that a program comes to know only when it runs, as one that is told them through the C API.
//!
//! The runtime speaks of interfaces, methods and events by `&'static str`, so that a call costs nothing for it. What is
//! described at run time is therefore kept for good, once for each different description: as many as a program has
//! interfaces, however often it connects.

use parking_lot::Mutex;

use super::{Interface, Method};

/// Bytes that a name may have: those of the handshake.
const LONGEST_NAME: usize = 127;

/// Everything that was interned. A program has a handful, and looks for one when it connects: no need for hashing.
static INTERNED: Mutex<Vec<&'static Interface>> = Mutex::new(Vec::new());

/// Why a description of an interface was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// A name is empty, too long, or has a zero byte.
    #[error("{name:?} cannot be a name: it needs 1 to {LONGEST_NAME} bytes, none of them zero")]
    Name {
        /// The name.
        name: String,
    },
    /// More methods or events than there are numbers.
    #[error("{interface} has {count} {what}; {} can be numbered", u16::MAX)]
    TooMany {
        /// The interface.
        interface: String,
        /// `methods` or `events`.
        what: &'static str,
        /// How many.
        count: usize,
    },
}

impl Interface {
    /// An interface that is described at run time. The first description of its kind is copied and kept for as long as the
    /// program runs; later ones that are equal find that copy.
    ///
    /// ```
    /// use ringfence::ipc::Interface;
    ///
    /// let methods = [("measure", false), ("warn_above", true)];
    /// let interface = Interface::intern("example.Thermometer", 0x1234, &methods, &["tooHot"])?;
    /// assert!(interface.methods[1].asynchronous);
    /// let again = Interface::intern("example.Thermometer", 0x1234, &methods, &["tooHot"])?;
    /// assert!(std::ptr::eq(interface, again));
    /// # Ok::<_, ringfence::ipc::InterfaceError>(())
    /// ```
    ///
    /// `methods` are names and whether the method is one way; `hash` is that of the interface compiler (`mojomc dump`
    /// tells it).
    ///
    /// # Errors
    /// [`InterfaceError`] if a name cannot be one, or if there are more methods or events than numbers.
    pub fn intern(
        name: &str,
        hash: u64,
        methods: &[(&str, bool)],
        events: &[&str],
    ) -> Result<&'static Self, InterfaceError> {
        let names = methods.iter().map(|(name, _)| name).chain(events);
        if let Some(name) = names.chain([&name]).find(|name| !is_name(name)) {
            return Err(InterfaceError::Name { name: (*name).to_owned() });
        }
        for (what, count) in [("methods", methods.len()), ("events", events.len())] {
            if count > usize::from(u16::MAX) {
                return Err(InterfaceError::TooMany { interface: name.to_owned(), what, count });
            }
        }
        let is_it = |known: &Self| {
            let described = known.methods.iter().map(|method| (method.name, method.asynchronous));
            known.name == name
                && known.hash == hash
                && described.eq(methods.iter().copied())
                && known.events == events
        };
        let mut interned = INTERNED.lock();
        if let Some(known) = interned.iter().find(|known| is_it(known)) {
            return Ok(known);
        }
        let keep = |text: &str| -> &'static str { Box::leak(Box::from(text)) };
        let method = |&(name, asynchronous): &(&str, bool)| Method { name: keep(name), asynchronous };
        let interface: &'static Self = Box::leak(Box::new(Self {
            name: keep(name),
            hash,
            methods: Box::leak(methods.iter().map(method).collect()),
            events: Box::leak(events.iter().map(|name| keep(name)).collect()),
        }));
        interned.push(interface);
        Ok(interface)
    }
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_is_another_interface() {
        let first = Interface::intern("test.Intern", 1, &[("a", false)], &["x"]).unwrap();
        let others = [
            Interface::intern("test.Intern2", 1, &[("a", false)], &["x"]),
            Interface::intern("test.Intern", 2, &[("a", false)], &["x"]),
            Interface::intern("test.Intern", 1, &[("a", true)], &["x"]),
            Interface::intern("test.Intern", 1, &[("a", false), ("b", false)], &["x"]),
            Interface::intern("test.Intern", 1, &[("a", false)], &[]),
        ];
        for other in others {
            assert_ne!(first, other.unwrap());
        }
        assert!(std::ptr::eq(first, Interface::intern("test.Intern", 1, &[("a", false)], &["x"]).unwrap()));
    }

    #[test]
    fn names_must_fit_the_handshake() {
        let long = "n".repeat(128);
        for name in ["", "a\0b", long.as_str()] {
            let bad = InterfaceError::Name { name: name.to_owned() };
            assert_eq!(Interface::intern(name, 1, &[], &[]), Err(bad.clone()));
            assert_eq!(Interface::intern("test.Bad", 1, &[(name, false)], &[]), Err(bad.clone()));
            assert_eq!(Interface::intern("test.Bad", 1, &[], &[name]), Err(bad));
        }
        assert!(Interface::intern(&long[1..], 1, &[], &[]).is_ok());
    }

    #[test]
    fn numbers_are_of_sixteen_bits() {
        let error = Interface::intern("test.Many", 1, &[("m", false); 65536], &[]).unwrap_err();
        assert_eq!(error.to_string(), "test.Many has 65536 methods; 65535 can be numbered");
        assert!(Interface::intern("test.Many", 1, &[], &["e"; 65536]).is_err());
    }
}
