use super::*;
use crate::incident::IncidentKind;
use crate::tags::{Rules, Wanted, plan};

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn with<T>(act: impl FnOnce(&About<'_>) -> T) -> T {
    let (place, server) = (place(), "s-12345678901234567".parse().unwrap());
    let instance = "i-0a1b2c3d4e5f60718".parse().unwrap();
    act(&About {
        place: &place,
        server: &server,
        name: "erp-db-03",
        instance: Some(&instance),
        account_name: "erp-prod",
    })
}

fn planned(wanted: &[(&str, &str)], actual: &[(&str, &str)], row: Option<&ServerTagsRow>) -> Plan {
    let (actual, rules) = (tags(actual), Rules { remove: true, ..Rules::default() });
    let owned = row.map(|row| row.owned(&actual)).unwrap_or_default();
    plan(&Wanted { tags: tags(wanted), ..Wanted::default() }, &actual, &owned, &rules)
}

fn begun(
    plan: &Plan,
    actual: &[(&str, &str)],
    row: Option<&ServerTagsRow>,
    second: i64,
) -> Option<ServerTagsRow> {
    let change = with(|about| compared(about, (plan, &tags(actual)), &Cause::Sweep, row, at(second)));
    change.map(|change| change.row)
}

fn ended(row: &ServerTagsRow, second: i64) -> ServerTagsRow {
    let since = row.doing.as_ref().unwrap().since;
    with(|about| made(about, since, Some(row), at(second))).unwrap().row
}

#[test]
fn a_change_is_claimed_made_and_then_ours() {
    let first = planned(&[("Owner", "ada")], &[], None);
    let row = begun(&first, &[], None, 0).unwrap();
    assert!(row.is_busy(at(1)) && row.wake_at() == Some(at(120)));
    assert_eq!(begun(&first, &[], Some(&row), 1), None, "somebody else makes it");
    let row = ended(&row, 2);
    assert_eq!((row.synced_at, row.wake_at()), (Some(at(2)), None));
    let next = planned(&[("Owner", "bob")], &[("Owner", "ada")], Some(&row));
    assert_eq!(next.set, tags(&[("Owner", "bob")]), "it is ours to change");
    let gone = planned(&[], &[("Owner", "ada")], Some(&row));
    assert!(gone.remove.contains("Owner"), "and to remove");
}

#[test]
fn what_agrees_is_not_written_down_again() {
    let same = planned(&[("Owner", "ada")], &[("Owner", "ada")], None);
    let row = begun(&same, &[("Owner", "ada")], None, 0).unwrap();
    assert_eq!(row.synced_at, Some(at(0)));
    assert!(!row.agrees(&same), "whether its tags reach recovery instances is not known");
    let row = copies(CopyTags::Off, Some(&row)).unwrap().row;
    assert_eq!(begun(&same, &[("Owner", "ada")], Some(&row), 300), None);
}

#[test]
fn tags_that_a_worker_wrote_before_it_died_are_ours_all_the_same() {
    let row = begun(&planned(&[("Owner", "ada")], &[], None), &[], None, 0).unwrap();
    let now = [("Owner", "ada")];
    let again = planned(&[("Owner", "bob")], &now, Some(&row));
    assert_eq!(again.set, tags(&[("Owner", "bob")]));
    assert_eq!(begun(&again, &now, Some(&row), 60), None, "it may still live");
    let taken_over = ended(&begun(&again, &now, Some(&row), 121).unwrap(), 122);
    assert!(planned(&[], &[("Owner", "bob")], Some(&taken_over)).remove.contains("Owner"));
}

#[test]
fn a_change_that_is_refused_is_tried_again_later_and_told_after_a_while() {
    let first = planned(&[("Owner", "ada")], &[], None);
    let refuse = |row: &ServerTagsRow, second| {
        let since = row.doing.as_ref().unwrap().since;
        with(|about| not_made(about, (since, "AccessDenied"), Some(row), at(second))).unwrap()
    };
    let row = refuse(&begun(&first, &[], None, 0).unwrap(), 1).row;
    assert_eq!((row.wake_at(), row.incidents.len()), (Some(at(301)), 0));
    let later = refuse(&begun(&first, &[], Some(&row), 1_000).unwrap(), 1_001);
    assert_eq!(later.row.incidents[&IncidentKind::TagsRefused].reason, "AccessDenied");
    let well = ended(&begun(&first, &[], Some(&later.row), 2_000).unwrap(), 2_001);
    assert!(well.incidents[&IncidentKind::TagsRefused].closed_at.is_some());
}

#[test]
fn a_refusal_is_told_after_a_quarter_of_an_hour_however_often_it_was_tried_meanwhile() {
    let first = planned(&[("Owner", "ada")], &[], None);
    let refused = |row: Option<&ServerTagsRow>, second| {
        let row = begun(&first, &[], row, second).unwrap();
        let since = row.doing.as_ref().unwrap().since;
        with(|about| not_made(about, (since, "AccessDenied"), Some(&row), at(second))).unwrap().row
    };
    let often = [60, 120, 180].into_iter().fold(refused(None, 0), |row, second| refused(Some(&row), second));
    assert_eq!(often.wake_at(), Some(at(900)));
    assert!(refused(Some(&often), 900).incidents.contains_key(&IncidentKind::TagsRefused));
}

#[test]
fn tags_that_do_not_fit_are_named_until_they_do() {
    let long = Unfit { key: "Description".to_owned(), why: crate::tags::Why::LongValue };
    let unfit = Plan { unfit: [long].into(), set: tags(&[("Owner", "ada")]), ..Plan::default() };
    let row = begun(&unfit, &[], None, 0).unwrap();
    let incident = &row.incidents[&IncidentKind::TagsUnfit];
    assert_eq!(incident.opened_at, at(0), "since it was found, though nothing was written before");
    let reason = &incident.reason;
    assert_eq!(reason, "not copied: Description (its value has more than 256 characters)");
    let fits = begun(&Plan::default(), &[], Some(&row), 300).unwrap();
    assert!(fits.incidents[&IncidentKind::TagsUnfit].closed_at.is_some());
}

#[test]
fn a_server_that_is_left_out_says_why() {
    let skip = |row: Option<&ServerTagsRow>| {
        with(|about| skipped(about, Skipped::Disconnected, row, at(5))).map(|change| change.row)
    };
    let row = skip(None).unwrap();
    assert_eq!((row.skipped, skip(Some(&row))), (Some(Skipped::Disconnected), None));
    let back = begun(&Plan::default(), &[], Some(&row), 10).unwrap();
    assert_eq!(back.skipped, None);
}
