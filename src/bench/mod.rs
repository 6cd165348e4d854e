//! What a call costs on this machine, beside the machine's own limits and beside sockets.
//!
//! `ringfence bench` and the criterion benches measure with it: two processes, the host and a worker that
//! serves [`Component`](crate::ipc::Component) [`COMPONENT`], each on a processor of its own. Rivals run
//! between the same two processes: the worker is told to echo through them for a while.
//!
//! ```
//! use ringfence::bench::{Pair, Place, Samples, time_text};
//! use ringfence::ipc::{Mode, Options};
//!
//! // Between threads; `Mode::Isolated` for two processes.
//! let mut pair = Pair::new(Mode::Threaded, &Options::new(), Place::Free)?;
//! let mut samples = Samples::new();
//! pair.ping(100, &mut samples)?;
//! println!("64 bytes to and fro: {}", time_text(samples.p50() as f64));
//! # Ok::<_, ringfence::bench::PairError>(())
//! ```

mod comparison;
mod lane;
mod module;
mod pair;
mod processors;
mod rounds;
mod rows;
mod samples;
mod text;

pub use comparison::{
    CACHE_LINE, EVENTFD, FRAME_RATES, IDLE_TIMES, MEMCPY, MESSAGE_SIZES, POLICIES, Plan, STREAM_RING,
};
pub use lane::{Lane, LaneError};
pub use module::{COMPONENT, serve};
pub use pair::{FrameCost, Pair, PairError, prepare_like};
pub use processors::{Place, allowed_processors, pin, unpin};
pub use rounds::{Rounds, median};
pub use rows::{Comparison, Row, Unit};
pub use samples::Samples;
pub use text::{rate_text, ratio_text, time_text};
