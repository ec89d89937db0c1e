use super::*;
use crate::incident::IncidentKind;

const INSTANCE: &str = "i-0a1b2c3d4e5f60718";

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn event(version: u64, pairs: &[(&str, &str)]) -> TagsChanged {
    TagsChanged { instance: INSTANCE.parse().unwrap(), version, tags: tags(pairs) }
}

fn told(row: Option<&InstanceTagsRow>, event: &TagsChanged, second: i64) -> InstanceTagsRow {
    let change = changed((&place(), "erp-prod"), (event, at(second)), row, at(second + 1));
    change.map_or_else(|| row.unwrap().clone(), |change| change.row)
}

fn swept(row: Option<&InstanceTagsRow>, pairs: &[(&str, &str)], second: i64) -> InstanceTagsRow {
    let id = INSTANCE.parse().unwrap();
    let change = listed((&place(), "erp-prod"), (&id, &tags(pairs)), row, (at(second), at(second)));
    change.map_or_else(|| row.unwrap().clone(), |change| change.row)
}

#[test]
fn the_highest_version_wins_and_tags_of_aws_are_left_out() {
    let new = told(None, &event(3, &[("Owner", "ada"), ("aws:x", "y"), ("Map-Migrated", "d")]), 10);
    assert_eq!(new.tags, tags(&[("Owner", "ada")]));
    let old = told(Some(&new), &event(2, &[("Owner", "bob")]), 11);
    assert_eq!((old.version, old.tags), (3, new.tags));
}

#[test]
fn a_sweep_mends_what_a_lost_event_told_but_not_what_was_just_told() {
    let row = told(None, &event(1, &[("Owner", "ada")]), 0);
    let just = swept(Some(&row), &[("Owner", "old")], 60);
    assert_eq!(just.tags["Owner"], "ada", "the list may lag");
    let mended = swept(Some(&row), &[("Owner", "eve")], 300);
    assert_eq!((mended.tags["Owner"].as_str(), mended.listed_at), ("eve", Some(at(300))));
    let late = told(Some(&mended), &event(2, &[("Owner", "bob")]), 100);
    assert_eq!((late.tags["Owner"].as_str(), late.version), ("eve", 2), "the sweep came long after it");
    let next = told(Some(&mended), &event(3, &[("Owner", "bob")]), 250);
    assert_eq!(next.tags["Owner"], "bob", "the list may lag behind it");
}

#[test]
fn an_instance_without_a_source_server_is_looked_for_about_a_day_and_then_forgotten() {
    let mut row = told(None, &event(1, &[]), 0);
    let mut looks = 0;
    while let Some(at) = row.retry_at {
        row = unprotected(&row, at).unwrap().row;
        looks += 1;
        assert!(looks < 100 && at.as_second() < 1_000_000 + 2 * 86_400, "gives up");
    }
    assert!(row.wake_at().is_none() && row.pending.is_some() && row.expires_at().is_some());
    assert!(told(Some(&row), &event(2, &[]), 90_000).retry_at.is_some());
}

#[test]
fn a_tag_of_drs_that_is_removed_or_changed_is_told_until_it_is_back() {
    let of_drs = ("AWSElasticDisasterRecoveryManaged", "drs.amazonaws.com");
    let launched = told(None, &event(1, &[of_drs, ("Owner", "ada")]), 0);
    assert!(launched.incidents.is_empty());
    let without = told(Some(&launched), &event(2, &[("Owner", "ada")]), 100);
    let incident = &without.incidents[&IncidentKind::InstanceTagTampered];
    assert!(incident.closed_at.is_none() && incident.reason.contains(of_drs.0), "{incident:?}");
    let back = told(Some(&without), &event(3, &[of_drs]), 200);
    assert!(back.incidents[&IncidentKind::InstanceTagTampered].closed_at.is_some());
    let ended = told(Some(&launched), &event(2, &[]), 100);
    assert!(ended.incidents.is_empty(), "an instance that is terminated loses all its tags");
}

#[test]
fn a_tag_of_drs_that_nobody_put_back_for_a_week_is_no_news_any_more_whoever_lists_the_tags() {
    const WEEK: i64 = 7 * 24 * 3600;
    let of_drs = ("AWSElasticDisasterRecoveryManaged", "drs.amazonaws.com");
    let launched = told(None, &event(1, &[of_drs, ("Owner", "ada")]), 0);
    let without = told(Some(&launched), &event(2, &[("Owner", "ada")]), 100);
    let over = woken(&without, "erp-prod", at(WEEK + 200)).unwrap().row;
    assert!(over.incidents[&IncidentKind::InstanceTagTampered].closed_at.is_some());
    let listed = swept(Some(&over), &[("Owner", "ada")], WEEK + 500);
    assert!(listed.incidents[&IncidentKind::InstanceTagTampered].closed_at.is_some(), "{listed:?}");
}

#[test]
fn what_is_handled_is_not_tried_again() {
    let row = told(None, &event(2, &[("Owner", "ada")]), 0);
    assert!(row.is_to_be_done() && row.retry_at.is_some());
    assert!(handled(&row, 1).unwrap().row.is_to_be_done(), "an older version was written");
    let done = handled(&row, 2).unwrap().row;
    assert!(!done.is_to_be_done() && done.wake_at().is_none());
}

#[test]
fn what_another_has_handled_meanwhile_is_not_put_off() {
    let row = told(None, &event(1, &[("owner", "ada")]), 0);
    let late = postponed(&row, "refused", at(10)).unwrap().row;
    let done = handled(&row, 1).unwrap().row;
    assert_eq!(postponed(&done, "refused", at(10)), None);
    // A row that was stored so rings once more and then no longer.
    let both = InstanceTagsRow { handled: 1, ..late };
    let woken = woken(&both, "erp-prod", at(100_000)).unwrap().row;
    assert_eq!((woken.retry_at, woken.pending), (None, None));
}
