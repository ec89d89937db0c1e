//! Whether the simulation catches a bug that is planted.

use drs_fleet_domain::planted::{Bug, plant};

use super::check::Problem;
use super::run;

/// Plants a bug in this thread and plays seeds from 0 on until one of them fails. Answers how many it took, and what the
/// model said; `None` where none of so many failed.
pub fn caught_after(bug: Bug, most: u64, events: usize) -> Option<(u64, Problem)> {
    plant(Some(bug));
    let caught = (0..most).find_map(|seed| {
        let (_, played) = run(seed, events);
        played.checked.problems.into_iter().next().map(|problem| (seed + 1, problem))
    });
    plant(None);
    caught
}
