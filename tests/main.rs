//! Tests that span the crates.

mod golden;
mod seam;
