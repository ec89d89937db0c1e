//! The way of an incident through the routes.

use serde::Serialize;

use super::{DEFAULT, PEOPLE, Route, Routes};
use crate::notify::matchers::Compared;
use crate::notify::{Labels, Matchers};

/// A route that was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The route, by the names on the way to it.
    pub route: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What it matches, label by label; nothing where it takes everything.
    pub because: Vec<Compared>,
}

/// What came of asking a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It tells the incident.
    Taken,
    /// It matches, and so does a route below it, which tells the incident.
    Deeper,
    /// It does not match.
    NotMatched,
    /// It was not asked: one before it matches, and does not continue.
    NotAsked,
}

/// A route, its matchers, what came of it.
pub(super) type Visit<'a> = (String, Option<&'a Matchers>, Outcome);

impl Routes {
    /// Which routes an incident was held against, in their order, and why it took those that it took.
    pub fn why(&self, labels: &Labels<'_>) -> Vec<Asked> {
        let asked = |(route, matchers, outcome): Visit<'_>| Asked {
            route,
            outcome,
            because: matchers.map(|matchers| matchers.compared(labels)).unwrap_or_default(),
        };
        self.walk(labels).into_iter().map(asked).collect()
    }

    /// All routes in the order in which they are asked, with what takes them; nothing for what takes everything.
    pub fn all(&self) -> Vec<(String, Option<&Matchers>)> {
        let mut all = vec![(DEFAULT.to_owned(), None)];
        list(DEFAULT, &self.routes, &mut all);
        let people = self.people.iter();
        all.extend(people.map(|person| (format!("{PEOPLE}/{}", person.name), Some(&person.matchers))));
        all
    }

    pub(super) fn walk(&self, labels: &Labels<'_>) -> Vec<Visit<'_>> {
        let mut visits = Vec::new();
        descend((DEFAULT.to_owned(), None), &self.routes, labels, &mut visits);
        visits.extend(self.people.iter().map(|person| {
            let fits = person.matchers.fit(labels);
            let outcome = if fits { Outcome::Taken } else { Outcome::NotMatched };
            (format!("{PEOPLE}/{}", person.name), Some(&person.matchers), outcome)
        }));
        visits
    }
}

fn list<'a>(above: &str, routes: &'a [Route], all: &mut Vec<(String, Option<&'a Matchers>)>) {
    for route in routes {
        let path = format!("{above}/{}", route.name);
        all.push((path.clone(), Some(&route.matchers)));
        list(&path, &route.routes, all);
    }
}

/// Goes on from a route that matches.
fn descend<'a>(
    (path, matchers): (String, Option<&'a Matchers>),
    below: &'a [Route],
    labels: &Labels<'_>,
    visits: &mut Vec<Visit<'a>>,
) {
    let at = visits.len();
    visits.push((path.clone(), matchers, Outcome::Taken));
    let mut goes_on = true;
    for route in below {
        let path = format!("{path}/{}", route.name);
        if !goes_on {
            visits.push((path, Some(&route.matchers), Outcome::NotAsked));
        } else if route.matchers.fit(labels) {
            visits[at].2 = Outcome::Deeper;
            goes_on = route.goes_on;
            descend((path, Some(&route.matchers)), &route.routes, labels, visits);
        } else {
            visits.push((path, Some(&route.matchers), Outcome::NotMatched));
        }
    }
}
