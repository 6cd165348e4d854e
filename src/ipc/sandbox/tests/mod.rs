//! Children under the filter: what passes, what is refused, and what ends them by name.

mod calls;
mod child;
mod programs;
mod tables;
