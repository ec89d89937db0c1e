//! JSON for programs: the body of a webhook, and the `detail` of `Notification Sent` on the bus.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::told::Told;
use super::{Links, console_link, digest, drill, text};
use crate::notify::bulletin::Site;
use crate::notify::{Bulletin, Covered, Digest, Drill, DrillHappened, Why};
use crate::own_event::{Happened, IncidentEvent};
use crate::words::{self, SubjectKind};

/// Characters of a reason.
const REASON_LIMIT: usize = 500;

/// The bulletin as data; described in `events/drs-fleet/notification.schema.json`.
pub fn webhook(bulletin: &Bulletin, links: &Links) -> Value {
    let told = Told::of(bulletin, links);
    let mut payload = match bulletin {
        Bulletin::Digest(digest) => of_digest(digest),
        Bulletin::Drill(drill) => of_drill(drill),
    };
    payload["eventId"] = bulletin.key().into();
    payload["what"] = told.marked(&told.line).into();
    payload["advice"] = told.advice.into();
    payload["acknowledge"] = told.acknowledge.into();
    payload["list"] = told.list.map(|list| list.command).into();
    payload["links"] = told.links.iter().map(|(label, url)| json!({"label": label, "url": url})).collect();
    without_nulls(payload)
}

fn of_digest(digest: &Digest) -> Value {
    let (why, step) = match digest.why {
        Why::Changed => ("CHANGED", None),
        Why::Repeated => ("REPEATED", None),
        Why::Escalated(step) => ("ESCALATED", Some(step)),
        Why::Acknowledged => ("ACKNOWLEDGED", None),
        Why::Test => ("TEST", None),
    };
    let named = u32::try_from(digest.first.len()).unwrap_or(u32::MAX);
    let more = digest::all(digest).saturating_sub(named);
    // What is only counted may be elsewhere.
    let open = digest.first.iter().filter(|event| event.happened != Happened::Resolved).count();
    let are_all_named = more == 0 && u32::try_from(open).is_ok_and(|open| open == digest.counts.open);
    let all = if are_all_named { digest.first.as_slice() } else { &[] };
    let one = only(all.iter().map(|event| &event.account_id)).and_then(|_| all.first());
    let labels: BTreeMap<_, _> =
        digest.labels.iter().map(|(name, value)| (text::cut(name), text::cut(value))).collect();
    json!({
        "type": "INCIDENTS",
        "why": why,
        "escalationStep": step,
        "group": digest.group,
        "route": digest.route,
        "labels": labels,
        "accountId": one.map(|event| &event.account_id),
        "accountName": one.map(|event| text::cut(&event.account_name)),
        "region": only(all.iter().map(|event| &event.region)),
        "jobId": only(all.iter().map(|event| event.job_id.as_ref())),
        "planName": only(all.iter().map(|event| event.plan_name.as_deref())).flatten().map(text::cut),
        "severity": digest::severity(digest),
        "status": if digest.worst.is_some() { "OPEN" } else { "RESOLVED" },
        "since": digest.since,
        "at": digest.at,
        "late": digest.late.then_some(true),
        "counts": digest.counts,
        "accounts": digest.accounts,
        "incidents": digest.first.iter().map(incident).collect::<Vec<_>>(),
        "more": more,
        "covered": covered(&digest.covered()),
    })
}

/// What all have in common.
fn only<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Rules on the bus and programs look for these: only the first incidents are named.
fn covered(covered: &Covered) -> Value {
    let Covered { kinds, severities, accounts, regions } = covered;
    json!({ "kinds": kinds, "severities": severities, "accountIds": accounts, "regions": regions })
}

fn incident(event: &IncidentEvent) -> Value {
    let server = (words::subject(event.kind) == SubjectKind::Server).then(|| text::cut(&event.subject));
    json!({
        "incident": text::cut(&event.incident),
        "kind": event.kind,
        "status": event.happened,
        "severity": event.severity,
        "accountId": event.account_id,
        "accountName": text::cut(&event.account_name),
        "region": event.region,
        "subject": text::cut(&event.subject),
        "subjectName": text::cut(&event.subject_name),
        "serverId": server,
        "jobId": event.job_id,
        "planName": event.plan_name.as_deref().map(text::cut),
        "drill": event.drill,
        "application": event.application.as_deref().map(text::cut),
        "drillTag": event.drill_tag.as_deref().map(text::cut),
        "since": event.opened_at,
        "at": event.at,
        "reason": text::cut_to(&event.reason, REASON_LIMIT),
        "console": console_link(event),
    })
}

fn of_drill(drill: &Drill) -> Value {
    let only = if drill.sites.len() == 1 { drill.sites.first() } else { None };
    let wave = match &drill.happened {
        DrillHappened::Wave { job_id, account_id, account_name, region, .. } => json!({
            "jobId": text::cut(job_id),
            "accountId": account_id,
            "accountName": text::cut(account_name),
            "region": text::cut(region),
        }),
        _ => json!(only.map(site)),
    };
    let is_over = matches!(drill.happened, DrillHappened::Ended { .. });
    json!({
        "type": "DRILL",
        "status": if is_over { "RESOLVED" } else { "OPEN" },
        "planName": text::cut(&drill.name),
        "jobId": wave["jobId"],
        "accountId": wave["accountId"],
        "accountName": wave["accountName"],
        "region": wave["region"],
        "sites": drill.sites.iter().map(site).collect::<Vec<_>>(),
        "severity": drill::severity(drill),
        "since": drill.since,
        "at": drill.at,
        "drill": with_texts_cut(json!(drill.happened)),
    })
}

fn site(site: &Site) -> Value {
    json!({ "accountId": site.account_id, "accountName": text::cut(&site.account_name), "region": site.region })
}

/// Names and reasons of many servers; ids are never as long.
fn with_texts_cut(value: Value) -> Value {
    match value {
        Value::String(text) => text::cut_to(&text, REASON_LIMIT).into(),
        Value::Array(values) => values.into_iter().map(with_texts_cut).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, with_texts_cut(value))).collect()
        }
        other => other,
    }
}

/// What is not known is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let known = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
