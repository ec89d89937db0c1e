//! The shell around the decisions: the only crate that knows the AWS SDK.

pub mod io;
pub mod metrics;
pub mod store;
pub mod verdict;
pub mod worker;
