//! Compiles interfaces in mojom, the dialect that libcamera speaks, to Rust.
//!
//! To be called from a build script:
//!
//! ```no_run
//! fn main() -> Result<(), ringfence_mojom::Diagnostics> {
//!     ringfence_mojom::configure().compile(&["thermometer.mojom"])
//! }
//! ```
//!
//! Of an interface `IPARPiInterface` and its `IPARPiEventInterface` it makes
//!
//! | item | what it is for |
//! |---|---|
//! | constants, enums, structs | plain Rust types, that know both how to be sent and how to be read |
//! | `trait IpaRPi` | what a module implements |
//! | `trait IpaRPiEvents` | what takes the module's events |
//! | `enum IpaRPiEvent` | an event as a value |
//! | `struct IpaRPiProxy` | the module's trait for the host, wherever the module runs |
//! | `struct IpaRPiDispatcher`, `fn serve` | the module's end of a connection |
//! | `static INTERFACE` | what both ends compare before they talk |
//! | `mod wire` | the messages' fixed parts |
//!
//! # The language
//! Everything that libcamera's own interfaces use, and what its generator accepts beside: constants,
//! enums, `[flags]`, structs with default values, arrays, maps, strings, descriptors, imports; and, as an extension,
//! expressions of integers. Nested enums and constants are in Rust called after both (`Outer.Inner` is `OuterInner`).
//! `array<T, N>` is a `Vec<T>`, and neither encoding checks `N`. The rest of mojom (unions, handles, interfaces as
//! values) is understood, and refused with the line it is in. So is what libcamera accepts by mistake: values out of
//! range, names that are defined twice. What it drops without a word is worth a warning.
//!
//! Documentation comments (`/** … */`) become documentation, `\brief` and `\param` included, and references links.
//!
//! # Diagnostics
//! Every [`Diagnostic`] has a [`Code`] with a name, such as `unknown-type`; `docs/mojom.md` has an example of each.
//! They render as text, plain or coloured ([`Style`]), and as JSON. Warnings are lines `cargo:warning=` of a build
//! script, and a part of what [`Config::check`] returns.

#![forbid(unsafe_code)]

mod ast;
pub mod compat;
mod config;
mod diagnostic;
mod docs;
pub mod format;
mod generate;
mod hash;
mod lexer;
mod load;
pub mod model;
mod naming;
mod parser;
mod resolve;

pub use config::Config;
pub use diagnostic::{Checked, Code, Diagnostic, Diagnostics, Generated, Level, Style};

/// The defaults, to be changed to one's needs.
///
/// ```
/// let code = ringfence_mojom::configure()
///     .libcamera(true)
///     .compile_text("a.mojom", "module a; struct Reading { float celsius = 20.0; };")?;
/// assert!(code.contains("pub struct Reading {"));
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
#[must_use]
pub fn configure() -> Config {
    Config::new()
}
