use super::*;
use crate::incident::{IncidentKind, Severity};
use crate::own_event::{Happened, OwnEvent};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn fresh(worker: &str, reason: Reason) -> UnhandledRow {
    UnhandledRow {
        worker: worker.to_owned(),
        reason,
        account: "111122223333".parse().unwrap(),
        subject: "us-west-2".to_owned(),
        count: 0,
        ids: Vec::new(),
        last_at: Timestamp::UNIX_EPOCH,
        regions: BTreeMap::new(),
        incidents: Incidents::new(),
        look_at: None,
    }
}

fn note(id: &str, second: i64) -> Noted {
    note_from("us-west-2", id, second)
}

fn note_from(region: &str, id: &str, second: i64) -> Noted {
    Noted { id: id.to_owned(), region: region.parse().unwrap(), time: at(second) }
}

fn heard(stored: Option<&UnhandledRow>, events: &[Noted], now: i64) -> Option<Change<UnhandledRow>> {
    decide(fresh("capacity-tracker", Reason::Unregistered), events, stored, at(now))
}

fn happened(change: &Change<UnhandledRow>) -> Vec<Happened> {
    change.tell.iter().filter_map(OwnEvent::incident).map(|event| event.happened).collect()
}

#[test]
fn many_events_are_one_change_and_a_redelivery_is_none() {
    let events = [note("a", 1), note("b", 3), note("a", 1), note("c", 2)];
    let row = heard(None, &events, 4).unwrap().row;
    assert_eq!((row.count, row.last_at, row.ids.join("")), (3, at(3), "abc".to_owned()));
    assert_eq!(heard(Some(&row), &[note("b", 3)], 5), None);
}

#[test]
fn an_unregistered_account_is_one_incident_however_much_it_sends() {
    let first = heard(None, &[note("a", 1)], 2).unwrap();
    assert_eq!(happened(&first), [Happened::Opened]);
    let event = first.tell[0].incident().unwrap();
    assert_eq!((event.severity, event.subject.as_str()), (Severity::Medium, "111122223333"));
    assert!(event.reason.contains("1 event was") && event.reason.ends_with("last a"), "{}", event.reason);
    let second = heard(Some(&first.row), &[note("b", 100)], 101).unwrap();
    assert_eq!(happened(&second), []);
    let reason = &second.row.incidents[&IncidentKind::UnregisteredAccount].reason;
    assert!(reason.contains("2 events") && reason.ends_with("last a, b"), "{reason}");
}

#[test]
fn an_account_that_sends_from_many_regions_is_one_incident_with_the_counts_of_each() {
    let first = heard(None, &[note("a", 1)], 2).unwrap().row;
    let events =
        [note_from("sa-east-1", "b", 3), note_from("eu-west-1", "c", 4), note_from("sa-east-1", "d", 5)];
    let second = heard(Some(&first), &events, 6).unwrap();
    assert_eq!((happened(&second), second.row.key()), (vec![], first.key()));
    let incident = &second.row.incidents[&IncidentKind::UnregisteredAccount];
    let counts =
        "4 events were counted and not acted on (1 from eu-west-1, 2 from sa-east-1, 1 from us-west-2)";
    assert!(incident.reason.contains(counts), "{}", incident.reason);
    assert!(incident.reason.ends_with("last a, b, c, d"), "{}", incident.reason);

    let partly = look(&second.row, |place| place.region.as_str() != "sa-east-1", at(602)).unwrap();
    assert_eq!(happened(&partly), [], "it still sends from a Region that is not registered");
    let reason = &partly.row.incidents[&IncidentKind::UnregisteredAccount].reason;
    assert!(reason.contains("2 events were") && reason.contains("(2 from sa-east-1)"), "{reason}");
    let told = look(&partly.row, |_| true, at(1202)).unwrap().tell;
    let over = told[0].incident().unwrap();
    assert_eq!((over.happened, over.region.as_str()), (Happened::Resolved, "us-west-2"), "as it was opened");
}

#[test]
fn a_region_that_fell_silent_does_not_keep_the_incident_of_an_account_open() {
    let day = 24 * 3600;
    let row = heard(None, &[note("a", 1), note_from("sa-east-1", "b", day)], day).unwrap().row;
    let looked = look(&row, |_| false, at(day + 1)).unwrap();
    let reason = &looked.row.incidents[&IncidentKind::UnregisteredAccount].reason;
    assert!(happened(&looked).is_empty() && reason.contains("(1 from sa-east-1)"), "{reason}");
    assert_eq!(happened(&look(&looked.row, |_| false, at(2 * day)).unwrap()), [Happened::Resolved]);
}

#[test]
fn other_workers_and_other_reasons_open_nothing() {
    for (worker, reason) in [("tag-sync", Reason::Unregistered), ("capacity-tracker", Reason::UnknownType)] {
        let change = decide(fresh(worker, reason), &[note("a", 1)], None, at(2)).unwrap();
        assert!(change.tell.is_empty() && change.row.incidents.is_empty(), "{worker}");
        assert_eq!((change.row.wake_at(), change.row.worker()), (None, worker));
    }
}

#[test]
fn it_closes_when_the_account_is_registered_and_is_looked_at_every_ten_minutes() {
    let row = heard(None, &[note("a", 1)], 2).unwrap().row;
    assert_eq!(row.wake_at(), Some(at(602)));
    let busy = heard(Some(&row), &[note("b", 600)], 601).unwrap().row;
    assert_eq!(busy.wake_at(), Some(at(602)), "not put off by what it sends");
    let looked = look(&busy, |_| false, at(602)).unwrap();
    assert_eq!((happened(&looked), looked.row.wake_at()), (vec![], Some(at(1202))));
    let closed = look(&looked.row, |_| true, at(1202)).unwrap();
    assert_eq!((happened(&closed), closed.row.wake_at()), (vec![Happened::Resolved], None));
}

#[test]
fn it_closes_when_nothing_came_for_a_day_and_an_event_of_the_day_before_opens_nothing() {
    let row = heard(None, &[note("a", 1)], 2).unwrap().row;
    let day = 24 * 3600;
    assert_eq!(happened(&look(&row, |_| false, at(day)).unwrap()), []);
    let closed = look(&row, |_| false, at(day + 1)).unwrap();
    assert_eq!(happened(&closed), [Happened::Resolved]);
    assert_eq!(happened(&heard(None, &[note("a", 1)], day + 1).unwrap()), []);
}
