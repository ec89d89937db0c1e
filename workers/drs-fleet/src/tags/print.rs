//! What differs, as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write;

use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::tags::{CopyTags, Freshness, Left, Plan};
use jiff::Timestamp;

use super::read::{Server, Standing};
use crate::text::{ago, counted, lasting, plain, second};

/// So many servers without anything to write are named.
const NAMED: usize = 8;

/// Whether there is more to say of a server than that it is in line, or why nothing is copied to it.
pub(super) fn is_telling(server: &Server) -> bool {
    let tells = |plan: &Plan| !plan.is_empty() || !plan.left.is_empty() || !plan.unfit.is_empty();
    server.refused.is_some() || server.plan().is_some_and(tells)
}

/// A server with what would be written to it.
pub(super) fn server(server: &Server, now: Timestamp) -> String {
    let in_line = server.in_line_at.map(|at| format!(", last in line {}", ago(now, at))).unwrap_or_default();
    let mut text = format!(
        "{} ({}) of {} in {}: {}{in_line}\n",
        plain(&server.name),
        server.id,
        plain(&server.account_name),
        server.place.region,
        server.freshness.words(),
    );
    if let Some(instance) = &server.instance {
        let place = server.machine.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        let _ = writeln!(text, "  of the machine {instance}{place}");
    }
    server.plan().into_iter().flat_map(|plan| lines(server, plan)).for_each(|line| {
        let _ = writeln!(text, "  {line}");
    });
    if let Some(refused) = &server.refused {
        let (time, next) = (lasting(refused.since, now), second(refused.retry_at));
        let _ = writeln!(text, "  refused for {time}: {} (next attempt at {next})", plain(&refused.reason));
    }
    text
}

fn lines(server: &Server, plan: &Plan) -> Vec<String> {
    let value = |tags: &BTreeMap<String, String>, key: &str| tags.get(key).map(|value| plain(value));
    let before = |key: &str| value(&server.before, key).unwrap_or_default();
    let set = plan.set.iter().map(|(key, after)| change(key, server.before.get(key), Some(after)));
    let removed = plan.remove.iter().map(|key| change(key, server.before.get(key), None));
    let left = plan.left.iter().map(|(key, why)| {
        let why = match why {
            Left::ByPerson => {
                let wanted = value(&server.wanted, key).unwrap_or_default();
                format!("a person set it; EC2 says {wanted}")
            }
            Left::NotRemoved => "gone from EC2, and the rules do not remove".to_owned(),
        };
        format!("= {}: {} ({why})", plain(key), before(key))
    });
    let unfit = plan.unfit.iter().map(|unfit| format!("! {}: {}", plain(&unfit.key), unfit.why.words()));
    set.chain(removed).chain(left).chain(unfit).collect()
}

/// A tag before and after.
pub(super) fn change(key: &str, before: Option<&String>, after: Option<&String>) -> String {
    let key = plain(key);
    match (before.map(|value| plain(value)), after.map(|value| plain(value))) {
        (Some(before), Some(after)) => format!("~ {key}: {before} -> {after}"),
        (None, Some(after)) => format!("+ {key}: {after}"),
        (before, None) => format!("- {key}: {}", before.unwrap_or_default()),
    }
}

/// How many servers stand how.
pub(super) fn sums(servers: &[Server]) -> String {
    let number = |is: &dyn Fn(&Server) -> bool| servers.iter().filter(|server| is(server)).count();
    let plans = || servers.iter().filter_map(Server::plan);
    let (mut added, mut changed) = (0, 0);
    for server in servers {
        for key in server.plan().into_iter().flat_map(|plan| plan.set.keys()) {
            if server.before.contains_key(key) { changed += 1 } else { added += 1 }
        }
    }
    let removed: usize = plans().map(|plan| plan.remove.len()).sum();
    let differ = number(&Server::differs);
    let in_line = number(&|server| server.plan().is_some_and(Plan::is_empty));
    let written = number(&|server| matches!(server.standing, Standing::Written));
    let skipped = number(&|server| matches!(server.standing, Standing::Skipped(_)));
    let fresh =
        [Freshness::Synced, Freshness::Stale, Freshness::Never].map(|is| number(&|s| s.freshness == is));
    let off = number(&|server| server.copy_tags == Some(CopyTags::Off));
    let mut text = format!(
        "{}: {differ} to be changed ({added} added, {changed} changed, {removed} removed), {in_line} in line, \
         {written} written since the last sweep, {skipped} skipped.\n\
         Last in line: {} within a day, {} longer ago, {} never.\n",
        counted(servers.len(), "source server"),
        fresh[0],
        fresh[1],
        fresh[2],
    );
    if off > 0 {
        let _ = writeln!(
            text,
            "copyTags is off for {}: recovery instances get no tags of these. The rule copy_tags switches it on.",
            counted(off, "server")
        );
    }
    text
}

/// Servers to which nothing is copied, by reason.
pub(super) fn skipped(servers: &[Server]) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for server in servers {
        if let Standing::Skipped(why) = &server.standing {
            let of = server.instance.as_ref().map(InstanceId::as_str).unwrap_or_default();
            let name = if server.name.is_empty() { of } else { &server.name };
            by_reason.entry(why.words()).or_default().push(plain(name));
        }
    }
    let line = |(why, names): (&str, Vec<String>)| {
        let named = names[..names.len().min(NAMED)].join(", ");
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("Skipped because {why}: {named}{more}.\n")
    };
    by_reason.into_iter().map(line).collect()
}
