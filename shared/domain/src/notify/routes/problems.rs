//! What is wrong with routes, in words for whoever wrote them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{DEFAULT, Escalation, PEOPLE, Person, Route, Routes, Telling};
use crate::incident::IncidentKind;
use crate::notify::{Channel, ChannelName, Label};
use crate::span::{self, Length};

const WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(10);
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_hours(24);
const REPEATS: RangeInclusive<Duration> = Duration::from_mins(5)..=Duration::from_hours(30 * 24);
const STEPS: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(7 * 24);

/// How the tokens of Slack begin.
const TOKENS: [&str; 5] = ["xoxb-", "xoxp-", "xoxa-", "xoxe", "xapp-"];

impl Routes {
    /// What is wrong with them, in words for whoever wrote them; empty when they can be used. What may be secret is not
    /// repeated.
    pub fn problems(&self) -> Vec<String> {
        let channels = self.channels.iter().flat_map(|(name, channel)| {
            let problems = of_channel(channel).into_iter();
            problems.map(move |problem| format!("channels: {name}: {problem}"))
        });
        let mut problems: Vec<_> = channels.collect();
        let links = self.links.dashboard.iter().chain(self.links.runbooks.values());
        let bad = links.filter(|link| !link.starts_with("https://"));
        problems.extend(bad.map(|link| format!("links: {link:?} does not begin with https://")));
        let alone = self.region_wide_stalls.filter(|stalls| *stalls < 2);
        problems.extend(alone.map(|stalls| format!("region_wide_stalls is {stalls}; it may be from 2 on")));
        problems.extend(self.of_telling(&self.default, DEFAULT));
        self.of_routes(&self.routes, DEFAULT, &mut problems);
        problems.extend(twice(self.people.iter().map(|person| &person.name), PEOPLE));
        problems.extend(self.people.iter().flat_map(|person| self.of_person(person)));
        problems
    }

    fn of_routes(&self, routes: &[Route], above: &str, problems: &mut Vec<String>) {
        problems.extend(twice(routes.iter().map(|route| &route.name), above));
        for (n, route) in routes.iter().enumerate() {
            let path = format!("{above}/{}", route.name);
            problems.extend(bad_name(&route.name, above));
            problems.extend(route.matchers.problems().into_iter().map(|p| format!("{path}: match: {p}")));
            if route.matchers.is_empty() && !route.goes_on && n + 1 < routes.len() {
                problems.push(format!(
                    "{path}: it takes everything, so the routes after it are never asked: move it to the end, or set continue"
                ));
            }
            problems.extend(self.of_telling(&route.tell, &path));
            self.of_routes(&route.routes, &path, problems);
        }
    }

    fn of_telling(&self, tell: &Telling, path: &str) -> Vec<String> {
        let mut problems: Vec<_> = tell.channels.iter().flat_map(|names| self.of_names(names)).collect();
        problems.extend(tell.group_by.iter().flat_map(|labels| of_labels(labels)));
        problems.extend(out_of_range("group_wait", tell.group_wait, &WAITS));
        problems.extend(out_of_range("group_interval", tell.group_interval, &INTERVALS));
        problems.extend(out_of_range("repeat_interval", tell.repeat_interval, &REPEATS));
        problems.extend(tell.escalate.iter().flat_map(|steps| self.of_steps(steps)));
        let plan = self.plan(path);
        // What a route has from above is told there.
        let sets = tell.group_interval.or(tell.repeat_interval).is_some();
        if sets && plan.repeat_interval < plan.group_interval {
            let (repeat, interval) = (span::show(plan.repeat_interval), span::show(plan.group_interval));
            problems.push(format!("repeat_interval ({repeat}) is shorter than group_interval ({interval})"));
        }
        problems.into_iter().map(|problem| format!("{path}: {problem}")).collect()
    }

    fn of_names(&self, names: &[ChannelName]) -> Vec<String> {
        if names.is_empty() {
            return vec![
                "channels: none is given; leave it out to tell the channels of the route above".to_owned(),
            ];
        }
        let known: Vec<_> = self.channels().map(|(name, _)| name.to_string()).collect();
        let unknown = names.iter().filter(|name| self.channel(name).is_none());
        let told = unknown.map(|name| format!("channels: there is no {name}, only {}", known.join(", ")));
        told.chain(twice(names, "channels")).collect()
    }

    fn of_steps(&self, steps: &[Escalation]) -> Vec<String> {
        let ranges = steps.iter().filter_map(|step| out_of_range("after", Some(step.after), &STEPS));
        let rising = steps.windows(2).filter(|pair| pair[0].after >= pair[1].after).map(|pair| {
            format!("after must rise from step to step, and {} follows {}", pair[1].after, pair[0].after)
        });
        let names = steps.iter().flat_map(|step| self.of_names(&step.channels));
        ranges.chain(rising).chain(names).map(|problem| format!("escalate: {problem}")).collect()
    }

