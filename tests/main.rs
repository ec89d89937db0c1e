//! Tests that span the crates.

mod bad_input;
mod golden;
mod infra;
mod redelivery;
mod samples;
mod schema;
