//! The shell around the decisions: the only crate that knows the AWS SDK.
