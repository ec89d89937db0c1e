use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::capacity::Level;
use crate::fleet::{Headroom, Use};
use crate::place::Partial;
use crate::quota::{QuotaOrigin, QuotaValue};
use crate::registry::AccountStatus;

const NEW: u32 = 250;

fn candidate(n: usize, room: u32, of_application: u32) -> Candidate {
    Candidate {
        account: format!("1111222233{n:02}").parse().unwrap(),
        name: format!("Account {n}"),
        replicating: NEW.saturating_sub(room),
        room,
        of_application,
    }
}

fn rooms(rooms: &[u32]) -> Vec<Candidate> {
    rooms.iter().enumerate().map(|(n, room)| candidate(n, *room, 0)).collect()
}

fn plan(servers: u32, candidates: &[Candidate]) -> Plan {
    place(&Wanted { servers, together: false, new_account: NEW }, candidates)
}

fn together(servers: u32, candidates: &[Candidate]) -> Plan {
    place(&Wanted { servers, together: true, new_account: NEW }, candidates)
}

/// Last digits of the accounts, and what each takes.
fn taken(plan: &Plan) -> Vec<(&str, u32)> {
    plan.takes.iter().map(|take| (&take.account.as_str()[10..], take.servers)).collect()
}

#[test]
fn the_fewest_accounts_take_what_is_wanted_and_the_last_is_the_tightest() {
    assert_eq!(taken(&plan(120, &rooms(&[100, 90, 150, 130]))), [("03", 120)]);
    assert_eq!(taken(&plan(200, &rooms(&[100, 60, 150, 55]))), [("02", 150), ("03", 50)]);
    assert_eq!(taken(&plan(0, &rooms(&[100]))), []);
}

#[test]
fn an_account_at_its_ceiling_takes_nothing() {
    let plan = plan(10, &rooms(&[0, 0]));
    assert_eq!((taken(&plan), plan.new_accounts.clone()), (vec![], vec![10]));
}

#[test]
fn new_accounts_are_as_few_as_possible_and_filled_to_their_target() {
    let both = plan(600, &rooms(&[60, 50]));
    assert_eq!((taken(&both), both.new_accounts.clone()), (vec![("00", 60), ("01", 40)], vec![250, 250]));
    let one_will_do = plan(120, &rooms(&[60, 50]));
    assert_eq!(
        (taken(&one_will_do), one_will_do.new_accounts.clone()),
        (vec![], vec![120]),
        "no third account is needed"
    );
}

#[test]
fn what_no_account_could_take_is_said() {
    let plan = place(&Wanted { servers: 10, together: false, new_account: 0 }, &rooms(&[4]));
    assert_eq!((taken(&plan), plan.unplaced), (vec![("00", 4)], 6));
}

#[test]
fn an_application_goes_where_it_is_if_it_fits() {
    let candidates = [candidate(0, 50, 0), candidate(1, 200, 3), candidate(2, 20, 9)];
    assert_eq!(taken(&together(20, &candidates)), [("02", 20)], "where most of it is");
    assert_eq!(taken(&together(40, &candidates)), [("01", 40)], "where some of it is");
    assert_eq!(
        taken(&plan(40, &candidates)),
        [("00", 40)],
        "servers of no application go where they are tightest"
    );
}

#[test]
fn an_application_that_fits_into_one_account_is_not_split() {
    let candidates = [candidate(0, 50, 7), candidate(1, 200, 0), candidate(2, 120, 0)];
    assert_eq!(taken(&together(100, &candidates)), [("02", 100)]);
    assert_eq!(taken(&together(240, &candidates)), [("01", 200), ("00", 40)], "it fits into none");
}

fn view() -> PlaceView {
    let quota = |value| QuotaValue { value, origin: QuotaOrigin::Documented };
    let used = |used, value| Use { used: Some(used), quota: quota(value) };
    PlaceView {
        place: crate::keys::Place {
            account: "111122223300".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        },
        account_name: "Payments".into(),
        account_status: AccountStatus::Active,
        level: Level::Ok,
        since: None,
        unknown: None,
        counted_at: Some(Timestamp::default()),
        initialized: Some(true),
        replicating: used(200, 300),
        target: 250,
        headroom: Some(Headroom { to_target: 50, to_limit: 100 }),
        extended: Some(0),
        servers: used(200, 4_000),
        jobs: used(0, 20),
        servers_in_jobs: used(0, 500),
        by_state: [].into(),
        partial: None,
        unreadable: None,
    }
}

