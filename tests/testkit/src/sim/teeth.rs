//! Whether the simulation catches a bug that is planted.

use drs_fleet_domain::planted::{Bug, plant};

use super::check::Problem;
use super::run;

/// Plants a bug in this thread and plays seeds from 0 on until one of them fails that does not fail without it. Answers how
/// many it took, and what the model said; `None` where none of so many failed.
pub fn caught_after(bug: Bug, most: u64, events: usize) -> Option<(u64, Problem)> {
    let first = |seed, bug| {
        plant(bug);
        let (_, played) = run(seed, events);
        plant(None);
        played.checked.problems.into_iter().next()
    };
    (0..most).find_map(|seed| {
        let problem = first(seed, Some(bug))?;
        first(seed, None).is_none().then_some((seed + 1, problem))
    })
}
