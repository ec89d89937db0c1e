//! A drill: its start, a line per wave, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use super::told::{Item, List, Told};
use super::{Links, text};
use crate::incident::Severity;
use crate::notify::bulletin::HeldBack;
use crate::notify::{Drill, DrillHappened};
use crate::own_event::FailedServer;
use crate::words;

/// So many of the incidents that were held back are named; all that are stored, programs are told.
const HELD: usize = 5;

/// What a bulletin about a drill says.
pub(super) fn told(drill: &Drill, links: &Links) -> Told {
    let headline = headline(drill);
    let dashboard = links.dashboard.iter().map(|url| ("Dashboard".to_owned(), url.clone()));
    Told {
        severity: None,
        sample: false,
        late: false,
        line: headline.clone(),
        news: headline.clone(),
        headline,
        text: sentences(drill),
        facts: facts(drill).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        list: list(drill),
        acknowledge: None,
        advice: None,
        links: dashboard.collect(),
    }
}

/// How bad what happened is: servers that fail in a drill would fail in an emergency.
pub(super) fn severity(drill: &Drill) -> Severity {
    match failed(drill) {
        (0, _) => Severity::Low,
        _ => Severity::Medium,
    }
}

/// How many failed, and the first of them.
fn failed(drill: &Drill) -> (u32, &[FailedServer]) {
    match &drill.happened {
        DrillHappened::Started { .. } => (0, &[]),
        DrillHappened::Wave { failed, failed_servers, .. }
        | DrillHappened::Ended { failed, failed_servers, .. } => (*failed, failed_servers),
    }
}

fn headline(drill: &Drill) -> String {
    let name = text::cut(&drill.name);
    match &drill.happened {
        DrillHappened::Started { .. } => format!("Drill started: {name}"),
        DrillHappened::Wave { number, servers, succeeded, .. } => {
            format!("Drill {name}, wave {number}: {}", launched(*succeeded, *servers))
        }
        DrillHappened::Ended { servers, succeeded, .. } => {
            format!("Drill ended: {name}: {}", launched(*succeeded, *servers))
        }
    }
}

fn launched(succeeded: u32, servers: u32) -> String {
    format!("{succeeded} of {} launched", text::count(servers, "server"))
}

fn sentences(drill: &Drill) -> Vec<String> {
    match &drill.happened {
        DrillHappened::Started { until, .. } => vec![format!(
            "Until it ends, and until {} at most, what fails in it pages nobody; it is counted in the summary.",
            text::minute(*until)
        )],
        DrillHappened::Wave { .. } => Vec::new(),
        DrillHappened::Ended { running, failed, held, held_incidents, .. } => {
            let runs = (*running > 0).then(|| {
                format!("Jobs that still run: {running}. Their servers are not counted here; each is told of when it ends.")
            });
            runs.into_iter().chain([held_back(*held, *failed, held_incidents)]).collect()
        }
    }
}

/// How many incidents paged nobody, and the first of them.
fn held_back(count: u32, failed: u32, first: &[HeldBack]) -> String {
    if count == 0 {
        return format!("Nothing{} was held back.", if failed > 0 { " else" } else { "" });
    }
    let what = text::count(count, "incident");
    let named: Vec<_> = first.iter().take(HELD).map(held).collect();
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(named.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let which = if named.is_empty() { String::new() } else { format!(" ({}{more})", named.join("; ")) };
    format!(
        "{what} of the drill paged nobody while it lasted{which}: drs-fleet incidents list shows what is still open."
    )
}

fn held(incident: &HeldBack) -> String {
    let over = if incident.open { "" } else { ", over" };
    let HeldBack { kind, subject_name, account_name, .. } = incident;
    format!("{}: {} ({}){over}", words::title(*kind), text::listed(subject_name), text::listed(account_name))
}

fn facts(drill: &Drill) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match &drill.happened {
        DrillHappened::Started { by, .. } => {
            facts.extend(by.as_deref().map(|by| ("Opened by", text::cut(by))));
            facts.extend(sites(drill));
            facts.push(("Since", text::minute(drill.since)));
        }
        DrillHappened::Wave {
            job_id, account_id, account_name, region, recovery_seconds, failed, ..
        } => {
            let account = account_id.as_ref().map(|id| text::named(account_name, id.as_str()));
            facts.push(("Account", account.unwrap_or_else(|| text::cut(account_name))));
            facts.push(("Region", text::cut(region)));
            facts.push(("Job", text::cut(job_id)));
            facts.push(("Failed", failed.to_string()));
            facts.extend(recovery_seconds.map(|seconds| ("Recovery", text::of_seconds(seconds))));
        }
        DrillHappened::Ended { waves, running, failed, longest_seconds, .. } => {
            facts.extend(sites(drill));
            facts.push(("Waves", waves.to_string()));
            facts.extend((*running > 0).then(|| ("Still running", running.to_string())));
            facts.push(("Failed", failed.to_string()));
            facts.extend(longest_seconds.map(|seconds| ("Longest", text::of_seconds(seconds))));
            facts.push(("Lasted", text::duration(drill.since, drill.at)));
        }
    }
    facts
}

/// Where its jobs ran.
fn sites(drill: &Drill) -> Vec<(&'static str, String)> {
    let accounts: BTreeMap<_, _> =
        drill.sites.iter().map(|site| (&site.account_id, &site.account_name)).collect();
    let regions: BTreeSet<_> = drill.sites.iter().map(|site| site.region.as_str()).collect();
    let account = match Vec::from_iter(&accounts)[..] {
        [] => return Vec::new(),
        [(id, name)] => ("Account", text::named(name, id.as_str())),
        ref several => ("Accounts", several.len().to_string()),
    };
    let region = if regions.len() == 1 { "Region" } else { "Regions" };
    vec![account, (region, Vec::from_iter(regions).join(", "))]
}

fn list(drill: &Drill) -> Option<List> {
    let (all, servers) = failed(drill);
    let items: Vec<_> = servers.iter().map(item).collect();
    let command = "drs-fleet drills report".to_owned();
    (!items.is_empty()).then_some(List { title: "What failed", items, all, command })
}

fn item(server: &FailedServer) -> Item {
    let name = text::listed(&server.name);
    let id = server.server_id.to_string();
    Item { name: if name.trim().is_empty() { id } else { name }, link: None, rest: text::cut(&server.reason) }
}