#[test]
fn an_account_is_filled_to_its_target_or_on_demand_to_its_quota() {
    let room = |up_to| Candidate::of(&view(), up_to, 0).unwrap().room;
    assert_eq!([room(UpTo::Target), room(UpTo::Limit)], [50, 100]);
}

#[test]
fn an_account_that_is_not_known_is_refused_with_the_reason() {
    let reason = |view: &PlaceView| Candidate::of(view, UpTo::Target, 0).unwrap_err().reason;
    assert_eq!(
        reason(&PlaceView { unknown: Some("it was never swept".into()), ..view() }),
        "it was never swept"
    );
    assert_eq!(reason(&PlaceView { initialized: Some(false), ..view() }), "DRS is not initialised there");
    let partial = Partial { at: Timestamp::default(), servers: 4, reason: "throttled".into() };
    let early = "its last sweep ended early: throttled";
    assert_eq!(reason(&PlaceView { partial: Some(partial), ..view() }), early);
    assert_eq!(reason(&PlaceView { headroom: None, ..view() }), "it was never counted");
}

/// The fewest of these rooms that hold `servers`, by trying all subsets.
fn fewest(rooms: &[u32], servers: u32) -> Option<u32> {
    let holds = |subset: &u32| {
        let chosen = rooms.iter().enumerate().filter(|(n, _)| subset & (1 << n) != 0);
        chosen.map(|(_, room)| room).sum::<u32>() >= servers
    };
    (0..1_u32 << rooms.len()).filter(holds).map(u32::count_ones).min()
}

proptest! {
    #[test]
    fn no_account_is_filled_above_its_ceiling_and_all_that_is_wanted_is_placed(
        given in prop::collection::vec((0_u32..300, 0_u32..5), 0..12), servers in 0_u32..2_000, is_application: bool,
    ) {
        let candidates: Vec<_> =
            given.iter().enumerate().map(|(n, (room, apps))| candidate(n, *room, *apps)).collect();
        let plan = place(&Wanted { servers, together: is_application, new_account: NEW }, &candidates);
        for take in &plan.takes {
            let of = candidates.iter().find(|each| each.account == take.account).unwrap();
            prop_assert!(take.servers > 0 && take.servers <= of.room, "{take:?}");
            prop_assert_eq!(take.after, of.replicating + take.servers);
        }
        prop_assert!(plan.new_accounts.iter().all(|n| (1..=NEW).contains(n)));
        let taken = plan.takes.iter().map(|take| take.servers).chain(plan.new_accounts.iter().copied());
        prop_assert_eq!(taken.sum::<u32>(), servers);
        let mut accounts: Vec<_> = plan.takes.iter().map(|take| &take.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        prop_assert_eq!(accounts.len(), plan.takes.len(), "no account twice");
    }

    #[test]
    fn no_fewer_accounts_could_take_it(
        given in prop::collection::vec(0_u32..60, 0..9), servers in 0_u32..700,
    ) {
        let plan = plan(servers, &rooms(&given));
        let all: u32 = given.iter().sum();
        let new = servers.saturating_sub(all).div_ceil(NEW);
        prop_assert_eq!(u32::try_from(plan.new_accounts.len()).unwrap(), new);
        let rest = servers.saturating_sub(new * NEW);
        prop_assert_eq!(Some(u32::try_from(plan.takes.len()).unwrap()), fewest(&given, rest));
    }

    #[test]
    fn an_application_is_in_one_account_whenever_one_holds_it(
        given in prop::collection::vec((0_u32..60, 0_u32..5), 1..9), servers in 1_u32..70,
    ) {
        let candidates: Vec<_> =
            given.iter().enumerate().map(|(n, (room, apps))| candidate(n, *room, *apps)).collect();
        let plan = together(servers, &candidates);
        let holding = candidates.iter().filter(|each| each.room >= servers);
        if let Some(most) = holding.map(|each| each.of_application).max() {
            prop_assert_eq!(plan.takes.len(), 1);
            prop_assert_eq!(plan.takes[0].of_application, most);
        }
    }

    #[test]
    fn the_order_of_the_candidates_is_nothing(
        given in prop::collection::vec((0_u32..5, 0_u32..3), 1..9), servers in 0_u32..30, is_application: bool, by: usize,
    ) {
        let mut candidates: Vec<_> =
            given.iter().enumerate().map(|(n, (room, apps))| candidate(n, *room, *apps)).collect();
        let wanted = Wanted { servers, together: is_application, new_account: 3 };
        let before = place(&wanted, &candidates);
        candidates.rotate_left(by % given.len());
        candidates.reverse();
        prop_assert_eq!(place(&wanted, &candidates), before);
    }
}
