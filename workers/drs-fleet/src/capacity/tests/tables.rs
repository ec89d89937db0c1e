use drs_fleet_domain::counts::{CountsOfDay, CountsOfHour};
use drs_fleet_domain::fleet::FleetView;
use drs_fleet_domain::policy::Policy;
use jiff::ToSpan;

use super::super::history::{self, Past};
use super::super::read::Seen;
use super::super::show;
use super::*;

#[test]
fn the_worst_places_come_first_and_what_is_not_known_is_said() {
    let of = |id: &str, name: &str, region: &str, level: &str, replicating: u32, odd: Value| {
        let account = account(id, name, &[region]);
        let row = row(&place(id, region), (level, replicating), now(), &odd);
        view(&account, Some(&row))
    };
    let denied = json!({ "unreadable": {
        "since": "2026-08-22T18:00:00Z", "at": "2026-08-22T19:00:00Z", "reason": "AccessDenied: no\nway",
    } });
    let partial =
        json!({ "partial": { "at": "2026-08-22T19:57:00Z", "servers": 40, "reason": "throttled" } });
    let views = vec![
        of("111122223333", "Payments", "us-east-1", "INFO", 250, json!({})),
        of("222233334444", "Claims", "us-east-1", "OK", 120, partial),
        of("333344445555", "Ledger", "us-west-2", "CRITICAL", 300, json!({})),
        of("444455556666", "Fraud", "us-west-2", "OK", 10, denied),
        view(&account("555566667777", "Risk", &["us-west-2"]), None),
    ];
    let seen =
        Seen { read_at: now(), view: FleetView::of(views), unread: Vec::new(), policy: Policy::default() };
    insta::assert_snapshot!(show::print(&seen, "drs-fleet in eu-central-1"));
}

#[test]
fn the_sums_of_a_region_of_which_nothing_is_known_are_no_zeros() {
    let views = vec![view(&account("555566667777", "Risk", &["us-west-2"]), None)];
    let seen =
        Seen { read_at: now(), view: FleetView::of(views), unread: Vec::new(), policy: Policy::default() };
    let text = show::print(&seen, "drs-fleet in eu-central-1");
    assert!(
        text.contains("us-west-2  1       1        ?            ?          ?         ?         ?\n"),
        "{text}"
    );
}

fn day(n: i32, last: u32) -> CountsOfDay {
    let here = place("111122223333", "us-east-1");
    let day: jiff::civil::Date = "2026-08-22".parse().unwrap();
    let day = day.saturating_sub(n.days());
    CountsOfDay { place: here, day, min: last - 2, max: last + 1, last, last_at: now(), limit: 300 }
}

fn hours() -> Vec<CountsOfHour> {
    let hour = |day: &str, hour: i8, count: u32| CountsOfHour {
        place: place("111122223333", "us-east-1"),
        day: day.parse().unwrap(),
        hour,
        points: [(0, count), (30, count + 1)].into(),
    };
    vec![hour("2026-08-22", 19, 240), hour("2026-08-21", 7, 230), hour("2026-08-19", 7, 1)]
}

fn past(days: Vec<CountsOfDay>) -> Past {
    let account = account("111122223333", "Payments", &["us-east-1"]);
    let row = row(&place("111122223333", "us-east-1"), ("OK", 240), now(), &json!({}));
    history::past(view(&account, Some(&row)), days, &hours(), 30, now())
}

#[test]
fn the_history_of_a_place_is_drawn_with_its_trend() {
    let days = (0..10).filter(|n| *n != 4).map(|n| day(n, 240 - u32::try_from(n).unwrap() * 2));
    let past = past(days.collect());
    assert_eq!(past.points.len(), 4, "what is older than 48 hours is left out");
    insta::assert_snapshot!(history::print(&past));
}

#[test]
fn days_before_those_that_were_asked_for_are_left_out() {
    let past = past(vec![day(30, 100), day(29, 200), day(0, 240)]);
    let days: Vec<_> = past.days.iter().map(|day| day.last).collect();
    assert_eq!(days, [200, 240], "oldest first");
    assert!(
        history::print(&past).contains("no forecast: it needs 7 days of data, of which there are 2 so far")
    );
}

#[test]
fn a_count_that_falls_reaches_nothing() {
    let past = past((0..8).map(|n| day(n, 240 + u32::try_from(n).unwrap())).collect());
    let text = history::print(&past);
    assert!(
        text.contains("-1.0 servers a day, by 8 days of data: never at the target of 250, never at"),
        "{text}"
    );
}
