//! The shell around the decisions: the only crate that knows the AWS SDK.

mod backoff;
pub mod config;
pub mod connect;
pub mod consume;
pub mod due;
pub mod inbox;
mod assume;
pub mod config;
pub mod health;
pub mod io;
pub mod metrics;
pub mod registry;
pub mod sdk;
pub mod store;
pub mod sweeps;
mod secrets;
pub mod telemetry;
pub mod time;
pub mod verdict;
pub mod worker;
