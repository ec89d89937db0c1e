use serde_json::json;

use super::*;
use crate::notify::testing::event;

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
