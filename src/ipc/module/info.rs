//! What a module says of itself, checked.

#![forbid(unsafe_code)]

use std::fmt;
use std::ops::RangeInclusive;

use zerocopy::FromZeros;

use super::abi::{ABI, MAGIC, RECORD_BYTES, Record, is_printable, pad};
use crate::ipc::Interface;
use crate::ipc::handshake::{NATIVE, PROTOCOL};

/// The version of a module. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Changes when something becomes incompatible.
    pub major: u32,
    /// Changes when something is added.
    pub minor: u32,
    /// Changes when something is mended.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What a module says of itself: its record, checked. The module may lie; the handshake finds out.
///
/// ```
/// use ringfence::ipc::module::{ModuleInfo, Version};
///
/// let info = ModuleInfo {
///     name: "thermometer".into(),
///     version: Version { major: 1, minor: 2, patch: 0 },
///     pipeline: "example".into(),
///     pipeline_versions: 1..=3,
///     interface: "example.ThermometerInterface".into(),
///     interface_hash: 0x1234_5678_9abc_def0,
///     protocol: ModuleInfo::PROTOCOL,
///     encodings: vec![ModuleInfo::NATIVE],
///     loads_until: None,
/// };
/// let record = info.to_record()?;
/// assert_eq!(ModuleInfo::parse(&record)?, info);
/// # Ok::<_, ringfence::ipc::module::RecordError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModuleInfo {
    /// Its name: printable, of 1 to 63 bytes.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The pipeline that it is for, such as `rpi/vc4`: printable, of 1 to 63 bytes.
    pub pipeline: String,
    /// The versions of the pipeline that it fits.
    pub pipeline_versions: RangeInclusive<u32>,
    /// Full mojom name of the interface that it implements, such as `ipa.RPi.IPARPiInterface`: printable, of 1 to 127
    /// bytes.
    pub interface: String,
    /// Hash of that interface.
    pub interface_hash: u64,
    /// Version of what crosses a connection.
    pub protocol: u32,
    /// The encodings that it knows, as numbered in the handshake: four at most, none of them 0.
    pub encodings: Vec<u32>,
    /// The method in whose first call it still loads files; without one, it loads none after the handshake. Printable, of
    /// 1 to 63 bytes.
    pub loads_until: Option<String>,
}

/// Why a record is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It begins with something else.
    #[error("it does not begin with `ringfmod`")]
    Magic,
    /// It is of another version.
    #[error(
        "it has version {found} of the module ABI, this host {ABI}; build both from one ringfence release"
    )]
    Abi {
        /// The version found.
        found: u32,
    },
    /// It is of another size.
    #[error("it says to have {found} bytes, which are {RECORD_BYTES}")]
    Size {
        /// Bytes that it says to have.
        found: u32,
    },
    /// A text is none.
    #[error("its `{field}` {problem}")]
    Text {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        problem: TextError,
    },
    /// The versions of the pipeline are none.
    #[error("its pipeline versions {first} to {last} are reversed")]
    PipelineVersions {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// There are too many encodings, or one of them has number 0.
    #[error("it has encodings {found:?}; four at most are possible, and none of them 0")]
    Encodings {
        /// Those.
        found: Vec<u32>,
    },
    /// What has to be zero is not.
    #[error("its reserved bytes are not zero")]
    Reserved,
}

/// What is wrong with a text of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It has to be there.
    #[error("is empty")]
    Empty,
    /// There is no room for it, or no zero after it.
    #[error("has more than {limit} bytes")]
    Long {
        /// The most.
        limit: usize,
    },
    /// It is no UTF-8.
    #[error("is no UTF-8")]
    Encoding,
    /// Some of its characters would trick a terminal.
    #[error("has characters that are not printable")]
    Unprintable,
    /// Something follows it.
    #[error("goes on after its end")]
    Padding,
}

/// Why a module does not fit what its host wants of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It speaks another version of the protocol.
    #[error(
        "it speaks protocol version {theirs}, this host {PROTOCOL}; build both from one ringfence release"
    )]
    Protocol {
        /// The module's.
        theirs: u32,
    },
    /// It implements another interface.
    #[error(
        "it implements {theirs} with hash {their_hash:#018x}, this host wants {ours} with {our_hash:#018x}; build both from the same mojom file"
    )]
    Interface {
        /// The host's name.
        ours: &'static str,
        /// The host's hash.
        our_hash: u64,
        /// The module's name.
        theirs: String,
        /// The module's hash.
        their_hash: u64,
    },
    /// It knows none of the host's encodings.
    #[error("it knows the encodings {theirs:?}, this host needs {NATIVE} (native)")]
    Encoding {
        /// The module's.
        theirs: Vec<u32>,
    },
    /// It wants to load files in the call of a method that there is not.
    #[error("it loads files until the first call of `{method}`, which is no method of {interface}")]
    LoadsUntil {
        /// The method.
        method: String,
        /// The interface.
        interface: &'static str,
    },
}

