use super::*;

const STALLED: &str = "DRS Source Server Data Replication Stalled Change";
const GIB: u64 = 1 << 30;

/// Bytes that wait to be sent, over all disks.
fn backlog(info: &Value) -> u64 {
    let disks = info["replicatedDisks"].as_array().unwrap();
    disks.iter().map(|disk| disk["backloggedStorageBytes"].as_u64().unwrap()).sum()
}

fn replicated(info: &Value, member: &str) -> u64 {
    info["replicatedDisks"].as_array().unwrap().iter().map(|disk| disk[member].as_u64().unwrap()).sum()
}

#[test]
fn a_lag_that_is_set_stays_until_recovery_and_means_a_backlog() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.set_lag(7_200, now)).unwrap();
    bench.wait(3_600);
    let info = bench.info(&ids[0]);
    assert_eq!((&info["dataReplicationState"], &info["lagDuration"]), (&json!("BACKLOG"), &json!("PT2H")));
    assert_eq!(backlog(&info), 2 * 7_200 * 400_000);
    assert!(bench.recovers(&ids[0]).is_none());
    bench.wait(900);
    assert!(backlog(&bench.info(&ids[0])) < backlog(&info));
    bench.wait(3_600);
    let info = bench.info(&ids[0]);
    assert_eq!((&info["dataReplicationState"], &info["lagDuration"]), (&json!("CONTINUOUS"), &json!("P0D")));
    assert_eq!(backlog(&info), 0);
}

#[test]
fn the_lag_of_a_stalled_server_grows_from_what_was_set() {
    let (mut bench, ids) = Bench::with(1);
    let start = bench.now;
    bench.change(&ids[0], |it| it.stall("NOT_CONVERGING", start)).unwrap();
    bench.wait(60);
    let now = bench.now;
    bench.change(&ids[0], |it| it.set_lag(3_600, now)).unwrap();
    bench.wait(60);
    assert_eq!(bench.info(&ids[0])["lagDuration"], "PT1H1M");
}

#[test]
fn a_backlog_that_is_set_leaves_the_lag_alone_and_fits_the_disks() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.set_backlog(40 * GIB, now)).unwrap();
    let info = bench.info(&ids[0]);
    assert_eq!((&info["dataReplicationState"], &info["lagDuration"]), (&json!("BACKLOG"), &json!("P0D")));
    let disks: Vec<_> = info["replicatedDisks"].as_array().unwrap().iter().collect();
    let waiting: Vec<_> = disks.iter().map(|disk| disk["backloggedStorageBytes"].as_u64().unwrap()).collect();
    assert_eq!(waiting, [32 * GIB, 8 * GIB]);
    bench.change(&ids[0], |it| it.set_lag(60, now)).unwrap();
    assert_eq!(backlog(&bench.info(&ids[0])), 40 * GIB);
    bench.change(&ids[0], |it| it.set_backlog(u64::MAX, now)).unwrap();
    assert_eq!(backlog(&bench.info(&ids[0])), 132 * GIB);
    bench.recovers(&ids[0]);
    assert!(backlog(&bench.info(&ids[0])) < GIB);
}

#[test]
fn a_silent_agent_is_seen_no_later_while_replication_goes_on() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.silence(None, now)).unwrap();
    bench.wait(1_200);
    let seen = |server: &Value| server["lifeCycle"]["lastSeenByServiceDateTime"].as_str().unwrap().to_owned();
    let server = bench.server(&ids[0]);
    assert_eq!(seen(&server), "2026-03-02T08:00:00.000Z");
    assert_eq!(server["dataReplicationInfo"]["dataReplicationState"], "CONTINUOUS");
    bench.recovers(&ids[0]);
    assert_eq!(seen(&bench.server(&ids[0])), "2026-03-02T08:20:00.000Z");
    assert!(bench.heard(STALLED).is_empty());
}

#[test]
fn a_silent_agent_may_stall_replication_after_a_while_which_is_told_with_its_time() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.silence(Some(300), now)).unwrap();
    bench.wait(299);
    assert_eq!(bench.state(&ids[0]), "CONTINUOUS");
    bench.wait(3_600);
    let server = bench.server(&ids[0]);
    assert_eq!(server["dataReplicationInfo"]["dataReplicationError"]["error"], "AGENT_NOT_SEEN");
    assert_eq!(server["lifeCycle"]["lastSeenByServiceDateTime"], "2026-03-02T08:00:00.000Z");
    let told = bench.heard(STALLED);
    assert_eq!((told.len(), told[0].time), (1, Some(after(now, 300))));
    assert_eq!(bench.recovers(&ids[0]).unwrap().detail, json!({ "state": "NOT_STALLED" }));
}

