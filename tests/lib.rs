//! What the tests and the benchmarks share.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "its ids are well formed")]

pub mod bars;
pub mod company;
