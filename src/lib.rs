//! Run an untrusted component in a worker process at nearly the cost of a function call.
//!
//! A program that is its own worker: the module runs in a process of its own, behind a fence, and the host calls it as if
//! it were linked in. `docs/architecture.md` says how, and why so.
//!
//! ```no_run
//! use std::error::Error;
//! use std::process::ExitCode;
//!
//! use ringfence::interfaces::vimc::{self, IpaVimc, IpaVimcProxy};
//! use ringfence::ipc::{Component, Options, Worker, run_if_worker};
//! use ringfence::vimc::Vimc;
//!
//! const COMPONENTS: [Component; 1] =
//!     [Component { name: "vimc", serve: |endpoint| vimc::serve(endpoint, Vimc::new) }];
//!
//! fn main() -> Result<ExitCode, Box<dyn Error>> {
//!     // As the worker, this program goes no further.
//!     if let Some(code) = run_if_worker(&COMPONENTS) {
//!         return Ok(code);
//!     }
//!     let mut module = IpaVimcProxy::isolated(&Options::new(), &Worker::component("vimc"))?;
//!     println!("start() returned {}", module.start()?);
//!     Ok(ExitCode::SUCCESS)
//! }
//! ```
//!
//! | module | what is there |
//! |---|---|
//! | [`ipc`] | connections in three modes, workers, sandbox, supervisor |
//! | [`interfaces`] | the interfaces that come with it, generated from mojom; your own are made by `ringfence-mojom` |
//! | [`serialize`] | what crosses a connection: values, controls, encodings |
//! | [`shm`] | the rings below all of it |
//! | [`rpi`], [`vimc`] | a Raspberry Pi camera, and libcamera's test module |
//! | [`mod@bench`], [`probe`] | what a call costs; whether the sandbox holds |

pub mod bench;
pub mod interfaces;
pub mod ipc;
pub mod probe;
pub mod rpi;
pub mod serialize;
pub mod shm;
pub mod vimc;

/// For generated code, which must not depend on what its crate depends on.
#[doc(hidden)]
pub use zerocopy;
