//! What is wrong with a server, when, and how bad.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::incident::{IncidentKind, Severity};
use crate::own_event::Happened;
use crate::policy::{Override, RPO_TAG, TagValue, Thresholds};
use crate::registry::{AccountRegion, AccountRow, AccountStatus};
use crate::seen::{Progress, Staging};

/// Minutes after some moment.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

fn somewhere() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn id() -> SourceServerId {
    "s-12345678901234567".parse().unwrap()
}

fn server(state: &str) -> ServerSeen {
    let arn = "arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567";
    ServerSeen { state: Some(state.to_owned()), ..ServerSeen::new(id(), arn.to_owned()) }
}

fn lagging(minutes: u64) -> ServerSeen {
    let lag = Some(Duration::from_mins(minutes));
    ServerSeen { progress: Progress { lag, ..Progress::default() }, ..server("CONTINUOUS") }
}

fn tagged(mut seen: ServerSeen, key: &str, value: &str) -> ServerSeen {
    seen.tags.insert(key.to_owned(), value.to_owned());
    seen
}

/// A server's row under a policy.
#[derive(Default)]
struct Server {
    row: Option<ServerRow>,
    swept_at: Option<Timestamp>,
    policy: Policy,
    /// The process gets no messages in time.
    is_deaf: bool,
    registry: Option<Registry>,
    writes: u32,
}

impl Server {
    fn decides(&mut self, observations: &[Observation], now: Timestamp) -> Vec<(IncidentKind, Happened)> {
        let known = Context::new("erp-prod", &self.policy, now);
        let registry = self.registry.as_ref();
        let context = Context { swept_at: self.swept_at, hears: !self.is_deaf, registry, ..known };
        self.swept_at = observations.iter().filter_map(Observation::swept_at).chain(self.swept_at).max();
        let Some(change) = decide((&somewhere(), &id()), observations, self.row.as_ref(), &context) else {
            return Vec::new();
        };
        self.row = Some(change.row);
        self.writes += 1;
        change.tell.iter().filter_map(|e| e.incident()).map(|e| (e.kind, e.happened)).collect()
    }

    fn swept(&mut self, minute: i64, seen: ServerSeen) -> Vec<(IncidentKind, Happened)> {
        self.decides(&[Observation::Seen { seen: Box::new(seen), at: at(minute) }], at(minute))
    }

    fn rings(&mut self) -> (Timestamp, Vec<(IncidentKind, Happened)>) {
        let due = self.row().look_at.unwrap();
        (due, self.decides(&[], due))
    }

    fn row(&self) -> &ServerRow {
        self.row.as_ref().unwrap()
    }

    fn open(&self) -> Vec<(IncidentKind, Severity)> {
        incident::open(&self.row().incidents).map(|(kind, i)| (kind, i.severity)).collect()
    }

    fn reason(&self, kind: IncidentKind) -> &str {
        &self.row().incidents[&kind].reason
    }
}

use Happened::{Escalated, Opened, Resolved};
use IncidentKind::{
    ExtensionError, FullResync, InitialSyncStuck, ReplicationBacklog, ReplicationLag, ReplicationStalled,
    RpoGap, ServerDisconnected, ServerNotSeen,
};

#[test]
fn a_stall_that_lasts_half_an_hour_is_critical() {
    let mut server = Server::default();
    let stalled = Observation::Stalled { stalled: true, at: at(0) };
    assert_eq!(server.decides(&[stalled], at(0)), [(ReplicationStalled, Opened)]);
    assert_eq!(server.rings(), (at(30), vec![(ReplicationStalled, Escalated)]));
    assert_eq!(server.open(), [(ReplicationStalled, Severity::Critical)]);
    assert_eq!(server.row().look_at, None);
}

#[test]
fn a_stall_that_is_first_told_when_it_is_old_opens_critical_and_only_once() {
    let mut server = Server::default();
    let stalled = Observation::Stalled { stalled: true, at: at(0) };
    assert_eq!(server.decides(&[stalled], at(31)), [(ReplicationStalled, Opened)]);
    assert_eq!(server.open(), [(ReplicationStalled, Severity::Critical)]);
}

