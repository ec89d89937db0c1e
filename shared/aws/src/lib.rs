//! The shell around the decisions: the only crate that knows the AWS SDK.

mod backoff;
pub mod consume;
pub mod due;
#[cfg(test)]
mod fixture;
pub mod io;
#[cfg(any(test, feature = "memory"))]
pub mod memory;
pub mod metrics;
pub mod store;
mod time;
pub mod verdict;
pub mod worker;
