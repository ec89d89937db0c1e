//! Tests that span the crates.

mod golden;
#[cfg(test)]
mod seam;
