//! A bulletin about nothing, to see what messages look like and whether they arrive.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::incident::{IncidentKind, Severity};
use crate::keys::Place;
use crate::notify::bulletin::NAMED;
use crate::notify::{Counts, Covered, Digest, Why};
use crate::own_event::{Happened, IncidentEvent};
use crate::words::{self, SubjectKind};

/// How long what the sample tells of has lasted.
const LASTED: SignedDuration = SignedDuration::from_mins(12);

/// A sample of what is told when so many incidents of a kind open, 1 at least.
pub fn sample(
    kind: IncidentKind,
    severity: Severity,
    incidents: u32,
    place: &Place,
    at: Timestamp,
) -> Digest {
    let incidents = incidents.max(1);
    let since = at.checked_sub(LASTED).unwrap_or(at);
    let first = (1..=incidents).take(NAMED).map(|n| event(n, kind, severity, place, (since, at)));
    let labels = [("kind", kind.to_string()), ("region", place.region.to_string())];
    let labels: BTreeMap<_, _> = labels.map(|(name, value)| (name.to_owned(), value)).into();
    Digest {
        key: format!("test/{kind}@{at}"),
        group: format!("test/{kind}"),
        route: "test".to_owned(),
        labels,
        why: Why::Test,
        at,
        since,
        waits_since: None,
        worst: Some(severity),
        counts: Counts { opened: incidents, open: incidents, ..Counts::default() },
        first: first.collect(),
        unnamed: Covered::default(),
        accounts: 1,
        acks: None,
        late: false,
    }
}

fn event(
    n: u32,
    kind: IncidentKind,
    severity: Severity,
    place: &Place,
    (since, at): (Timestamp, Timestamp),
) -> IncidentEvent {
    let account = "Sample account";
    let (subject, subject_name) = match words::subject(kind) {
        SubjectKind::Server => (format!("s-{n:017}"), format!("sample-server-{n}")),
        SubjectKind::Account => (place.account.to_string(), account.to_owned()),
        SubjectKind::Job => (format!("drsjob-{n:017}"), format!("sample job {n}")),
        SubjectKind::RecoveryInstance => (format!("i-{n:017}"), format!("sample-server-{n}")),
        SubjectKind::Channel => (format!("sample-{n}"), format!("sample-{n}")),
    };
    let incident = format!("{kind}/{}/{}/{subject}", place.account, place.region);
    IncidentEvent {
        event_id: format!("test/{incident}@{at}"),
        incident,
        happened: Happened::Opened,
        kind,
        severity,
        account_id: place.account.clone(),
        account_name: account.to_owned(),
        region: place.region.clone(),
        subject,
        subject_name,
        opened_at: since,
        at,
        sequence: 1,
        reason: "a sample: what was seen would stand here".to_owned(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: None,
        application: None,
        drill_tag: None,
    }
}
