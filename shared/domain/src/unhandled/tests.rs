use super::*;
use crate::own_event::Happened;

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
        incidents: Incidents::new(),
        look_at: None,
    }
}

fn note(id: &str, second: i64) -> Noted {
    Noted { id: id.to_owned(), time: at(second) }
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

#[test]
fn what_was_stored_before_there_were_incidents_is_read() {
    let old = serde_json::json!({
        "worker": "capacity-tracker", "reason": "UNREGISTERED", "account": "111122223333",
        "subject": "us-west-2", "count": 3, "ids": ["a"], "last_at": "2026-01-01T00:00:00Z",
    });
    let row: UnhandledRow = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(serde_json::to_value(&row).unwrap(), old);
}