impl ModuleInfo {
    /// The version of everything that crosses a connection of this library.
    pub const PROTOCOL: u32 = PROTOCOL;
    /// The number of the native encoding.
    pub const NATIVE: u32 = NATIVE;

    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] if it is none of this version.
    pub fn parse(record: &[u8; RECORD_BYTES]) -> Result<Self, RecordError> {
        // Any bytes are a record; this copies them, so that they need not be aligned.
        let record: Record = zerocopy::transmute!(*record);
        if record.magic != MAGIC {
            return Err(RecordError::Magic);
        }
        let abi = u32::from_le(record.abi);
        if abi != ABI {
            return Err(RecordError::Abi { found: abi });
        }
        let size = u32::from_le(record.size);
        if size as usize != RECORD_BYTES {
            return Err(RecordError::Size { found: size });
        }
        let [first, last] = record.pipeline_versions.map(u32::from_le);
        if first > last {
            return Err(RecordError::PipelineVersions { first, last });
        }
        if record.reserved != [0; 128] {
            return Err(RecordError::Reserved);
        }
        let [major, minor, patch] = record.module_version.map(u32::from_le);
        let loads_until = text("loads_until", &record.loads_until)?;
        Ok(Self {
            name: present("name", text("name", &record.name)?)?,
            version: Version { major, minor, patch },
            pipeline: present("pipeline", text("pipeline", &record.pipeline)?)?,
            pipeline_versions: first..=last,
            interface: present("interface", text("interface", &record.interface)?)?,
            interface_hash: u64::from_le(record.interface_hash),
            protocol: u32::from_le(record.protocol),
            encodings: record.encodings.map(u32::from_le).into_iter().filter(|&number| number != 0).collect(),
            loads_until: Some(loads_until).filter(|method| !method.is_empty()),
        })
    }

    /// The record that says this.
    ///
    /// # Errors
    /// [`RecordError`] if a record cannot say it.
    pub fn to_record(&self) -> Result<[u8; RECORD_BYTES], RecordError> {
        let mut record = Record::new_zeroed();
        record.magic = MAGIC;
        record.abi = ABI.to_le();
        record.size = (RECORD_BYTES as u32).to_le();
        let Version { major, minor, patch } = self.version;
        record.module_version = [major, minor, patch].map(u32::to_le);
        record.protocol = self.protocol.to_le();
        record.interface_hash = self.interface_hash.to_le();
        record.pipeline_versions =
            [*self.pipeline_versions.start(), *self.pipeline_versions.end()].map(u32::to_le);
        if self.encodings.len() > record.encodings.len() || self.encodings.contains(&0) {
            return Err(RecordError::Encodings { found: self.encodings.clone() });
        }
        for (place, number) in record.encodings.iter_mut().zip(&self.encodings) {
            *place = number.to_le();
        }
        record.name = padded("name", &self.name)?;
        record.pipeline = padded("pipeline", &self.pipeline)?;
        record.interface = padded("interface", &self.interface)?;
        record.loads_until = padded("loads_until", self.loads_until.as_deref().unwrap_or_default())?;
        let record = record.to_bytes();
        Self::parse(&record).map(|_| record)
    }

    /// Compares it with what a host of this library wants that calls `interface`. Nothing has to be loaded for that.
    ///
    /// # Errors
    /// [`Misfit`] tells what is different.
    pub fn fits(&self, interface: &Interface) -> Result<(), Misfit> {
        if self.protocol != PROTOCOL {
            return Err(Misfit::Protocol { theirs: self.protocol });
        }
        if (self.interface.as_str(), self.interface_hash) != (interface.name, interface.hash) {
            return Err(Misfit::Interface {
                ours: interface.name,
                our_hash: interface.hash,
                theirs: self.interface.clone(),
                their_hash: self.interface_hash,
            });
        }
        if !self.encodings.contains(&NATIVE) {
            return Err(Misfit::Encoding { theirs: self.encodings.clone() });
        }
        let is_method = |name: &String| interface.methods.iter().any(|method| method.name == name);
        match &self.loads_until {
            Some(method) if !is_method(method) => {
                Err(Misfit::LoadsUntil { method: method.clone(), interface: interface.name })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ModuleInfo {
    /// Name and version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The text that these bytes hold.
fn text<const N: usize>(field: &'static str, bytes: &[u8; N]) -> Result<String, RecordError> {
    let wrong = |problem| RecordError::Text { field, problem };
    let end = bytes.iter().position(|&byte| byte == 0).ok_or(wrong(TextError::Long { limit: N - 1 }))?;
    let (text, padding) = bytes.split_at(end);
    if padding.iter().any(|&byte| byte != 0) {
        return Err(wrong(TextError::Padding));
    }
    let text = std::str::from_utf8(text).map_err(|_| wrong(TextError::Encoding))?;
    if !is_printable(text.as_bytes()) {
        return Err(wrong(TextError::Unprintable));
    }
    Ok(text.to_owned())
}

fn present(field: &'static str, text: String) -> Result<String, RecordError> {
    if text.is_empty() { Err(RecordError::Text { field, problem: TextError::Empty }) } else { Ok(text) }
}

fn padded<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], RecordError> {
    pad(text).ok_or(RecordError::Text { field, problem: TextError::Long { limit: N - 1 } })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ipc::Method;
    use crate::ipc::module::abi::Description;

    const INTERFACE: Interface = Interface {
        name: "example.ThermometerInterface",
        hash: 0x0123_4567_89ab_cdef,
        methods: &[
            Method { name: "init", asynchronous: false },
            Method { name: "measure", asynchronous: true },
        ],
        events: &[],
    };

    const RECORD: Record = Record::describing(&Description {
        name: "thermometer",
        version: (1, 2, 3),
        pipeline: "example/one",
        pipeline_versions: (2, 5),
        interface: &INTERFACE,
        loads_until: "init",
    });

    fn info() -> ModuleInfo {
        ModuleInfo::parse(&RECORD.to_bytes()).unwrap()
    }

    #[test]
    fn a_record_says_what_it_was_told() {
        let info = info();
        let expected = ModuleInfo {
            name: "thermometer".into(),
            version: Version { major: 1, minor: 2, patch: 3 },
            pipeline: "example/one".into(),
            pipeline_versions: 2..=5,
            interface: "example.ThermometerInterface".into(),
            interface_hash: 0x0123_4567_89ab_cdef,
            protocol: PROTOCOL,
            encodings: vec![1],
            loads_until: Some("init".into()),
        };
        assert_eq!(info, expected);
        assert_eq!(info.to_record().unwrap(), RECORD.to_bytes());
        assert_eq!(info.to_string(), "thermometer 1.2.3");
        assert_eq!(info.fits(&INTERFACE), Ok(()));
    }

    #[test]
    fn later_versions_are_greater() {
        let version = |major, minor, patch| Version { major, minor, patch };
        assert!(version(1, 9, 9) < version(2, 0, 0));
        assert!(version(1, 2, 9) < version(1, 3, 0));
        assert!(version(1, 2, 3) < version(1, 2, 10));
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut [u8; RECORD_BYTES]), message: &str) {
        let mut record = RECORD.to_bytes();
        change(&mut record);
        assert_eq!(ModuleInfo::parse(&record).unwrap_err().to_string(), message);
    }

    #[test]
    fn each_field_is_checked() {
        refused(|record| record[7] = b'x', "it does not begin with `ringfmod`");
        refused(
            |record| record[8] = 2,
            "it has version 2 of the module ABI, this host 1; build both from one ringfence release",
        );
        refused(|record| record[12] = 1, "it says to have 513 bytes, which are 512");
        refused(|record| record[40] = 6, "its pipeline versions 6 to 5 are reversed");
        refused(|record| record[64..128].fill(0), "its `name` is empty");
        refused(|record| record[64..128].fill(b'x'), "its `name` has more than 63 bytes");
        refused(|record| record[127] = 1, "its `name` goes on after its end");
        refused(|record| record[64] = 0xff, "its `name` is no UTF-8");
        refused(|record| record[64] = 0x1b, "its `name` has characters that are not printable");
        refused(|record| record[128..192].fill(0), "its `pipeline` is empty");
        refused(|record| record[192] = 0, "its `interface` goes on after its end");
        refused(|record| record[192..320].fill(b'i'), "its `interface` has more than 127 bytes");
        refused(|record| record[320] = b'\n', "its `loads_until` has characters that are not printable");
        refused(|record| record[511] = 1, "its reserved bytes are not zero");
    }

    #[test]
    fn a_record_cannot_say_everything() {
        let long = ModuleInfo { name: "n".repeat(64), ..info() };
        assert_eq!(long.to_record().unwrap_err().to_string(), "its `name` has more than 63 bytes");
        let zero = ModuleInfo { pipeline: "a\0b".into(), ..info() };
        assert_eq!(zero.to_record().unwrap_err().to_string(), "its `pipeline` goes on after its end");
        for encodings in [vec![1; 5], vec![0]] {
            assert!(ModuleInfo { encodings, ..info() }.to_record().is_err());
        }
    }

    #[test]
    fn a_module_for_another_host_does_not_fit() {
        let misfit = |info: ModuleInfo| info.fits(&INTERFACE).unwrap_err();
        assert_eq!(misfit(ModuleInfo { protocol: 77, ..info() }), Misfit::Protocol { theirs: 77 });
        let error = misfit(ModuleInfo { interface_hash: 5, ..info() }).to_string();
        assert!(error.contains("0x0000000000000005") && error.contains("0x0123456789abcdef"), "{error}");
        assert!(matches!(
            misfit(ModuleInfo { interface: "example.Other".into(), ..info() }),
            Misfit::Interface { .. }
        ));
        assert_eq!(misfit(ModuleInfo { encodings: vec![2], ..info() }), Misfit::Encoding { theirs: vec![2] });
        let error = misfit(ModuleInfo { loads_until: Some("boot".into()), ..info() }).to_string();
        assert!(error.contains("`boot`") && error.contains("example.ThermometerInterface"), "{error}");
    }

    #[test]
    fn a_constant_record_is_checked_too() {
        let describe = |change: fn(&mut Description<'static>)| {
            let mut module = Description {
                name: "thermometer",
                version: (1, 2, 3),
                pipeline: "example",
                pipeline_versions: (1, 1),
                interface: &INTERFACE,
                loads_until: "",
            };
            change(&mut module);
            std::panic::catch_unwind(|| Record::describing(&module)).is_ok()
        };
        assert!(describe(|_| {}));
        assert!(!describe(|module| module.name = ""));
        assert!(!describe(|module| module.name = "a\nb"));
        assert!(!describe(
            |module| module.pipeline = "0123456789012345678901234567890123456789012345678901234567890123"
        ));
        assert!(!describe(|module| module.pipeline_versions = (2, 1)));
        assert!(!describe(|module| module.loads_until = "boot"));
    }

    fn printable(bytes: usize) -> impl Strategy<Value = String> {
        "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{feff}]{1,63}"
            .prop_map(move |text: String| text[..text.floor_char_boundary(bytes)].to_owned())
            .prop_filter("a text that is there", |text| !text.is_empty())
    }

    prop_compose! {
        fn infos()(
            name in printable(63),
            version in any::<[u32; 3]>(),
            pipeline in printable(63),
            (one, other) in any::<(u32, u32)>(),
            interface in printable(127),
            interface_hash in any::<u64>(),
            protocol in any::<u32>(),
            encodings in proptest::collection::vec(1..=u32::MAX, 0..=4),
            loads_until in proptest::option::of(printable(63)),
        ) -> ModuleInfo {
            let [major, minor, patch] = version;
            ModuleInfo {
                name, pipeline, interface, interface_hash, protocol, encodings, loads_until,
                version: Version { major, minor, patch },
                pipeline_versions: one.min(other)..=one.max(other),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(info in infos()) {
            prop_assert_eq!(ModuleInfo::parse(&info.to_record().unwrap()), Ok(info));
        }

        /// What is read says all that there is, so that two records of one meaning are one record.
        #[test]
        fn no_bytes_are_overlooked(info in infos(), at in 0..RECORD_BYTES, bits in 1..=u8::MAX) {
            let mut record = info.to_record().unwrap();
            record[at] ^= bits;
            if let Ok(changed) = ModuleInfo::parse(&record) {
                prop_assert!(changed != info || (48..64).contains(&at), "byte {at} means nothing");
            }
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), RECORD_BYTES)) {
            let mut record: [u8; RECORD_BYTES] = bytes.try_into().unwrap();
            let _ = ModuleInfo::parse(&record);
            record[..16].copy_from_slice(&RECORD.to_bytes()[..16]);
            let _ = ModuleInfo::parse(&record);
        }
    }
}
