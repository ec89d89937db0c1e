//! Deterministic simulation: the workers' own code (consume, decide, write, publish) on simulated time and I/O, in one
//! thread.
//!
//! A **history** is what a seed draws: what arrives on the queues and when, what DRS shows, and the **weather**, which is
//! what goes wrong. It is played on a world in memory by two instances of each worker; each call is an I/O point at which it
//! may fail, lose its answer, happen twice, or be the last thing the process did. When all is done, a **reference model**,
//! which knows the history and none of the workers' code, reads the table, what was published and the dead-letter queue.
//! The same seed gives the same trace.

mod bodies;
mod check;
mod draw;
mod history;
mod house;
mod may;
mod model;
mod others;
mod outage;
mod people;
mod play;
mod settle;
mod shown;
mod shrink;
mod silence;
mod teeth;
mod told;
mod unexpected;
mod wrong;

pub use self::check::{Checked, Problem};
pub use self::history::{History, Outage, Step, Trouble, Weather, What};
pub use self::play::{Played, play};
pub use self::shrink::shrink;
pub use self::teeth::caught_after;

/// The history of a seed, played and checked.
pub fn run(seed: u64, events: usize) -> (History, Played) {
    let history = History::drawn(seed, events);
    let played = play(&history);
    (history, played)
}
