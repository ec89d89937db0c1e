//! Several incidents, told together: counted, the first of them named, the rest by link.

use std::collections::BTreeSet;

use super::incident::{self, Common, is_over};
use super::told::{List, Told};
use super::{Links, text};
use crate::ids::Region;
use crate::incident::{IncidentKind, Severity};
use crate::notify::{Digest, Why};
use crate::own_event::IncidentEvent;
use crate::words::{self, SubjectKind};

/// So many links of one sort are in a message.
const LINKS: usize = 3;

/// What a digest of several incidents says.
pub(super) fn told(digest: &Digest, links: &Links) -> Told {
    let kind = kind(digest);
    let headline = headline(digest, kind);
    let news = news(digest);
    let line = match &news {
        Some(news) if !is_all_over(digest) => format!("{headline} ({news})"),
        _ => headline.clone(),
    };
    Told {
        severity: digest.worst,
        sample: digest.why == Why::Test,
        late: digest.late,
        news: news.map_or_else(|| headline.clone(), |news| format!("{news}; {}", standing(digest))),
        headline,
        line,
        text: incident::sentences(digest),
        facts: facts(digest, kind),
        list: list(digest, kind),
        advice: advice(digest, kind),
        acknowledge: digest
            .waits()
            .then(|| incident::acknowledge(&format!("--group {}", quoted(&digest.group)))),
        links: links_of(digest, links),
    }
}

fn list(digest: &Digest, kind: Option<IncidentKind>) -> Option<List> {
    let region = shared(digest, |event| event.region.clone());
    let severity = digest.worst.filter(|worst| digest.first.iter().all(|event| event.severity == *worst));
    let changed = news(digest).is_some();
    let common = Common {
        kind,
        account: account(digest).map(|event| event.account_name.as_str()),
        region: region.as_ref().map(Region::as_str),
        severity,
        is_old: !changed,
    };
    let items: Vec<_> = digest.first.iter().map(|event| incident::item(event, &common)).collect();
    let title = if changed { "What changed" } else { "What is open" };
    let command = format!("drs-fleet incidents list --group {}", quoted(&digest.group));
    (!items.is_empty()).then(|| List { title, items, all: all(digest), command })
}

/// How many there are of what the first are named of.
pub(super) fn all(digest: &Digest) -> u32 {
    let counts = digest.counts;
    let changed = counts.opened + counts.worse + counts.resolved;
    let named = u32::try_from(digest.first.len()).unwrap_or(u32::MAX);
    named.max(if changed > 0 { changed } else { counts.open })
}

/// What all in the group have in common, as far as that is sure: all of them are named, or the group is made by it.
pub(super) fn shared<T: PartialEq + ToString>(
    digest: &Digest,
    of: impl Fn(&IncidentEvent) -> T,
) -> Option<T> {
    let first = of(digest.first.first()?);
    let text = first.to_string();
    let counts = digest.counts;
    let named = u32::try_from(digest.first.len()).unwrap_or(u32::MAX);
    let are_all =
        named >= counts.open + counts.resolved || digest.labels.values().any(|value| *value == text);
    (are_all && digest.first.iter().all(|event| of(event) == first)).then_some(first)
}

/// The account of all, by one of its incidents.
pub(super) fn account(digest: &Digest) -> Option<&IncidentEvent> {
    let is_one = digest.accounts == 1 && digest.counts.resolved == 0;
    let shared = || shared(digest, |event| event.account_id.clone()).is_some();
    digest.first.first().filter(|_| is_one || shared())
}

/// The worst there is or, when all is over, was.
pub(super) fn severity(digest: &Digest) -> Severity {
    let named = digest.first.iter().map(|event| event.severity).max();
    digest.worst.or(named).unwrap_or(Severity::Low)
}

fn kind(digest: &Digest) -> Option<IncidentKind> {
    shared(digest, |event| event.kind)
}

fn is_all_over(digest: &Digest) -> bool {
    digest.worst.is_none()
}

fn headline(digest: &Digest, kind: Option<IncidentKind>) -> String {
    let prefix = incident::prefix(digest).unwrap_or_default();
    let title = kind.map(|kind| format!("{}: ", words::title(kind))).unwrap_or_default();
    let place = place(digest);
    if is_all_over(digest) {
        let what = kind.map_or("several incidents", words::title);
        return format!(
            "All resolved: {what}{}",
            place.map(|place| format!(" in {place}")).unwrap_or_default()
        );
    }
    let accounts = match (kind.map(words::subject), digest.accounts) {
        (Some(SubjectKind::Account), accounts) if accounts == digest.counts.open => None,
        (_, 0 | 1) => None,
        (_, more) => Some(format!("{more} accounts")),
    };
    let region = shared(digest, |event| event.region.clone()).map(|region| region.to_string());
    let place = match (accounts, region, place) {
        (Some(accounts), Some(region), _) => format!(" in {accounts}, {region}"),
        (Some(accounts), None, _) => format!(" in {accounts}"),
        (None, _, Some(place)) => format!(" in {place}"),
        (None, _, None) => String::new(),
    };
    format!("{prefix}{title}{}{place}", counted(digest, kind))
}

