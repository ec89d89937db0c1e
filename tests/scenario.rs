//! The whole system at work: an event enters where AWS would put it, and what people and the table see of it.
//!
//! Real sockets, the SDK, the roles and rules of `infra/`, all four workers; only the clock runs faster.

mod bad_input;
mod capacity;
mod chaos;
mod clicks;
mod dead_channel;
mod health;
mod incidents;
mod jobs;
mod revoked;
mod samples;
mod set_aside;
mod stopping;
mod tags;
mod threads;
mod trust;