#[test]
fn a_disconnected_server_is_an_incident_until_it_is_connected() {
    let mut it = Server::default();
    it.swept(0, server("CONTINUOUS"));
    assert_eq!(it.swept(5, server("DISCONNECTED")), [], "the record of a call may be on its way");
    assert_eq!(it.rings(), (at(15), vec![(ServerDisconnected, Opened)]));
    assert_eq!(it.swept(20, server("CONTINUOUS")), [(ServerDisconnected, Resolved)]);
    assert_eq!(it.row().look_at, None);
}

#[test]
fn a_server_that_was_never_seen_connected_is_not_lost() {
    let mut it = Server::default();
    assert_eq!(it.swept(0, server("DISCONNECTED")), []);
    assert_eq!((it.swept(60, server("DISCONNECTED")), it.row().look_at), (vec![], None));
    it.swept(65, server("BACKLOG"));
    it.swept(70, server("DISCONNECTED"));
    assert_eq!(it.rings(), (at(80), vec![(ServerDisconnected, Opened)]));
}

#[test]
fn a_call_whose_record_comes_after_the_sweep_that_saw_its_effect_tells_nobody() {
    let mut it = Server::default();
    it.swept(0, server("CONTINUOUS"));
    it.swept(5, server("DISCONNECTED"));
    let called = Observation::DisconnectCalled { at: at(4) };
    assert_eq!((it.decides(&[called], at(14)), it.row().look_at), (vec![], None));
}

#[test]
fn a_stall_is_not_critical_for_a_process_that_heard_nothing_before_a_sweep_says_so() {
    let mut it = Server { is_deaf: true, ..Server::default() };
    it.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(0));
    assert_eq!(it.rings(), (at(30), vec![]));
    assert_eq!(it.row().look_at, Some(at(31)), "it is looked at again a minute later");
    let writes = it.writes;
    it.decides(&[], at(30) + SignedDuration::from_secs(20));
    assert_eq!(
        (it.writes, it.row().look_at),
        (writes, Some(at(31))),
        "what is decided meanwhile moves nothing"
    );
    assert_eq!(it.rings(), (at(31), vec![]));
    assert_eq!(it.swept(32, server("STALLED")), [(ReplicationStalled, Escalated)]);
    assert_eq!(it.row().look_at, None);
    let mut it = Server { is_deaf: true, ..Server::default() };
    it.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(31));
    assert_eq!(it.open(), [(ReplicationStalled, Severity::High)]);
    it.is_deaf = false;
    assert_eq!(it.rings(), (at(32), vec![(ReplicationStalled, Escalated)]));
}

#[test]
fn a_gap_between_snapshots_is_not_told_by_a_process_that_hears_of_none() {
    let mut it = Server { is_deaf: true, ..Server::default() };
    it.swept(0, tagged(server("CONTINUOUS"), RPO_TAG, "15m"));
    it.decides(&[Observation::Snapshot { at: at(1) }], at(1));
    assert_eq!(it.rings(), (at(25), vec![]));
    it.is_deaf = false;
    assert_eq!(it.rings(), (at(26), vec![(RpoGap, Opened)]));
}

#[test]
fn a_server_that_somebody_disconnected_is_no_incident_however_late_the_call_is_told() {
    let mut it = Server::default();
    it.swept(0, server("CONTINUOUS"));
    it.swept(5, server("CONTINUOUS"));
    it.swept(10, server("DISCONNECTED"));
    assert_eq!(it.rings(), (at(20), vec![(ServerDisconnected, Opened)]));
    let called = |minute| Observation::DisconnectCalled { at: at(minute) };
    assert_eq!(it.decides(&[called(4)], at(21)), [], "it was connected again after that call");
    assert_eq!(it.decides(&[called(9)], at(22)), [(ServerDisconnected, Resolved)]);
    it.swept(40, server("CONTINUOUS"));
    it.swept(45, server("DISCONNECTED"));
    assert_eq!(it.rings(), (at(55), vec![(ServerDisconnected, Opened)]), "nobody called again");
}

