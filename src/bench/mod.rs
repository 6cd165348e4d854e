//! What a call costs on this machine, beside the machine's own limits and beside sockets.
//!
//! `ringfence bench` and the criterion benches measure with it: two processes, the host and a worker that
//! serves [`Component`](crate::ipc::Component) [`COMPONENT`], each on a processor of its own. Rivals run
//! between the same two processes: the worker is told to echo through them for a while.

mod comparison;
mod lane;
mod module;
mod pair;
mod samples;

pub use comparison::{
    CACHE_LINE, Comparison, DIRECT_FRAMES, EVENTFD, FRAME_RATES, IDLE_TIMES, MEMCPY, Plan, Row, STREAM_RING,
    Unit,
};
pub use lane::{Lane, LaneError};
pub use module::{COMPONENT, serve};
pub use pair::{FrameCost, Pair, PairError, prepare_like};
pub use samples::Samples;
