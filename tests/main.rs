//! Tests that span the crates.

mod bad_input;
mod golden;
mod samples;
mod schema;
