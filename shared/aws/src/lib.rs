//! The shell around the decisions: the only crate that knows the AWS SDK.

mod assume;
pub mod config;
pub mod health;
pub mod io;
pub mod registry;
pub mod sdk;
mod secrets;
pub mod telemetry;
pub mod time;
pub mod verdict;
pub mod worker;
