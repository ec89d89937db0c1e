//! From a history that shows a problem to the shortest that does.

use std::collections::BTreeSet;

use super::check::Problem;
use super::history::History;
use super::play::play;

/// Leaves out what the problem does not need: kinds of weather first, then ever smaller parts of what happens, until
/// nothing more can be left out or so many tries are used up. The last tells people what to look at.
pub fn shrink(history: &History, tries: usize) -> History {
    let shapes = play(history).checked.problems.iter().map(shape).collect();
    let mut shrinking = Shrinking { shortest: history.clone(), shapes, tries };
    shrinking.weather();
    shrinking.steps();
    shrinking.shortest
}

struct Shrinking {
    shortest: History,
    /// What kind of problem is looked for: a shorter history may have others.
    shapes: BTreeSet<String>,
    tries: usize,
}

/// A problem without its numbers.
fn shape(problem: &Problem) -> String {
    problem.0.chars().filter(|c| !c.is_ascii_digit()).collect()
}

impl Shrinking {
    /// One trouble after the other, as long as one can be left out.
    fn weather(&mut self) {
        while self.shortest.weather.clone().calmer().any(|weather| {
            let history = History { weather, ..self.shortest.clone() };
            self.keep_if_it_fails(history)
        }) {}
    }

    fn steps(&mut self) {
        let mut part = self.shortest.steps.len() / 2;
        while part > 0 && self.tries > 0 {
            let mut from = 0;
            while from < self.shortest.steps.len() {
                let mut history = self.shortest.clone();
                let until = (from + part).min(history.steps.len());
                history.steps.drain(from..until);
                if !self.keep_if_it_fails(history) {
                    from += part;
                }
            }
            part /= 2;
        }
    }

    fn keep_if_it_fails(&mut self, history: History) -> bool {
        if self.tries == 0 || history == self.shortest {
            return false;
        }
        self.tries -= 1;
        let fails =
            play(&history).checked.problems.iter().any(|problem| self.shapes.contains(&shape(problem)));
        if fails {
            self.shortest = history;
        }
        fails
    }
}
