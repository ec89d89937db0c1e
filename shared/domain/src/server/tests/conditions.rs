//! What is wrong with a server, when, and how bad.

use super::*;

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
fn incidents_say_which_application_the_server_is_of_by_the_tag_that_the_policy_names() {
    let told = |policy: Policy| {
        let context = Context::new("erp-prod", &policy, at(0));
        let seen = Box::new(tagged(lagging(120), "App", "ERP"));
        let change = decide((&somewhere(), &id()), &[Observation::Seen { seen, at: at(0) }], None, &context);
        change.unwrap().tell[0].incident().unwrap().application.clone()
    };
    assert_eq!(
        told(Policy { application_tag: Some("App".into()), ..Policy::default() }).as_deref(),
        Some("ERP")
    );
    assert_eq!(told(Policy::default()), None);
}
