use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::notify::testing::event;
use crate::notify::{Bulletin, Covered, Digest};
use crate::own_event::Happened;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn name(name: &str) -> ChannelName {
    ChannelName::try_from(name.to_owned()).unwrap()
}

/// The bulletin `number` of a group, of which sending was begun so often.
fn delivery(group: &str, number: u32, attempts: u32) -> DeliveryRow {
    let bulletin = Digest::of_one(&event(json!({}))).into();
    DeliveryRow { attempts, ..DeliveryRow::new((group, number), &name("pager"), bulletin, None) }
}

fn said(answer: &Answer, stored: Option<&ChannelRow>, second: i64) -> Option<Change<ChannelRow>> {
    said_of(&delivery("a", 1, 1), answer, stored, second)
}

fn said_of(
    delivery: &DeliveryRow,
    answer: &Answer,
    stored: Option<&ChannelRow>,
    second: i64,
) -> Option<Change<ChannelRow>> {
    let place = Place { account: "999900001111".parse().unwrap(), region: "eu-central-1".parse().unwrap() };
    let hub = Hub { place: &place, account_name: "Hub" };
    answered(delivery, answer, stored, hub, at(second))
}

fn refused() -> Answer {
    Answer::Refused("timed out".into(), None)
}

fn happened(change: &Change<ChannelRow>) -> Vec<Happened> {
    change.tell.iter().filter_map(OwnEvent::incident).map(|event| event.happened).collect()
}

#[test]
fn a_channel_that_takes_what_it_gets_writes_nothing() {
    assert_eq!(said(&Answer::Taken(None), None, 1), None);
    let failing = said(&refused(), None, 1).unwrap().row;
    let mended = said(&Answer::Taken(None), Some(&failing), 2).unwrap();
    assert_eq!((mended.row.wake_at(), happened(&mended)), (None, vec![]), "a moment is no incident");
    assert_eq!(said(&Answer::Taken(None), Some(&mended.row), 3), None);
}

#[test]
fn one_that_takes_nothing_for_five_minutes_is_an_incident_until_it_takes_something() {
    let row = said(&refused(), None, 100).unwrap().row;
    assert_eq!(row.wake_at(), Some(at(400)));
    assert_eq!(said(&refused(), Some(&row), 399), None, "the same again is no news");
    let opened = looked(&row, true, "Hub", at(400)).unwrap();
    let OwnEvent::Incident(event) = &opened.tell[0] else { panic!() };
    assert_eq!(event.incident, "CHANNEL_FAILING/999900001111/eu-central-1/pager");
    assert_eq!((event.severity, event.opened_at), (Severity::High, at(100)));
    assert_eq!(event.reason, "it takes no messages; the last was refused with: timed out");
    assert!(opened.row.is_told_failing());
    let later = said(&Answer::Refused("503".into(), None), Some(&opened.row), 450).unwrap();
    assert_eq!((happened(&later), later.row.failing.as_ref().unwrap().error.as_str()), (vec![], "503"));
    let over = said(&Answer::Taken(None), Some(&later.row), 500).unwrap();
    assert_eq!((happened(&over), over.row.wake_at()), (vec![Happened::Resolved], None));
    assert!(over.row.expires_at() > Some(at(500)) && opened.row.expires_at().is_none());
}

#[test]
fn one_that_keeps_refusing_a_bulletin_is_an_incident_though_it_takes_others_until_it_takes_one_of_that_group()
{
    let taken = Answer::Taken(None);
    let row = said_of(&delivery("a", 1, 5), &refused(), None, 300).unwrap().row;
    let row = said_of(&delivery("b", 1, 1), &taken, Some(&row), 301).unwrap().row;
    assert!(!row.is_told_failing());
    let opened = said_of(&delivery("a", 1, 6), &refused(), Some(&row), 600).unwrap();
    assert_eq!(happened(&opened), [Happened::Opened]);
    let OwnEvent::Incident(told) = &opened.tell[0] else { panic!() };
    let named = told.reason.contains(&delivery("a", 1, 6).id());
    assert!(named && told.reason.ends_with("timed out"), "{}", told.reason);
    let others = said_of(&delivery("b", 2, 1), &taken, Some(&opened.row), 601).unwrap();
    assert_eq!((happened(&others), others.row.is_told_failing()), (vec![], true));
    // What it refused was overtaken by the next one of its group, which is refused as well.
    let next = said_of(&delivery("a", 2, 1), &refused(), Some(&others.row), 900).unwrap();
    assert_eq!((happened(&next), next.row.stuck.as_ref().map(|stuck| stuck.since)), (vec![], Some(at(600))));
    let over = said_of(&delivery("a", 2, 2), &taken, Some(&next.row), 915).unwrap();
    assert_eq!((happened(&over), over.row.wake_at()), (vec![Happened::Resolved], None));
    let given_up = said_of(&delivery("a", 2, 77), &refused(), Some(&others.row), 900).unwrap();
    assert!(given_up.row.stuck.is_none() && given_up.row.failing.as_ref().unwrap().for_good);
    let gone = looked(&others.row, false, "Hub", at(900)).unwrap();
    assert_eq!(happened(&gone), [Happened::Resolved], "the routes have it no more");
}

