use serde_json::json;

use super::*;
use crate::job::Counts;
use crate::quota::QuotaOrigin;

fn account(status: AccountStatus) -> AccountRow {
    AccountRow {
        id: "111122223333".parse().unwrap(),
        name: "Payments".into(),
        alias: None,
        role_arn: String::new(),
        external_id_secret: String::new(),
        regions: Vec::new(),
        status,
        last_validated: None,
        last_error: None,
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
    }
}

fn place(region: &str) -> Place {
    Place { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() }
}

fn row(level: &str, replicating: u32) -> PlaceRow {
    serde_json::from_value(json!({
        "place": place("us-east-1"),
        "status": { "level": level, "since": "2026-08-22T20:00:00Z" },
        "counted": {
            "swept_at": "2026-08-22T20:00:00Z", "replicating": replicating, "extended": 2, "servers": replicating + 3,
            "by_state": { "CONTINUOUS": replicating, "DISCONNECTED": 1, "REPLICATING_BACKWARDS": 2 }, "initialized": true,
        },
    }))
    .unwrap()
}

fn view(region: &str, row: Option<&PlaceRow>) -> PlaceView {
    let account = account(AccountStatus::Active);
    let limits = Limits::default();
    let stored =
        Stored { account: &account, place: &place(region), row, quotas: None, jobs: &[], limits: &limits };
    PlaceView::of(&stored)
}

#[test]
fn headroom_is_what_may_come_up_to_the_target_and_to_the_quota() {
    let headroom = |n| view("us-east-1", Some(&row("OK", n))).headroom.unwrap();
    assert_eq!(headroom(240), Headroom { to_target: 10, to_limit: 60 });
    assert_eq!(headroom(260), Headroom { to_target: 0, to_limit: 40 });
    assert_eq!(headroom(300), Headroom::default());
}

#[test]
fn the_quota_of_all_servers_bounds_headroom_too() {
    let mut full = row("OK", 100);
    full.counted.as_mut().unwrap().servers = 3_996;
    assert_eq!(view("us-east-1", Some(&full)).headroom.unwrap(), Headroom { to_target: 4, to_limit: 4 });
}

#[test]
fn the_target_scales_with_the_applied_quota() {
    let limits = Limits::default();
    assert_eq!([300, 600, 9].map(|quota| target(&limits, quota)), [250, 500, 8]);
}

#[test]
fn quotas_that_were_read_are_taken_and_others_are_as_documented() {
    let value = QuotaValue { value: 600, origin: QuotaOrigin::Applied };
    let quotas = QuotasRow {
        place: place("us-east-1"),
        read_at: Timestamp::default(),
        failed_at: None,
        values: [(Quota::Replicating.code().to_owned(), value)].into(),
    };
    let (account, limits, row) = (account(AccountStatus::Active), Limits::default(), row("OK", 240));
    let here = place("us-east-1");
    let stored = Stored {
        account: &account,
        place: &here,
        row: Some(&row),
        quotas: Some(&quotas),
        jobs: &[],
        limits: &limits,
    };
    let view = PlaceView::of(&stored);
    assert_eq!((view.replicating.quota, view.target), (value, 500));
    assert_eq!(view.servers.quota, QuotaValue { value: 4_000, origin: QuotaOrigin::Documented });
}

#[test]
fn jobs_that_are_not_over_count_with_their_servers() {
    let job = |id: &str, status: &str, servers: Option<u32>| JobRow {
        status: status.into(),
        counts: servers.map(|servers| Counts { done: 0, failed: 0, servers }),
        ..JobRow::unknown((&place("us-east-1"), &id.parse().unwrap()))
    };
    let jobs = [
        job("drsjob-11111111111111111", "STARTED", Some(20)),
        job("drsjob-22222222222222222", "PENDING", None),
        job("drsjob-33333333333333333", "COMPLETED", Some(50)),
    ];
    assert_eq!(active(&jobs), (2, 20));
    assert_eq!(view("us-east-1", Some(&row("OK", 10))).jobs.used, Some(0));
    assert_eq!(view("us-east-1", None).jobs.used, None, "nobody looked");
}

#[test]
fn a_place_that_is_not_known_says_why() {
    let why = |row: Option<&PlaceRow>| view("us-east-1", row).unknown.unwrap_or_default();
    assert_eq!(why(None), "it was never swept");
    assert_eq!(why(Some(&row("OK", 10))), "");
    assert_eq!(why(Some(&row("UNKNOWN", 10))), "it is not judged until its next sweep");
    let mut denied = row("OK", 10);
    let at = Timestamp::default();
    denied.unreadable = Some(Unreadable { since: at, at, reason: "AccessDenied".into() });
    assert_eq!(why(Some(&denied)), "it cannot be read: AccessDenied");
    assert_eq!(view("us-east-1", Some(&denied)).level, Level::Unknown, "whatever was known before");
    let (off, limits, row) = (account(AccountStatus::Inactive), Limits::default(), row("OK", 10));
    let here = place("us-east-1");
    let stored =
        Stored { account: &off, place: &here, row: Some(&row), quotas: None, jobs: &[], limits: &limits };
    assert_eq!(PlaceView::of(&stored).level, Level::Unknown);
}

#[test]
fn totals_are_over_places_and_nothing_unknown_is_in_them() {
    let fleet = FleetView::of(vec![
        view("us-east-1", Some(&row("OK", 200))),
        view("us-west-2", Some(&row("WARNING", 290))),
        view("eu-west-1", None),
        view("eu-central-1", Some(&row("UNKNOWN", 299))),
    ]);
    let Totals { places, unknown, replicating, target, limit, to_target, to_limit, .. } = fleet.fleet;
    assert_eq!((places, unknown), (4, 2));
    assert_eq!((replicating, target, limit), (490, 500, 600));
    assert_eq!((to_target, to_limit), (50, 110));
    assert_eq!(fleet.fleet.by_state["REPLICATING_BACKWARDS"], 4, "states that are not known to us count");
    let west = &fleet.regions[&"us-west-2".parse().unwrap()];
    assert_eq!(
        (west.places, west.to_target, west.to_limit),
        (1, 0, 10),
        "what one Region has left helps no other"
    );
}

#[test]
fn the_worst_place_comes_first_and_the_unknown_before_what_is_well() {
    let fleet = FleetView::of(vec![
        view("us-east-1", Some(&row("OK", 10))),
        view("us-east-2", Some(&row("INFO", 255))),
        view("us-west-1", None),
        view("us-west-2", Some(&row("CRITICAL", 300))),
        view("eu-west-1", Some(&row("OK", 20))),
        view("eu-west-2", Some(&row("WARNING", 285))),
    ]);
    let order: Vec<_> = fleet.places.iter().map(|view| view.place.region.as_str()).collect();
    assert_eq!(order, ["us-west-2", "eu-west-2", "us-west-1", "us-east-2", "eu-west-1", "us-east-1"]);
}
