//! The shell around the decisions: the only crate that knows the AWS SDK.

pub mod ack;
mod assume;
mod backoff;
pub mod cached;
pub mod caller;
pub mod config;
pub mod connect;
pub mod consume;
pub mod deliveries;
pub mod due;
#[cfg(test)]
mod fixture;
pub mod health;
mod heard;
pub mod holding;
pub mod inbox;
pub mod io;
pub mod limiter;
#[cfg(any(test, feature = "memory"))]
pub mod memory;
pub mod metrics;
pub mod pace;
pub mod patience;
pub mod policy;
pub mod process;
pub mod registry;
pub mod sdk;
mod secrets;
pub mod spells;
pub mod spoken;
pub mod store;
pub mod sweeps;
pub mod telemetry;
pub mod time;
pub mod together;
pub mod verdict;
pub mod worker;