#[test]
fn what_nobody_tries_any_more_keeps_no_incident_open() {
    let opened = said_of(&delivery("a", 1, 6), &refused(), None, 600).unwrap().row;
    let mut row = said_of(&delivery("b", 1, 1), &Answer::Taken(None), Some(&opened), 601).unwrap().row;
    let mut resolved_at = None;
    while let Some(at) = row.wake_at().filter(|at| resolved_at.is_none() && at.as_second() < 10_000) {
        let change = looked(&row, true, "Hub", at).unwrap();
        resolved_at = (happened(&change) == [Happened::Resolved]).then_some(at.as_second());
        row = change.row;
    }
    assert!(resolved_at.is_some_and(|at| (2_400..=2_700).contains(&at)), "{resolved_at:?}");
}

#[test]
fn what_an_earlier_release_stored_of_a_refused_bulletin_is_read_and_over_with_the_next_answer() {
    let stuck = said(&refused(), None, 1).unwrap().row;
    let mut old = serde_json::to_value(&stuck).unwrap();
    old["failing"] = serde_json::Value::Null;
    old["stuck"] = serde_json::json!({ "delivery": "a#1", "since": at(1), "error": "timed out" });
    let row: ChannelRow = serde_json::from_value(old).unwrap();
    assert!(said(&Answer::Taken(None), Some(&row), 10_000).unwrap().row.stuck.is_none());
}

#[test]
fn one_that_refuses_for_good_is_an_incident_at_once() {
    let never = Answer::RefusedForGood("no such topic".into());
    let opened = said(&never, None, 100).unwrap();
    assert_eq!(happened(&opened), [Happened::Opened]);
    assert_eq!(said(&never, Some(&opened.row), 130), None);
    let back = said(&never, Some(&said(&Answer::Taken(None), Some(&opened.row), 200).unwrap().row), 260);
    assert_eq!(happened(&back.unwrap()), [Happened::Reopened], "within ten minutes it is the same");
}

#[test]
fn one_that_the_routes_do_not_have_any_more_fails_no_more() {
    let opened = said(&Answer::RefusedForGood("gone".into()), None, 100).unwrap().row;
    let still = looked(&opened, true, "Hub", at(400)).unwrap();
    assert_eq!((happened(&still), still.row.wake_at()), (vec![], Some(at(700))), "it is looked at again");
    let over = looked(&still.row, false, "Hub", at(700)).unwrap();
    assert_eq!((happened(&over), over.row.wake_at()), (vec![Happened::Resolved], None));
}

fn told(kinds: &[&str]) -> Bulletin {
    let events: Vec<_> =
        kinds.iter().map(|kind| event(json!({ "kind": kind, "subject": "pager" }))).collect();
    Digest { first: events.clone(), ..Digest::of_one(&events[0]) }.into()
}

fn names(all: &str) -> BTreeSet<ChannelName> {
    all.split_whitespace().map(name).collect()
}

#[test]
fn that_a_channel_fails_is_told_over_those_that_work() {
    let of_channel = told(&["CHANNEL_FAILING"]);
    let over = |bulletin: &Bulletin, meant: &str, failing: &str| {
        told_over(bulletin, &names(meant), &names("bus mail pager"), &names(failing))
    };
    assert!(matters(&of_channel) && !matters(&told(&["JOB_FAILED"])));
    assert_eq!(over(&of_channel, "mail pager", "pager"), names("mail"));
    assert_eq!(over(&of_channel, "pager", "pager"), names("bus mail"), "else nobody would know");
    assert_eq!(over(&of_channel, "pager", "bus mail pager"), names("pager"), "it waits where nothing works");
    assert_eq!(
        over(&told(&["JOB_FAILED"]), "pager", "pager"),
        names("pager"),
        "all else waits for its channel"
    );
    let both = told(&["CHANNEL_FAILING", "JOB_FAILED"]);
    assert_eq!(over(&both, "mail pager", "pager"), names("mail pager"));
    assert_eq!(over(&both, "pager", "pager"), names("bus mail pager"));
    let counted = |digest: Digest| Digest { unnamed: Covered::of(&digest.first), ..digest };
    let Bulletin::Digest(of_channel) = of_channel else { panic!("no drill is told of") };
    let named_last = Digest { first: vec![event(json!({ "kind": "JOB_FAILED" }))], ..counted(*of_channel) };
    assert_eq!(over(&named_last.into(), "pager", "pager"), names("bus mail pager"), "it is only counted");
}
