//! Tests that span the crates.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bad_input;
mod golden;
mod infra;
mod redelivery;
mod samples;
mod schema;
#[cfg(test)]
mod seam;
