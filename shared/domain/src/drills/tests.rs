use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::stamp::Stamp;

const DAY: Duration = Duration::from_hours(24);

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
}

fn place(account: &str) -> Place {
    Place { account: account.parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn row(account: &str, n: u32, marks: &serde_json::Value) -> ServerRow {
    serde_json::from_value(json!({
        "place": place(account), "id": format!("s-{n:017}"),
        "inventory": { "seen_at": at(0), "name": format!("crm-{n}"), "marks": marks },
        "replication": {
            "state": "CONTINUOUS", "since": at(0), "stamp": serde_json::to_value(Stamp::swept(at(0))).unwrap(),
        },
    }))
    .unwrap()
}

fn details(
    row: &ServerRow,
    tags: &serde_json::Value,
    last: Option<(i64, bool, &str, &str)>,
) -> ServerDetailsRow {
    let last = last.map(
        |(day, drill, job, status)| json!({ "at": at(day), "drill": drill, "job": job, "status": status }),
    );
    serde_json::from_value(json!({
        "place": row.place, "id": row.id, "arn": arn(row), "tags": tags, "seen_at": at(0), "facts": { "last_launch": last },
    }))
    .unwrap()
}

fn arn(row: &ServerRow) -> String {
    format!("arn:aws:drs:us-west-2:{}:source-server/{}", row.place.account, row.id)
}

fn launch(day: i64, job: &str, minutes: u64) -> Launch {
    Launch {
        at: at(day),
        job: job.parse().unwrap(),
        by: Some("arn:aws:sts::111122223333:assumed-role/ops/alice".to_owned()),
        took: Some(Length(Duration::from_mins(minutes))),
        exact: true,
        objective: None,
    }
}

fn launches(row: &ServerRow, drill: Option<Launch>) -> LaunchesRow {
    LaunchesRow {
        place: row.place.clone(),
        server: row.id.clone(),
        drill,
        recovery: None,
        failback: None,
        failed: None,
    }
}

const JOB: &str = "drsjob-00000000000000001";
const LATER: &str = "drsjob-00000000000000002";
const NEWEST: &str = "drsjob-00000000000000003";
const PAYMENTS: &str = "111122223333";
const CLAIMS: &str = "222233334444";

fn known<'a>(
    server: &'a ServerRow,
    details: Option<&'a ServerDetailsRow>,
    launches: Option<&'a LaunchesRow>,
) -> Known<'a> {
    Known { account_name: "Payments", server, details, launches }
}

#[test]
fn a_server_is_due_from_the_moment_on_that_its_last_drill_is_too_old() {
    let row = row(PAYMENTS, 1, &json!({}));
    let drilled = launches(&row, Some(launch(10, JOB, 20)));
    let standing = |launches, day| {
        let of = Drilled::of(&known(&row, None, launches), &Policy::default(), None, at(day));
        (of.standing, of.due)
    };
    assert_eq!(standing(Some(&drilled), 99), (Standing::InTime, Some(at(100))));
    assert_eq!(standing(Some(&drilled), 100), (Standing::Overdue, Some(at(100))));
    assert_eq!(standing(None, 100), (Standing::Never, None));
    let only_failed = LaunchesRow { failed: Some(launch(99, LATER, 5)), ..launches(&row, None) };
    assert_eq!(standing(Some(&only_failed), 100).0, Standing::Never);
    let recovered = LaunchesRow { recovery: Some(launch(99, LATER, 5)), ..launches(&row, None) };
    assert_eq!(standing(Some(&recovered), 100).0, Standing::Never, "a recovery is no drill");
}