    fn of_person(&self, person: &Person) -> Vec<String> {
        let mut problems = self.of_names(&person.channels);
        problems.extend(person.matchers.problems().into_iter().map(|problem| format!("match: {problem}")));
        let zones = person.quiet.iter().map(|quiet| &quiet.zone).chain(person.digest.iter().map(|d| &d.zone));
        let unknown = zones.filter(|zone| TimeZone::get(zone).is_err());
        problems.extend(
            unknown.map(|zone| format!("there is no time zone {zone:?}; write Europe/Berlin or UTC")),
        );
        if person.quiet.as_ref().is_some_and(|quiet| quiet.from == quiet.to) {
            problems.push("quiet: it ends when it begins".to_owned());
        }
        if person.quiet.is_some() && person.digest.is_some() {
            problems.push("a digest comes at its time alone: leave out quiet".to_owned());
        }
        let path = format!("{PEOPLE}/{}", person.name);
        let told = problems.into_iter().map(|problem| format!("{path}: {problem}"));
        bad_name(&person.name, PEOPLE).into_iter().chain(told).collect()
    }
}

/// Routes and people are named as channels are: their names are parts of keys.
fn bad_name(name: &str, above: &str) -> Option<String> {
    let fits = ChannelName::try_from(name.to_owned()).is_ok();
    (!fits).then(|| {
        format!("{above}: {name:?} is no name: write lower-case letters, digits and hyphens, at most 40")
    })
}

fn twice<T: Ord + std::fmt::Display>(names: impl IntoIterator<Item = T>, of: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again: Vec<_> = names.into_iter().filter_map(|name| seen.replace(name)).collect();
    again.into_iter().map(|name| format!("{of}: {name} is there twice")).collect()
}

fn of_labels(labels: &[Label]) -> Vec<String> {
    let severity = labels.contains(&Label::Severity);
    let severity = severity.then(|| {
        "group_by: the severity of an incident may change, so that it would be in two groups; match it instead".to_owned()
    });
    severity.into_iter().chain(twice(labels, "group_by")).collect()
}

fn out_of_range(name: &str, set: Option<Length>, range: &RangeInclusive<Duration>) -> Option<String> {
    let (least, most) = (span::show(*range.start()), span::show(*range.end()));
    let set = set.filter(|set| !range.contains(&set.0))?;
    Some(format!("{name} is {set}; it may be from {least} to {most}"))
}

fn of_channel(channel: &Channel) -> Vec<String> {
    match channel {
        Channel::Topic { arn } => arn.iter().filter_map(|arn| of_topic(arn)).collect(),
        Channel::Slack { secret, channel } => {
            of_secret(secret).into_iter().chain(of_slack(channel)).collect()
        }
        Channel::SlackWebhook { secret } => secret.iter().filter_map(|secret| of_secret(secret)).collect(),
        Channel::EventBridge => Vec::new(),
        Channel::Webhook { secret } => of_secret(secret).into_iter().collect(),
    }
}

fn of_topic(arn: &str) -> Option<String> {
    let parts: Vec<_> = arn.split(':').collect();
    let is_topic = matches!(parts[..], ["arn", _, "sns", region, account, name]
        if !region.is_empty() && account.len() == 12 && !name.is_empty());
    (!is_topic).then(|| "arn is not that of an SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)".to_owned())
}

/// Whoever pastes a URL or a token here is told so, and nobody else reads it.
fn of_secret(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    let fits = (1..=512).contains(&name.len()) && name.chars().all(allowed) && !is_token(name);
    (!fits).then(|| {
        "secret is the name of a secret in Secrets Manager, such as drs-fleet/slack-erp, and never its value; what is \
         written here is no such name"
            .to_owned()
    })
}

fn of_slack(id: &str) -> Option<String> {
    let fits = id.len() >= 9
        && id.starts_with(['C', 'G', 'D'])
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    (!fits).then(|| {
        "channel is no id of a Slack channel, such as C0123456789: Slack shows it at the end of the channel's details"
            .to_owned()
    })
}

fn is_token(text: &str) -> bool {
    TOKENS.iter().any(|token| text.starts_with(token))
}

/// The numbers, from 1, of lines of a document that seem to hold a secret: a URL or a token. Comments and links may name any
/// URL but a webhook's.
pub fn lines_with_secrets(text: &str) -> Vec<usize> {
    let holds = |line: &str| {
        // As some programs write JSON.
        let line = &line.replace("\\/", "/");
        let written = if line.trim_start().starts_with('#') { "" } else { line };
        let written = written.split_once(" #").map_or(written, |(written, _)| written);
        let words = || line.split(|c: char| c.is_whitespace() || "\"',[]{}".contains(c));
        let is_link = written.contains("dashboard")
            || IncidentKind::ALL.iter().any(|kind| written.contains(kind.as_str()));
        (written.contains("://") && !is_link) || line.contains("hooks.slack.com/") || words().any(is_token)
    };
    text.lines().enumerate().filter(|(_, line)| holds(line)).map(|(n, _)| n + 1).collect()
}

#[cfg(test)]
mod tests;
