//! Which routes may tell one incident over the same channel: each tells it with its own group, so people read of it twice.

use std::collections::BTreeSet;

use super::{DEFAULT, PEOPLE, Route, Routes};
use crate::notify::ChannelName;

/// Two routes that may take the same incident, and a channel that both tell it over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    /// One of the routes, by the names on the way to it.
    pub route: String,
    /// The other.
    pub other: String,
    /// The channel.
    pub channel: ChannelName,
}

impl Routes {
    /// Routes that continue and those after them, as far as they share channels, also for escalations; and people, all routes
    /// and other people, as far as these tell the same channel at once. Whether anything takes both is not looked at.
    pub fn overlaps(&self) -> Vec<Overlap> {
        let mut pairs = Vec::new();
        pairs_of(DEFAULT, &self.routes, &mut pairs);
        let on_the_way = pairs.into_iter().flat_map(|(route, other)| {
            let shared: Vec<_> = self.told(&route).intersection(&self.told(&other)).cloned().collect();
            shared.into_iter().map(move |channel| (route.clone(), other.clone(), channel))
        });
        let routes: Vec<_> =
            self.all().into_iter().map(|(route, _)| (self.plan(&route).channels, route)).collect();
        let of_people = routes.iter().enumerate().filter(|(_, (_, route))| is_of_person(route));
        let of_people = of_people.flat_map(|(n, (channels, person))| {
            let before = routes[..n].iter();
            before.flat_map(move |(others, route)| {
                let shared = channels.iter().filter(|channel| others.contains(channel));
                shared.map(move |channel| (person.clone(), route.clone(), channel.clone()))
            })
        });
        let all: BTreeSet<_> = on_the_way
            .chain(of_people)
            .map(|(route, other, channel)| Overlap { route, other, channel })
            .collect();
        all.into_iter().collect()
    }

    fn told(&self, route: &str) -> BTreeSet<ChannelName> {
        let plan = self.plan(route);
        plan.channels.into_iter().chain(plan.escalate.into_iter().flat_map(|step| step.channels)).collect()
    }
}

fn is_of_person(route: &str) -> bool {
    route.split('/').next() == Some(PEOPLE)
}

/// Each route that continues, or is below one that does, with each route after that and below those.
fn pairs_of(above: &str, routes: &[Route], pairs: &mut Vec<(String, String)>) {
    for (n, route) in routes.iter().enumerate() {
        let path = format!("{above}/{}", route.name);
        if route.goes_on {
            let others: Vec<_> = routes[n + 1..].iter().flat_map(|other| paths(above, other)).collect();
            let own = paths(above, route);
            pairs.extend(
                own.iter().flat_map(|route| others.iter().map(|other| (route.clone(), other.clone()))),
            );
        }
        pairs_of(&path, &route.routes, pairs);
    }
}

/// A route and all below it.
fn paths(above: &str, route: &Route) -> Vec<String> {
    let path = format!("{above}/{}", route.name);
    let below: Vec<_> = route.routes.iter().flat_map(|below| paths(&path, below)).collect();
    [vec![path], below].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_that_may_tell_one_incident_twice_over_a_channel_are_found_and_no_others() {
        let routes: Routes = serde_json::from_value(json!({
            "channels": { "erp": { "type": "topic" }, "pager": { "type": "topic" }, "anna": { "type": "topic" } },
            "default": { "channels": ["slack"], "escalate": [{ "after": "30m", "channels": ["pager"] }] },
            "routes": [
                { "name": "audit", "match": { "severity": "CRITICAL" }, "continue": true, "channels": ["mail"] },
                { "name": "erp", "match": { "application": "ERP" }, "channels": ["erp"],
                  "routes": [{ "name": "quiet", "match": { "severity": "LOW" }, "escalate": [] }] },
                { "name": "rest", "channels": ["slack"], "escalate": [] },
            ],
            "people": [
                { "name": "anna", "match": {}, "channels": ["anna", "slack"] },
                { "name": "ben", "match": {}, "channels": ["anna"] },
            ],
        }))
        .unwrap();
        let found = routes.overlaps();
        let found: Vec<_> =
            found.iter().map(|o| [o.route.as_str(), o.other.as_str(), o.channel.as_str()]).collect();
        assert_eq!(
            found,
            [
                ["default/audit", "default/erp", "pager"],
                ["people/anna", "default", "slack"],
                ["people/anna", "default/rest", "slack"],
                ["people/ben", "people/anna", "anna"],
            ]
        );
    }
}