#[test]
fn what_drs_says_counts_where_it_is_newer_or_all_there_is_and_our_own_record_of_the_same_launch_tells_more() {
    let row = row(PAYMENTS, 1, &json!({}));
    let ours = launches(&row, Some(launch(10, JOB, 20)));
    let drill = |launches, told| {
        let details = details(&row, &json!({}), told);
        let of = Drilled::of(&known(&row, Some(&details), launches), &Policy::default(), None, at(20));
        (of.drill.map(|last| (last.at, last.told_by_drs)), of.recovery.is_some(), of.failed.is_some())
    };
    assert_eq!(drill(None, Some((5, true, JOB, "LAUNCHED"))), (Some((at(5), true)), false, false));
    assert_eq!(
        drill(None, Some((5, true, JOB, "TERMINATED"))).0,
        Some((at(5), true)),
        "it had been launched"
    );
    assert_eq!(drill(None, Some((5, true, JOB, "IN_PROGRESS"))), (None, false, false));
    assert_eq!(drill(None, Some((5, true, JOB, "FAILED"))), (None, false, true));
    assert_eq!(drill(None, Some((5, false, JOB, "LAUNCHED"))), (None, true, false));
    assert_eq!(
        drill(Some(&ours), Some((11, true, JOB, "LAUNCHED"))).0,
        Some((at(10), false)),
        "the same job"
    );
    assert_eq!(drill(Some(&ours), Some((11, true, LATER, "LAUNCHED"))).0, Some((at(11), true)));
    assert_eq!(drill(Some(&ours), Some((9, true, LATER, "LAUNCHED"))).0, Some((at(10), false)));
}

#[test]
fn the_time_within_which_to_drill_differs_by_account_and_tag_unless_one_is_asked_for() {
    let policy: Policy = serde_json::from_value(json!({
        "fleet": { "drill_every": "60d" },
        "overrides": [
            { "accounts": [CLAIMS], "set": { "drill_every": "30d" } },
            { "tag": { "key": "Tier", "value": "gold" }, "set": { "drill_every": "10d" } },
        ],
    }))
    .unwrap();
    let every = |account, marks, asked| {
        Drilled::of(&known(&row(account, 1, &marks), None, None), &policy, asked, at(0)).every.0 / 86_400
    };
    let seconds = Duration::from_secs;
    assert_eq!(every(PAYMENTS, json!({}), None), seconds(60));
    assert_eq!(every(CLAIMS, json!({}), None), seconds(30));
    assert_eq!(every(CLAIMS, json!({ "Tier": "gold" }), None), seconds(10));
    assert_eq!(every(CLAIMS, json!({ "Tier": "gold" }), Some(90 * DAY)), seconds(90));
}

#[test]
fn the_objective_is_the_one_of_the_launch_and_else_the_one_of_now() {
    let row = row(PAYMENTS, 1, &json!({ "drs-fleet:rto": "15m" }));
    let late = |objective: Option<u64>, took| {
        let objective = objective.map(|minutes| Length(Duration::from_mins(minutes)));
        let launches = launches(&row, Some(Launch { objective, ..launch(10, JOB, took) }));
        Drilled::of(&known(&row, None, Some(&launches)), &Policy::default(), None, at(11))
            .drill
            .unwrap()
            .is_late()
    };
    assert_eq!((late(Some(30), 20), late(None, 20), late(None, 15)), (Some(false), Some(true), Some(false)));
}

#[test]
fn a_server_that_is_extended_is_drilled_as_the_extended_one() {
    let staged = row(CLAIMS, 1, &json!({}));
    let staged_details = details(&staged, &json!({}), None);
    let mut target = row(PAYMENTS, 2, &json!({}));
    Arc::make_mut(target.inventory.as_mut().unwrap()).staging = serde_json::from_value(json!({
        "status": "EXTENDED", "account": CLAIMS, "server_arn": arn(&staged),
    }))
    .unwrap();
    let here = |target: &ServerRow, server: &ServerRow, details| {
        known(server, details, None).is_drilled_here(&extended([&staged, target]))
    };
    assert!(!here(&target, &staged, Some(&staged_details)));
    assert!(here(&target, &target, None));
    let gone = ServerRow { gone_since: Some(at(1)), ..target.clone() };
    assert!(here(&gone, &staged, Some(&staged_details)), "nobody extends it any more");
    assert!(!here(&gone, &gone, None));
}