#[test]
fn lag_backlog_and_agents_are_judged_by_thresholds_that_may_differ_by_account_and_tag() {
    let limit = |minutes| Thresholds {
        lag_above: Some(Duration::from_mins(minutes).into()),
        ..Thresholds::default()
    };
    let tag = TagValue { key: "tier".to_owned(), value: "gold".to_owned() };
    let here = Override { accounts: [somewhere().account].into(), tag: None, set: limit(90) };
    let gold = Override { accounts: [].into(), tag: Some(tag), set: limit(10) };
    let policy = Policy { overrides: vec![here, gold], ..Policy::default() };
    for (policy, seen, expected) in [
        (Policy::default(), lagging(60), false),
        (Policy::default(), lagging(61), true),
        (policy.clone(), lagging(90), false),
        (policy.clone(), lagging(91), true),
        (policy.clone(), tagged(lagging(11), "tier", "gold"), true),
        (policy.clone(), tagged(lagging(10), "tier", "gold"), false),
        (policy, tagged(lagging(11), "tier", "lead"), false),
    ] {
        let mut it = Server { policy, ..Server::default() };
        assert_eq!(it.swept(0, seen.clone()).contains(&(ReplicationLag, Opened)), expected, "{seen:?}");
    }
}

#[test]
fn the_reason_says_how_much_and_what_the_limit_is() {
    let mut it = Server::default();
    assert_eq!(it.swept(0, lagging(130)), [(ReplicationLag, Opened)]);
    assert_eq!(it.reason(ReplicationLag), "the newest recovery point is at least 2h old; the limit is 1h");
    let mut full = lagging(0);
    full.progress.backlog = Some(24 << 30);
    assert_eq!(it.swept(5, full), [(ReplicationLag, Resolved), (ReplicationBacklog, Opened)]);
    assert_eq!(it.reason(ReplicationBacklog), "at least 24 GiB wait to be replicated; the limit is 10 GiB");
}

#[test]
fn a_server_that_goes_on_as_it_is_costs_one_write() {
    let mut it = Server::default();
    for minute in 0..100_i64 {
        let mut seen = lagging(61 + u64::from(minute % 3 == 0));
        seen.progress.backlog = Some((1 << 29) + minute.unsigned_abs());
        seen.last_seen = Some(at(minute - 1));
        it.swept(minute, seen);
    }
    assert_eq!(it.writes, 1);
}

#[test]
fn an_agent_that_is_not_seen_is_told_after_a_quarter_of_an_hour() {
    let mut it = Server::default();
    let seen = || ServerSeen { last_seen: Some(at(0)), ..server("CONTINUOUS") };
    for minute in [4, 9, 14, 15] {
        assert_eq!(it.swept(minute, seen()), [], "{minute}");
    }
    assert_eq!(it.swept(16, seen()), [(ServerNotSeen, Opened)]);
    let stalled = Observation::Stalled { stalled: false, at: at(17) };
    assert_eq!(it.decides(&[stalled], at(17)), [], "an event does not close it");
    for (state, extension) in [("STOPPED", None), ("CONTINUOUS", Some("EXTENDED"))] {
        let mut it = Server::default();
        let staging = Staging { status: extension.map(str::to_owned), ..Staging::default() };
        assert_eq!(it.swept(60, ServerSeen { state: Some(state.to_owned()), staging, ..seen() }), []);
    }
}

