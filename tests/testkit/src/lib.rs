//! What the tests and the benchmarks share.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "its ids are well formed")]

pub mod bars;
pub mod chaos;
pub mod company;
pub mod post;
pub mod process;
pub mod routes;
pub mod shipped;
pub mod sim;
pub mod stream;
pub mod wire;
pub mod work;
