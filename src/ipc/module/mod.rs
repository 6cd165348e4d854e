//! Modules: components that lie in shared objects of their own, built by whoever likes to.
//!
//! A module is an ELF shared object with two symbols: the record `ringfence_module_info`, which says what it is and can be
//! read without loading it, and the function `ringfence_module_serve`, which serves one connection over a socket. What
//! crosses that socket is the module's whole ABI; no Rust type does.
//!
//! [`ModuleFile`] is what a host has of a module: a sealed copy of the file. What was looked at is what is loaded, whatever
//! becomes of the file meanwhile. [`Worker::loading`](crate::ipc::Worker::loading) runs it in a process of its own,
//! [`ModuleFile::serve`] in a thread of this one. The macro [`export_module!`](crate::export_module) makes a module of a
//! `cdylib`.
//!
//! Whoever looks for modules and decides on them calls this; it must never know where they are kept or who is trusted.

pub mod abi;
mod elf;
mod error;
mod export;
mod file;
mod info;
mod load;

#[cfg(test)]
pub(in crate::ipc) use file::tests as file_tests;

pub use elf::ElfError;
pub use error::ModuleError;
#[doc(hidden)]
pub use export::serve_exported;
pub use file::ModuleFile;
pub use info::{Misfit, ModuleInfo, RecordError, TextError, Version};
pub(super) use load::serve_passed;
