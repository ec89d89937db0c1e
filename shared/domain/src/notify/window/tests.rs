use serde_json::json;

use super::*;
use crate::notify::testing::event;
use crate::registry::AccountRow;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(hours: i64) -> WindowRow {
    let from = time("2026-08-22T20:00:00Z");
    WindowRow {
        id: "w1".into(),
        name: "spring drill".into(),
        matchers: WindowRow::expected(),
        from,
        until: from + jiff::SignedDuration::from_hours(hours),
        author: "ops".into(),
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    }
}

#[test]
fn a_window_covers_what_comes_of_drills_while_it_is_open() {
    let (row, noon) = (window(8), time("2026-08-22T22:00:00Z"));
    let covers =
        |row: &WindowRow, drill, at| row.covers(&Labels::of(&event(json!({ "drill": drill })), None), at);
    assert!(covers(&row, Some(true), noon));
    assert!(!covers(&row, Some(false), noon) && !covers(&row, None, noon), "a real failure");
    assert!(!covers(&row, Some(true), row.until));
    let closed = row.closed("anna", noon).unwrap();
    assert!(!covers(&closed, Some(true), noon));
    assert_eq!((closed.closed("bob", noon), closed.closes_at()), (None, noon));
}

#[test]
fn a_window_closes_within_7_days() {
    assert_eq!(window(7 * 24).problems(), [""; 0]);
    assert_eq!(window(7 * 24 + 1).problems(), ["it lasts longer than 7 days"]);
    let everything = WindowRow { matchers: Matchers::default(), ..window(8) };
    assert_eq!(everything.problems(), ["everything would be expected: say what with a matcher"]);
}

#[test]
fn a_tag_opens_a_window_with_a_name_a_beginning_and_an_end_or_a_length() {
    let (from, until) = (time("2026-08-22T20:00:00Z"), time("2026-08-23T02:00:00Z"));
    for (value, name) in [
        ("2026-08-22T20:00Z/2026-08-23T02:00Z", "drill by tag"),
        (" spring drill  2026-08-22T20:00:00Z/6h ", "spring drill"),
        ("wave-2 2026-08-22T22:00+02:00/2026-08-23T04:00+02:00", "wave-2"),
        ("a/b 2026-08-22T20:00Z / 5h 60m", "a/b"),
    ] {
        let row = WindowRow::of_tag(value).unwrap();
        assert_eq!((row.name.as_str(), row.from, row.until), (name, from, until), "{value}");
        assert_eq!((row.author.as_str(), row.told), ("tag drs-fleet:drill", Told::Nothing));
        assert_eq!(WindowRow::of_tag(value).unwrap(), row, "one window of one value");
    }
}

#[test]
fn a_tag_that_cannot_be_read_says_how_it_is_written() {
    for value in
        ["", "yes", "2026-08-22T20:00Z", "2026-08-22T20:00/6h", "2026-08-22T20:00Z/soon", "/", "a/b c/d"]
    {
        let error = WindowRow::of_tag(value).unwrap_err();
        assert!(
            error.starts_with("write when it begins and ends, as 2026-12-01T20:00Z/"),
            "{value}: {error}"
        );
    }
    let error = |value| WindowRow::of_tag(value).unwrap_err();
    assert_eq!(error("2026-08-22T20:00Z/8d"), "it lasts longer than 7 days");
    assert_eq!(error("2026-08-22T20:00Z/2026-08-22T19:00Z"), "it ends before it begins");
    assert_eq!(error("2026-08-22T20:00Z/2026-08-22T20:00Z"), "it ends when it begins");
    assert_eq!(error("wave-* 2026-08-22T20:00Z/6h"), "the name of a drill has no * and no ?");
}

#[test]
fn a_tags_window_covers_what_has_the_tag_and_no_real_recovery() {
    const TAG: &str = "spring drill 2026-08-22T20:00Z/6h";
    let row = WindowRow::of_tag(TAG).unwrap();
    let account: AccountRow = serde_json::from_value(json!({
        "id": "111122223333", "name": "Payments", "alias": null, "role_arn": "", "external_id_secret": "", "regions": [],
        "tags": { "drs-fleet:drill": TAG }, "status": "ACTIVE", "last_validated": null, "last_error": null,
    }))
    .unwrap();
    let covers = |change, account| row.covers(&Labels::of(&event(change), account), row.from);
    assert!(covers(json!({ "drillTag": TAG }), None));
    assert!(covers(json!({}), Some(&account)), "all that is of the account");
    assert!(covers(json!({ "drillTag": "long over" }), Some(&account)), "whatever tag the server has");
    assert!(!covers(json!({}), None));
    for kind in ["JOB_FAILED", "JOB_STUCK", "FAILBACK_FAILED", "DRILL_LEFT_RUNNING"] {
        let is_expected =
            |drill| covers(json!({ "kind": kind, "drillTag": TAG, "drill": drill }), Some(&account));
        assert!(
            is_expected(Some(true)) && !is_expected(Some(false)) && !is_expected(None),
            "{kind}: no drill"
        );
    }
    assert!(!covers(json!({ "kind": "CHANNEL_FAILING" }), Some(&account)), "nobody drills a channel");
}

#[test]
fn of_tags_those_open_a_window_that_can_be_read_and_are_not_over() {
    let now = time("2026-08-22T20:00:00Z");
    let (over, later, open) = ("a 2026-08-22T12:00Z/8h", "b 2026-08-23T12:00Z/8h", "c 2026-08-22T19:00Z/2h");
    let (rows, unread) = WindowRow::of_tags([over, later, open, later, "b", ""], now);
    assert_eq!((rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), unread), (vec!["c", "b"], 2));
    assert!(rows[0].is_of_tag() && !window(8).is_of_tag());
}

#[test]
fn a_window_that_was_closed_long_before_its_end_is_kept_until_its_tag_cannot_open_it_anew() {
    let row = WindowRow::of_tag("2027-08-22T20:00Z/6h").unwrap();
    let closed = row.closed("kim", time("2026-08-22T20:00:00Z")).unwrap();
    assert_eq!(closed.expires_at(), Some(time("2027-08-23T02:00:00Z") + KEPT));
}
