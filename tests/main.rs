//! Tests that span the crates.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bad_input;
mod boto3;
mod chaos;
mod conformance;
mod counts;
mod crash;
mod fuzz;
mod golden;
mod infra;
mod later;
mod people;
mod r17;
mod r8;
mod readme;
mod redelivery;
mod samples;
mod scenario;
mod schema;
mod seam;
mod simulation;
mod support;
mod watch;