#[test]
fn a_sync_without_progress_for_six_hours_is_stuck_and_one_with_progress_is_not() {
    let syncing = |gib: u64| {
        let progress =
            Progress { replicated: Some(gib << 30), total: Some(100 << 30), ..Progress::default() };
        ServerSeen { progress, ..server("INITIAL_SYNC") }
    };
    let mut it = Server::default();
    it.swept(0, syncing(1));
    it.swept(300, syncing(2));
    assert_eq!(it.swept(659, syncing(2)), []);
    assert_eq!(it.decides(&[], at(900)), [], "nobody looked since");
    assert_eq!(it.row().look_at, None, "only a sweep can tell");
    assert_eq!(it.swept(660, syncing(2)), [(InitialSyncStuck, Opened)]);
    assert_eq!(it.reason(InitialSyncStuck), "no progress seen for 6h at 2 GiB of 100 GiB");
    assert_eq!(it.swept(661, syncing(3)), [(InitialSyncStuck, Resolved)]);
}

#[test]
fn the_objective_in_the_tag_is_judged_by_lag_and_one_that_cannot_be_read_is_none() {
    for (text, expected) in [("15m", true), ("PT20M", true), ("21m", false), ("soon", false), ("", false)] {
        let mut it = Server::default();
        let told = it.swept(0, tagged(lagging(21), RPO_TAG, text));
        assert_eq!(told.contains(&(RpoGap, Opened)), expected, "{text}");
        assert_eq!(it.row().inventory.as_ref().unwrap().marks[RPO_TAG], text, "it is shown");
    }
}

#[test]
fn without_a_known_lag_snapshots_close_the_gap_and_time_opens_it() {
    let mut it = Server::default();
    it.swept(0, tagged(server("CONTINUOUS"), RPO_TAG, "15m"));
    let taken = |minute| [Observation::Snapshot { at: at(minute) }];
    it.decides(&taken(1), at(1));
    assert_eq!(it.row().snapshot_at, Some(at(0)));
    let writes = it.writes;
    (2..10).for_each(|minute| assert_eq!(it.decides(&taken(minute), at(minute)), []));
    assert_eq!(it.writes, writes, "one write in ten minutes");
    assert_eq!(
        it.rings(),
        (at(25), vec![(RpoGap, Opened)]),
        "15 minutes, and the ten that are not told apart"
    );
    assert_eq!(it.decides(&taken(26), at(26)), [(RpoGap, Resolved)]);
}

#[test]
fn an_extension_error_is_told_in_the_words_of_aws() {
    let staging = Staging {
        status: Some("EXTENSION_ERROR".to_owned()),
        error: Some("Staging server not found".to_owned()),
        ..Staging::default()
    };
    let mut it = Server::default();
    assert_eq!(it.swept(0, ServerSeen { staging, ..server("CONTINUOUS") }), [(ExtensionError, Opened)]);
    assert_eq!(it.reason(ExtensionError), "DRS reports: Staging server not found");
    assert_eq!(it.swept(5, server("CONTINUOUS")), [(ExtensionError, Resolved)]);
}

fn account(id: &str, status: AccountStatus) -> AccountRow {
    AccountRow {
        id: id.parse().unwrap(),
        name: "erp-prod".to_owned(),
        alias: None,
        role_arn: String::new(),
        external_id_secret: String::new(),
        regions: vec![AccountRegion { region: somewhere().region, drs: true, source: false }],
        target: None,
        status,
        last_validated: None,
        last_error: None,
    }
}

#[test]
fn an_extended_server_is_judged_in_the_account_where_it_replicates_if_that_is_known() {
    let staging = |status: &str| Staging {
        status: Some(status.to_owned()),
        account: Some("444455556666".parse().unwrap()),
        ..Staging::default()
    };
    let here = account("111122223333", AccountStatus::Active);
    let there = account("444455556666", AccountStatus::Active);
    for (accounts, expected) in [(vec![here.clone()], true), (vec![here, there], false)] {
        let mut it = Server { registry: Some(accounts.into_iter().collect()), ..Server::default() };
        it.swept(0, ServerSeen { staging: staging("EXTENDED"), ..lagging(100) });
        it.decides(&[Observation::Stalled { stalled: true, at: at(1) }], at(1));
        assert_eq!(!it.open().is_empty(), expected, "{:?}", it.open());
        assert_eq!(it.row().look_at.is_some(), expected);
        it.swept(5, ServerSeen { staging: staging("EXTENSION_ERROR"), ..lagging(0) });
        assert_eq!(it.open(), [(ExtensionError, Severity::High)]);
    }
}