#[test]
fn an_agent_that_is_heard_again_in_time_stalls_nothing() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.silence(Some(300), now)).unwrap();
    bench.wait(200);
    bench.recovers(&ids[0]);
    bench.wait(3_600);
    assert_eq!(bench.state(&ids[0]), "CONTINUOUS");
    assert!(bench.heard(STALLED).is_empty());
}

#[test]
fn an_initial_sync_that_is_held_makes_no_progress_and_then_goes_on_from_there() {
    let (mut bench, _) = Bench::with(0);
    let id = bench.drs.add_server(HOME, ServerSpec::named("erp-db-03"), bench.now).unwrap();
    bench.wait(500);
    let now = bench.now;
    bench.change(&id, |it| it.hold_initial_sync(now)).unwrap();
    let held = bench.info(&id);
    bench.wait(6 * 3_600);
    let info = bench.info(&id);
    assert_eq!(info["dataReplicationState"], "INITIAL_SYNC");
    assert!(info.get("lagDuration").is_none() && info.get("etaDateTime").is_none());
    let done = replicated(&info, "replicatedStorageBytes");
    assert!(done > 0 && done == replicated(&held, "replicatedStorageBytes"), "{done}");
    bench.recovers(&id);
    bench.wait(60);
    assert!(replicated(&bench.info(&id), "replicatedStorageBytes") > done);
    bench.wait(3_600);
    assert_eq!(bench.state(&id), "CONTINUOUS");
}

#[test]
fn a_full_resync_reads_all_disks_again_and_ends_by_itself() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    bench.change(&ids[0], |it| it.rescan(now)).unwrap();
    let info = bench.info(&ids[0]);
    assert_eq!(info["dataReplicationState"], "RESCAN");
    assert_eq!(replicated(&info, "rescannedStorageBytes"), 0);
    assert_eq!(replicated(&info, "replicatedStorageBytes"), 132 * GIB);
    bench.wait(300);
    let read = replicated(&bench.info(&ids[0]), "rescannedStorageBytes");
    assert!(0 < read && read < 132 * GIB, "{read}");
    bench.wait(3_600);
    assert_eq!(bench.state(&ids[0]), "CONTINUOUS");
}

#[test]
fn a_machine_that_left_and_is_back_catches_up_with_what_it_missed() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    crate::world::lock(&bench.drs.site(HOME.0, HOME.1))
        .server(&ids[0])
        .unwrap()
        .replication
        .enter(crate::drs::replication::Phase::Disconnected, now);
    bench.wait(1_800);
    assert_eq!(bench.state(&ids[0]), "DISCONNECTED");
    assert!(bench.heard("AWS API Call via CloudTrail").is_empty());
    let now = bench.now;
    bench.change(&ids[0], |it| it.reconnect(now)).unwrap();
    let info = bench.info(&ids[0]);
    assert_eq!((&info["dataReplicationState"], &info["lagDuration"]), (&json!("RESCAN"), &json!("PT30M")));
    bench.wait(3_600);
    assert_eq!(bench.state(&ids[0]), "CONTINUOUS");
}

#[test]
fn trouble_that_a_server_cannot_have_is_refused() {
    let (mut bench, ids) = Bench::with(1);
    let now = bench.now;
    assert_eq!(bench.change(&ids[0], |it| it.reconnect(now)).unwrap_err().code, "ConflictException");
    bench.ask("StopReplication", json!({ "sourceServerID": ids[0] })).unwrap();
    let refused = [
        bench.change(&ids[0], |it| it.set_lag(60, now)),
        bench.change(&ids[0], |it| it.set_backlog(60, now)),
        bench.change(&ids[0], |it| it.silence(None, now)),
        bench.change(&ids[0], |it| it.hold_initial_sync(now)),
        bench.change(&ids[0], |it| it.rescan(now)),
    ];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().code, "ConflictException");
    }
    assert_eq!(bench.change("s-0", |it| it.rescan(now)).unwrap_err().code, "ResourceNotFoundException");
}

#[test]
fn a_deleted_server_is_gone_with_its_recovery_instance() {
    let (mut bench, ids) = Bench::with(2);
    bench.recover(&ids[..1], true).unwrap();
    bench.wait(3_600);
    bench.drs.delete_server(HOME, &ids[0]).unwrap();
    assert_eq!(bench.drs.servers(HOME, bench.now).len(), 1);
    let instances = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(instances["items"], json!([]));
    assert!(bench.drs.delete_server(HOME, &ids[0]).is_err());
}