/// How many of what is open.
fn counted(digest: &Digest, kind: Option<IncidentKind>) -> String {
    let open = digest.counts.open;
    match kind.map(words::subject) {
        Some(SubjectKind::Server) => text::count(open, "server"),
        Some(SubjectKind::Job) => text::count(open, "job"),
        Some(SubjectKind::RecoveryInstance) => text::count(open, "instance"),
        Some(SubjectKind::Channel) => text::count(open, "channel"),
        Some(SubjectKind::Account) if digest.accounts == open => text::count(open, "account"),
        Some(SubjectKind::Account) => text::count(open, "Region"),
        None => text::count(open, "incident"),
    }
}

/// Account and Region, as far as all have them in common.
fn place(digest: &Digest) -> Option<String> {
    let account = account(digest).map(|event| text::listed(&event.account_name));
    let region = shared(digest, |event| event.region.clone()).map(|region| region.to_string());
    let known: Vec<_> = account.into_iter().chain(region).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// `3 new, 1 worse, 2 resolved`; `None` where nothing is new.
fn news(digest: &Digest) -> Option<String> {
    let counts = digest.counts;
    let of = [(counts.opened, "new"), (counts.worse, "worse"), (counts.resolved, "resolved")];
    let parts: Vec<_> = of
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn standing(digest: &Digest) -> String {
    match digest.counts.open {
        0 => "nothing is open any more".to_owned(),
        open => format!("{open} open"),
    }
}

fn facts(digest: &Digest, kind: Option<IncidentKind>) -> Vec<(String, String)> {
    let counts = digest.counts;
    let mut facts = Vec::new();
    facts.extend(digest.worst.map(|worst| ("Severity", worst.to_string())));
    let in_accounts = match digest.accounts {
        0 => String::new(),
        accounts => format!(" in {}", text::count(accounts, "account")),
    };
    if counts.open > 0 {
        facts.push(("Open", format!("{}{in_accounts}", counts.open)));
    }
    let changes = [("New", counts.opened), ("Worse or back", counts.worse), ("Resolved", counts.resolved)];
    facts.extend(changes.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| (what, n.to_string())));
    facts.extend(incident::held(digest));
    facts.extend(incident::acknowledged(digest));
    if let Some(event) = account(digest) {
        facts.push(("Account", text::named(&event.account_name, event.account_id.as_str())));
    }
    facts.extend(shared(digest, |event| event.region.clone()).map(|region| ("Region", region.to_string())));
    if is_all_over(digest) {
        facts.push(("Lasted", text::duration(digest.since, digest.at)));
    } else {
        facts.push(("Since", text::minute(digest.since)));
    }
    let facts: Vec<_> = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let others = other_labels(digest, kind);
    facts.into_iter().chain(others).collect()
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What the group is made by, apart from what is said anyway.
fn other_labels(digest: &Digest, kind: Option<IncidentKind>) -> Vec<(String, String)> {
    let first = digest.first.first();
    let said = |value: &str| {
        kind.is_some_and(|kind| kind.as_str() == value)
            || first
                .is_some_and(|e| [e.account_id.as_str(), &e.account_name, e.region.as_str()].contains(&value))
    };
    let others = digest.labels.iter().filter(|(_, value)| !value.trim().is_empty() && !said(value));
    // More would leave no room for what is wrong.
    others.take(LINKS).map(|(name, value)| (text::listed(name), text::listed(value))).collect()
}

fn advice(digest: &Digest, kind: Option<IncidentKind>) -> Option<String> {
    if is_all_over(digest) {
        return None;
    }
    if let Some(kind) = kind {
        return Some(words::advice(kind).to_owned());
    }
    let worst = digest.first.iter().find(|event| !is_over(event))?.kind;
    Some(format!("Begin with the worst. {}: {}", words::title(worst), words::advice(worst)))
}

fn links_of(digest: &Digest, links: &Links) -> Vec<(String, String)> {
    let of_drs = digest.first.iter().filter(|event| incident::console_link(event).is_some());
    let regions: BTreeSet<&str> = of_drs.map(|event| event.region.as_str()).collect();
    let kinds: BTreeSet<IncidentKind> =
        digest.first.iter().filter(|event| !is_over(event)).map(|event| event.kind).collect();
    let consoles = regions
        .into_iter()
        .take(LINKS)
        .map(|region| (format!("AWS console, {region}"), incident::console_page(region, "sourceServers")));
    let runbooks = kinds.into_iter().filter_map(|kind| {
        Some((format!("Runbook, {}", words::title(kind)), links.runbooks.get(&kind)?.clone()))
    });
    let dashboard = links.dashboard.iter().map(|url| ("Dashboard".to_owned(), url.clone()));
    consoles.chain(runbooks.take(LINKS)).chain(dashboard).collect()
}
