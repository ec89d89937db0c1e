use super::*;
use crate::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::Place;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Opened at 0 and resolved at 500.
fn told() -> Vec<IncidentEvent> {
    let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
    let subject = Subject {
        place: &place,
        account_name: "erp",
        id: "s-1",
        name: "erp-1",
        job: None,
        application: None,
        drill_tag: None,
    };
    let (kind, reason) = (IncidentKind::ReplicationStalled, String::new());
    let condition = Condition { kind, since: at(0), severity: Severity::High, reason };
    let mut open = Incidents::new();
    let mut events = reconcile(&mut open, &[condition], &subject, at(0));
    events.extend(reconcile(&mut open, &[], &subject, at(500)));
    events
}

/// By severity, as a route might.
fn taken(event: &IncidentEvent) -> Vec<Taken> {
    let group = event.severity.to_string();
    vec![Taken { route: "default".into(), group, labels: std::collections::BTreeMap::new() }]
}

fn row(events: &[IncidentEvent], stored: Option<&IncidentRow>) -> IncidentRow {
    decide(events, stored, taken).unwrap().row
}

fn groups(row: &IncidentRow) -> Vec<&str> {
    row.groups.iter().map(|taken| taken.group.as_str()).collect()
}

#[test]
fn an_incident_stays_in_its_groups_until_it_is_over() {
    let opened = row(&told()[..1], None);
    let worse = IncidentEvent {
        happened: Happened::Escalated,
        severity: Severity::Critical,
        sequence: 2,
        ..opened.latest.clone()
    };
    let worse = row(&[worse], Some(&opened));
    assert_eq!(groups(&worse), ["HIGH", "CRITICAL"]);
    let over = IncidentEvent { happened: Happened::Resolved, sequence: 3, ..worse.latest.clone() };
    let over = row(&[over], Some(&worse));
    assert_eq!(groups(&over), ["HIGH", "CRITICAL"]);
    let later = IncidentEvent { opened_at: at(900), ..told()[0].clone() };
    assert_eq!(groups(&row(&[later], Some(&over))), ["HIGH"]);
}

#[test]
fn groups_that_an_incident_left_are_told_its_end_as_long_as_that_may_be_delivered_again() {
    let over = row(&told(), None);
    let opens = |second, severity| IncidentEvent {
        opened_at: at(second),
        at: at(second),
        severity,
        ..told()[0].clone()
    };
    let elsewhere = row(&[opens(900, Severity::Critical)], Some(&over));
    let known = |row: &IncidentRow| -> Vec<(String, IncidentEvent)> {
        row.joins().map(|(taken, event)| (taken.group.clone(), event.clone())).collect()
    };
    let opened = ("CRITICAL".to_owned(), opens(900, Severity::Critical));
    assert_eq!(known(&elsewhere), [("HIGH".to_owned(), over.latest.clone()), opened.clone()]);
    let worse = IncidentEvent { happened: Happened::Escalated, sequence: 2, ..opened.1.clone() };
    assert_eq!(row(&[worse], Some(&elsewhere)).left, elsewhere.left);
    let back = IncidentEvent { happened: Happened::Resolved, sequence: 3, ..opened.1 };
    let back = row(&[opens(1_000, Severity::High)], Some(&row(&[back], Some(&elsewhere))));
    assert_eq!(
        known(&back).iter().map(|(group, _)| group.as_str()).collect::<Vec<_>>(),
        ["CRITICAL", "HIGH"]
    );
    let weeks_later = row(&[opens(1_300_000, Severity::Critical)], Some(&over));
    assert_eq!(known(&weeks_later).len(), 1);
}

#[test]
fn what_is_not_newer_is_dropped() {
    let over = row(&told(), None);
    assert!(!over.is_open());
    assert_eq!(decide(&told(), Some(&over), taken), None);
}

fn acked(row: &IncidentRow) -> Option<IncidentRow> {
    let ack = Ack { by: "kim".into(), at: at(20), note: None };
    acknowledge(row, ack).map(|change| change.row)
}

#[test]
fn an_acknowledgement_survives_what_else_happens_to_the_incident() {
    let row_of_one = acked(&row(&told()[..1], None)).unwrap();
    assert_eq!(acked(&row_of_one), None, "somebody has already");
    let over = row(&told()[1..], Some(&row_of_one));
    assert_eq!(over.ack.as_ref().unwrap().by, "kim");
    assert_eq!(acked(&over), None, "it is over");
    let later = IncidentEvent { opened_at: at(900), ..told()[0].clone() };
    assert_eq!(row(&[later], Some(&over)).ack, None, "that is another incident");
    let back = |seconds: i64| {
        let (at, happened) = (at(500 + seconds), Happened::Reopened);
        row(&[IncidentEvent { at, happened, sequence: 3, ..told()[1].clone() }], Some(&over))
    };
    assert_eq!(back(299).ack, over.ack);
    assert_eq!(back(300).ack, None, "people were told that it is over");
    assert!(acked(&back(300)).is_some());
}

#[test]
fn whoever_relieves_another_sees_to_it_from_then_on() {
    let by = |who: &str| Ack { by: who.into(), at: at(20), note: None };
    let of_kim = acked(&row(&told()[..1], None)).unwrap();
    assert_eq!(take_over(&of_kim, by("kim")), None, "she does already");
    let note = Ack { note: Some("ticket 4711".into()), ..by("kim") };
    assert_eq!(take_over(&of_kim, note.clone()).unwrap().row.ack, Some(note), "she says more");
    let of_lee = take_over(&of_kim, by("lee")).unwrap().row;
    assert_eq!(of_lee.ack, Some(by("lee")));
    assert_eq!(take_over(&row(&told()[1..], Some(&of_lee)), by("kim")), None, "it is over");
}

#[test]
fn an_incident_that_was_stored_before_there_were_groups_is_read() {
    let old = serde_json::json!({ "latest": told()[0], "deliveries": {} });
    let read = serde_json::from_value::<IncidentRow>(old).unwrap();
    assert_eq!((read.groups.len(), read.is_open()), (0, true));
    let adopted_once = adopted(&read, taken).unwrap().row;
    assert_eq!(groups(&adopted_once), ["HIGH"]);
    assert_eq!(adopted(&adopted_once, taken), None);
}

#[test]
fn an_incident_is_history_for_ninety_days_after_its_end_and_is_kept_while_it_is_open() {
    let open = row(&told()[..1], None);
    assert_eq!(open.expires_at(), None);
    assert_eq!(row(&told()[1..], Some(&open)).expires_at(), Some(at(500 + 90 * 24 * 3600)));
}
