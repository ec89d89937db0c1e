//! The embedded local cloud: the AWS services that the workers use, on loopback, with simulated spokes.
//!
//! One HTTP endpoint on a free loopback port speaks the wire protocols of the services; the account and
//! the caller come from the access key, the Region and the service from the `SigV4` credential scope, as
//! on AWS. It is not a copy of AWS: it knows the operations that this project uses, and refuses the rest
//! with `UnknownOperationException`. What it knows it refuses where AWS refuses it.
//!
//! Durations that a queue enforces (visibility, delay, long poll) pass in real time; every time *stamp*
//! comes from the [`Clock`], which may run faster. Signatures and credentials stay on real time.

pub mod apigateway;
pub mod call;
pub mod clock;
pub mod cloud;
pub mod cloudformation;
pub mod drs;
pub mod dynamo;
pub mod ec2;
pub mod estate;
pub mod events;
pub mod faults;
pub mod fleet;
pub mod http;
pub mod iam;
pub mod quotas;
pub mod scheduler;
pub mod secrets;
pub mod slack;
pub mod sns;
pub mod sqs;
pub mod sts;
#[cfg(test)]
mod testing;
pub mod world;
mod xml;

pub use call::{Call, Principal, Refusal, Reply};
pub use clock::Clock;
pub use cloud::LocalCloud;
pub use world::World;