#[test]
fn nothing_is_wrong_with_servers_of_an_account_that_is_switched_off_and_of_one_removed_they_are_forgotten() {
    let accounts = |row: Option<AccountRow>| Some(row.into_iter().collect::<Registry>());
    let with = |status| accounts(Some(account("111122223333", status)));
    let mut it = Server { registry: with(AccountStatus::Active), ..Server::default() };
    it.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(0));
    it.registry = with(AccountStatus::Inactive);
    assert!(it.row().is_to_be_dismissed());
    assert_eq!(it.rings(), (at(30), vec![(ReplicationStalled, Resolved)]));
    assert_eq!((it.row().look_at, it.row().forget_at), (None, None));
    it.registry = with(AccountStatus::Active);
    assert_eq!(it.decides(&[], at(60)), [(ReplicationStalled, Opened)], "it is watched again");
    it.registry = accounts(None);
    assert_eq!(it.decides(&[], at(61)), [(ReplicationStalled, Resolved)]);
    let (kept, writes) = (SignedDuration::from_hours(90 * 24), it.writes);
    assert_eq!((it.decides(&[], at(99)), it.writes), (vec![], writes));
    assert_eq!(it.row().expires_at(), Some(at(61) + kept));
    assert!(!it.row().is_to_be_dismissed());
}

#[test]
fn a_resync_is_told_until_the_server_replicates_continuously_again_and_a_first_sync_is_none() {
    let mut it = Server::default();
    for (minute, state) in
        ["INITIATING", "INITIAL_SYNC", "CREATING_SNAPSHOT", "CONTINUOUS"].iter().enumerate()
    {
        assert_eq!(it.swept(i64::try_from(minute).unwrap(), server(state)), [], "{state}");
    }
    assert_eq!(it.swept(20, server("RESCAN")), [(FullResync, Opened)]);
    assert_eq!(it.swept(25, server("BACKLOG")), []);
    assert_eq!(it.swept(30, server("CONTINUOUS")), [(FullResync, Resolved)]);
    for (minute, off) in [(60, "STOPPED"), (90, "DISCONNECTED")] {
        assert_eq!(it.swept(minute, server("RESCAN")), [(FullResync, Opened)]);
        assert_eq!(it.swept(minute + 5, server(off)), [(FullResync, Resolved)]);
    }
}

#[test]
fn a_server_that_is_gone_has_nothing_wrong_with_it_and_is_forgotten_in_the_end() {
    let mut it = Server::default();
    it.swept(0, lagging(100));
    it.swept(5, ServerSeen { state: Some("STALLED".to_owned()), ..lagging(100) });
    let gone = Observation::Gone { at: at(10) };
    assert_eq!(it.decides(&[gone], at(10)), [(ReplicationStalled, Resolved), (ReplicationLag, Resolved)]);
    assert_eq!((it.open(), it.row().look_at), (vec![], None));
    let kept = SignedDuration::from_hours(90 * 24);
    assert_eq!(it.row().expires_at(), Some(at(10) + kept));
}

#[test]
fn details_are_told_apart_by_a_fingerprint_that_never_changes() {
    let seen = tagged(server("CONTINUOUS"), "Name", "erp-db-03");
    assert_eq!(fingerprint(&seen), FINGERPRINT);
    assert_ne!(fingerprint(&tagged(seen.clone(), "Name", "erp-db-04")), FINGERPRINT);
    let mut it = Server::default();
    it.swept(0, seen.clone());
    assert!(!it.row().lacks_details(&seen));
    let gone = Observation::Gone { at: at(5) };
    it.decides(&[gone], at(5));
    assert!(it.row().lacks_details(&seen), "they were marked gone with it");
}

const FINGERPRINT: u64 = 16_471_604_974_824_940_740;

