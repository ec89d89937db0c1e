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
    };
    let (kind, reason) = (IncidentKind::ReplicationStalled, String::new());
    let condition = Condition { kind, since: at(0), severity: Severity::High, reason };
    let mut open = Incidents::new();
    let mut events = reconcile(&mut open, &[condition], &subject, at(0));
    events.extend(reconcile(&mut open, &[], &subject, at(500)));
    events
}

fn opened() -> IncidentRow {
    decide(&told()[..1], None, &[Channel::Email, Channel::Slack], at(10)).unwrap().row
}

#[test]
fn a_channel_that_refuses_for_good_is_neither_tried_again_nor_told_the_end() {
    let row = opened();
    let id = row.latest.event_id.clone();
    let row = answered(&row, (Channel::Email, &id), Answer::Taken, at(11)).unwrap().row;
    let refusal = Answer::RefusedForGood("no webhook".into());
    let row = answered(&row, (Channel::Slack, &id), refusal, at(11)).unwrap().row;
    assert_eq!(row.wake_at(), None);
    assert_eq!(reclaim(&row, at(100_000)), None);
    let over = decide(&told()[1..], Some(&row), &[Channel::Email, Channel::Slack], at(600)).unwrap().row;
    assert_eq!(over.deliveries.keys().collect::<Vec<_>>(), [&Channel::Email]);
}

fn acked(row: &IncidentRow) -> Option<IncidentRow> {
    let ack = Ack { by: "kim".into(), at: at(20), note: None };
    acknowledge(row, ack).map(|change| change.row)
}

#[test]
fn an_acknowledgement_survives_what_else_happens_to_the_incident() {
    let row = acked(&opened()).unwrap();
    let worse = IncidentEvent { happened: Happened::Escalated, sequence: 2, ..row.latest.clone() };
    let row = decide(&[worse], Some(&row), &[Channel::Email], at(30)).unwrap().row;
    let row = reclaim(&row, at(100_000)).unwrap().row;
    let id = row.latest.event_id.clone();
    let row = answered(&row, (Channel::Email, &id), Answer::Taken, at(31)).unwrap().row;
    let over = IncidentEvent { happened: Happened::Resolved, sequence: 3, ..row.latest.clone() };
    let row = decide(&[over], Some(&row), &[Channel::Email], at(600)).unwrap().row;
    assert_eq!(row.ack.unwrap().by, "kim");
}

#[test]
fn an_incident_that_was_stored_before_there_were_acknowledgements_is_read() {
    let old = serde_json::to_value(opened()).unwrap();
    assert!(old.get("ack").is_none());
    assert_eq!(serde_json::from_value::<IncidentRow>(old).unwrap(), opened());
}

#[test]
fn an_acknowledgement_is_void_for_a_later_incident() {
    let row = acked(&opened()).unwrap();
    let later = IncidentEvent { opened_at: at(900), ..row.latest.clone() };
    assert_eq!(decide(&[later], Some(&row), &[], at(901)).unwrap().row.ack, None);
}

#[test]
fn what_is_acknowledged_or_over_is_not_acknowledged_again() {
    let row = acked(&opened()).unwrap();
    assert_eq!(acked(&row), None);
    let over = decide(&told()[1..], Some(&opened()), &[], at(600)).unwrap().row;
    assert_eq!(acked(&over), None);
}

#[test]
fn a_channel_that_goes_on_refusing_is_given_up_on_in_the_end() {
    let mut row = opened();
    let id = row.latest.event_id.clone();
    row.deliveries.remove(&Channel::Email);
    let mut tries = 1;
    while let Some(when) = row.wake_at() {
        let refusal = Answer::Refused("503".into());
        row = answered(&row, (Channel::Slack, &id), refusal, when).map_or(row, |change| change.row);
        if let Some(again) = reclaim(&row, when) {
            row = again.row;
            tries += 1;
        }
    }
    assert_eq!(tries, ATTEMPTS);
}

/// Told at 0 and 500; back at 600, and over for good at 700.
fn returned() -> [IncidentEvent; 4] {
    let [opened, resolved] = told().try_into().unwrap();
    let then = |happened, sequence, second| IncidentEvent {
        event_id: format!("returned#{sequence}"),
        happened,
        sequence,
        at: at(second),
        ..resolved.clone()
    };
    let [back, over] = [then(Happened::Reopened, 3, 600), then(Happened::Resolved, 4, 700)];
    [opened, resolved, back, over]
}

#[test]
fn what_comes_back_is_told_like_what_opens_and_so_is_its_end() {
    let channels = [Channel::Email, Channel::Slack];
    let mut row = opened();
    for event in &returned()[1..] {
        row = decide(std::slice::from_ref(event), Some(&row), &channels, at(800)).unwrap().row;
        assert_eq!(claimed(&row, at(800)), channels, "{event:?}");
        assert_eq!(row.is_open(), event.happened == Happened::Reopened);
    }
}

#[test]
fn a_return_of_which_people_hear_too_late_is_told_neither_to_be_nor_to_be_over() {
    let [_, resolved, back, over] = returned();
    let row = decide(&[resolved], Some(&opened()), &[Channel::Email], at(800)).unwrap().row;
    let row = decide(&[over], Some(&row), &[Channel::Email], at(800)).unwrap().row;
    assert_eq!(claimed(&row, at(800)), []);
    assert_eq!(decide(&[back], Some(&row), &[Channel::Email], at(800)), None);
}