#[test]
fn the_report_is_by_account_and_application_and_those_that_name_none_come_last() {
    let of = |account, n, application: Option<&str>, day: Option<i64>| {
        let row = row(account, n, &application.map_or(json!({}), |name| json!({ "Application": name })));
        let launches = launches(&row, day.map(|day| launch(day, JOB, 20)));
        let name = if account == PAYMENTS { "Payments" } else { "Claims" };
        let known = Known { account_name: name, ..known(&row, None, Some(&launches)) };
        Drilled::of(&known, &Policy::default(), None, at(100))
    };
    let report = Report::of(vec![
        of(PAYMENTS, 1, None, Some(90)),
        of(PAYMENTS, 2, Some("Ledger"), None),
        of(CLAIMS, 3, Some("Ledger"), Some(1)),
        of(PAYMENTS, 4, Some("CRM"), Some(99)),
    ]);
    let order: Vec<_> = report.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(order, ["crm-3", "crm-4", "crm-2", "crm-1"]);
    let accounts: Vec<_> =
        report.accounts.iter().map(|a| (a.name.as_str(), a.count.in_time, a.count.due())).collect();
    assert_eq!(accounts, [("Claims", 0, 1), ("Payments", 2, 1)]);
    let applications: Vec<_> = report
        .applications
        .iter()
        .map(|a| (a.application.as_deref(), a.count.overdue, a.count.never))
        .collect();
    assert_eq!(applications, [(Some("CRM"), 0, 0), (Some("Ledger"), 1, 1), (None, 0, 0)]);
    assert_eq!(report.fleet, Count { servers: 4, in_time: 2, overdue: 1, never: 1, late: 0 });
}

prop_compose! {
    /// A server with what was told of its drills: days of ours and of DRS's.
    fn any_drills()(
        account in prop::sample::select(vec![PAYMENTS, CLAIMS]),
        n in 0_u32..1_000,
        application in prop::option::of("[A-C]"),
        ours in prop::option::of(0_i64..200),
        drs in prop::option::of(0_i64..200),
        same in any::<bool>(),
    ) -> (ServerRow, Option<ServerDetailsRow>, LaunchesRow) {
        let tags = application.map_or(json!({}), |name| json!({ "Application": name }));
        let row = row(account, n, &tags);
        let job = if same { JOB } else { LATER };
        let details = drs.map(|day| details(&row, &tags, Some((day, true, job, "LAUNCHED"))));
        let launches = launches(&row, ours.map(|day| launch(day, JOB, 20)));
        (row, details, launches)
    }
}

proptest! {
    #[test]
    fn every_server_is_counted_once_in_each_sum_whatever_the_order(
        servers in prop::collection::vec(any_drills(), 0..30), turned in any::<prop::sample::Index>(),
    ) {
        let drilled: Vec<_> = servers
            .iter()
            .map(|(row, details, launches)| {
                Drilled::of(&known(row, details.as_ref(), Some(launches)), &Policy::default(), None, at(200))
            })
            .collect();
        let report = Report::of(drilled.clone());
        let sum = |counts: &mut dyn Iterator<Item = Count>| {
            counts.fold((0, 0, 0), |(servers, due, in_time), c| (servers + c.servers, due + c.due(), in_time + c.in_time))
        };
        let due = report.servers.iter().filter(|server| server.is_due()).count();
        let expected = (u32::try_from(servers.len()).unwrap(), u32::try_from(due).unwrap(), report.fleet.in_time);
        prop_assert_eq!(expected.0, expected.1 + expected.2);
        prop_assert_eq!(sum(&mut std::iter::once(report.fleet)), expected);
        prop_assert_eq!(sum(&mut report.accounts.iter().map(|a| a.count)), expected);
        prop_assert_eq!(sum(&mut report.applications.iter().map(|a| a.count)), expected);
        let mut turned_round = drilled;
        if !turned_round.is_empty() {
            let by = turned.index(turned_round.len());
            turned_round.rotate_left(by);
        }
        let again = Report::of(turned_round);
        prop_assert_eq!((again.accounts, again.applications, again.fleet), (report.accounts, report.applications, report.fleet));
    }

    #[test]
    fn more_time_and_more_drills_make_nobody_due(
        (row, details, launches) in any_drills(), every in 1_u32..200, more in 0_u32..200, later in 0_i64..50,
    ) {
        let due = |launches: &LaunchesRow, details: Option<&ServerDetailsRow>, days: u32| {
            Drilled::of(&known(&row, details, Some(launches)), &Policy::default(), Some(days * DAY), at(200)).is_due()
        };
        let now = due(&launches, details.as_ref(), every);
        prop_assert!(now || !due(&launches, details.as_ref(), every + more));
        let drilled = |day| LaunchesRow { drill: Some(launch(day, NEWEST, 5)), ..launches.clone() };
        let (before, after) = (drilled(150), drilled(150 + later));
        prop_assert!(due(&before, details.as_ref(), every) || !due(&after, details.as_ref(), every));
        prop_assert!(!due(&launches, details.as_ref(), every) || due(&launches, None, every), "DRS only adds drills");
    }
}