#[test]
fn details_are_written_when_they_change_and_marked_gone_with_their_server() {
    let seen = server("CONTINUOUS");
    let told = ServerDetailsRow::told(&somewhere(), &seen, at(0));
    assert!(told.instead_of(None).is_some());
    let again = ServerDetailsRow::told(&somewhere(), &seen, at(5));
    assert_eq!(again.instead_of(Some(&told)), None);
    let gone = told.gone(at(10), &Policy::default()).unwrap().row;
    assert_eq!((gone.gone_since, gone.expires_at().is_some()), (Some(at(10)), true));
    assert_eq!(gone.gone(at(15), &Policy::default()), None);
    assert_eq!(again.instead_of(Some(&gone)), None, "that sweep came before");
    assert!(ServerDetailsRow::told(&somewhere(), &seen, at(20)).instead_of(Some(&gone)).is_some());
}

/// Everything that a sweep and events can tell, in AWS's longest words, and as many incidents as there can be.
fn crowded() -> Server {
    let mut it = Server::default();
    let mut seen = tagged(lagging(5_000), RPO_TAG, "15m");
    seen.tags.insert("Name".to_owned(), "a-rather-long-name-of-a-database-server".to_owned());
    seen.instance = Some("i-0123456789abcdef0".parse().unwrap());
    seen.last_seen = Some(at(-30));
    seen.progress = Progress {
        backlog: Some(u64::MAX / 2),
        replicated: Some(1 << 50),
        rescanned: Some(1 << 49),
        total: Some(1 << 50),
        ..seen.progress
    };
    let arn = "arn:aws:drs:us-west-2:444455556666:source-server/s-12345678901234567";
    seen.staging = Staging {
        status: Some("EXTENSION_ERROR".to_owned()),
        account: Some("444455556666".parse().unwrap()),
        server_arn: Some(arn.to_owned()),
        error: Some("x".repeat(1_000)),
    };
    let states =
        ["INITIATING", "INITIAL_SYNC", "BACKLOG", "CREATING_SNAPSHOT", "CONTINUOUS", "PAUSED", "RESCAN"];
    for (minute, state) in states.iter().chain(&["ADDED_LATER", "STALLED", "DISCONNECTED"]).enumerate() {
        let seen = ServerSeen { state: Some((*state).to_owned()), ..seen.clone() };
        it.swept(i64::try_from(minute).unwrap(), seen);
    }
    it.rings();
    let stalled = ServerSeen {
        state: Some("STALLED".to_owned()),
        error: Some("FAILED_TO_START_REPLICATION_SERVER_BOOT".to_owned()),
        ..seen
    };
    it.swept(30, stalled);
    it.decides(&[Observation::Snapshot { at: at(31) }], at(31));
    it.decides(&[Observation::DisconnectCalled { at: at(31) }], at(31));
    it
}

#[test]
fn a_row_with_everything_wrong_is_bounded_and_one_that_is_mended_is_small() {
    let mut it = crowded();
    assert!(it.open().len() >= 5, "{:?}", it.open());
    let size = |it: &Server| serde_json::to_vec(it.row()).unwrap().len();
    assert!(size(&it) <= WORST, "{} bytes: {}", size(&it), serde_json::to_string_pretty(it.row()).unwrap());
    let states = it.row().replication.before.len();
    assert!(states <= 4, "{:?}", it.row().replication.before);
    it.swept(100, lagging(0));
    it.swept(200, ServerSeen { state: Some("STALLED".to_owned()), ..lagging(0) });
    assert_eq!(it.open().len(), 1);
    assert!(it.row().incidents.len() >= 6, "{:?}", it.row().incidents);
    assert!(size(&it) <= HOT, "{} bytes: {}", size(&it), serde_json::to_string_pretty(it.row()).unwrap());
}

/// In bytes, of a row whose every facet is told and on which all that can be open at once is.
const WORST: usize = 2_560;
/// In bytes, of a row on which one incident is open and all others are over.
const HOT: usize = 2_048;
