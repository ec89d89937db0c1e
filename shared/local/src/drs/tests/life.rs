use super::*;

fn fresh(bench: &Bench) -> String {
    bench.drs.add_server(HOME, ServerSpec::named("erp-db-03"), bench.now).unwrap()
}

#[test]
fn a_new_server_goes_through_initiation_sync_and_snapshot_to_continuous() {
    let (mut bench, _) = Bench::with(0);
    let id = fresh(&bench);
    let mut states = vec![bench.state(&id)];
    for _ in 0..200 {
        bench.wait(30);
        let state = bench.state(&id);
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    assert_eq!(states, ["INITIATING", "INITIAL_SYNC", "CREATING_SNAPSHOT", "CONTINUOUS"]);
}

#[test]
fn initiation_succeeds_step_by_step() {
    let (mut bench, _) = Bench::with(0);
    let id = fresh(&bench);
    bench.wait(65);
    let server = bench.server(&id);
    let steps = &server["dataReplicationInfo"]["dataReplicationInitiation"]["steps"];
    assert_eq!(steps[1], json!({ "name": "CREATE_SECURITY_GROUP", "status": "SUCCEEDED" }));
    assert_eq!(steps[2]["status"], "IN_PROGRESS");
    assert_eq!(steps[10]["status"], "NOT_STARTED");
    assert_eq!(server["dataReplicationInfo"].get("lagDuration"), None);
}

#[test]
fn how_often_somebody_looks_does_not_change_what_happens() {
    let restless = Settings { restless: 3_600, ..Settings::default() };
    let run = |step: i64| {
        let (mut bench, _) = Bench::with(0);
        bench.drs.configure(HOME, restless.clone());
        let id = fresh(&bench);
        for _ in 0..(86_400 / step) {
            bench.wait(step);
        }
        bench.server(&id)
    };
    assert_eq!(run(10), run(86_400));
}

#[test]
fn a_healthy_server_has_a_backlog_or_a_rescan_now_and_then() {
    let (mut bench, _) = Bench::with(0);
    bench.drs.configure(HOME, Settings { restless: 3_600, ..Settings::default() });
    let id = fresh(&bench);
    let mut states = std::collections::BTreeSet::new();
    for _ in 0..500 {
        bench.wait(240);
        states.insert(bench.state(&id));
    }
    assert!(states.contains("BACKLOG") && states.contains("RESCAN"), "{states:?}");
}

#[test]
fn lag_grows_while_stalled_and_falls_to_nothing_after_recovery() {
    let (mut bench, ids) = Bench::with(1);
    assert_eq!(bench.server(&ids[0])["dataReplicationInfo"]["lagDuration"], "P0D");
    let now = bench.now;
    let site = bench.drs.site(HOME.0, HOME.1);
    let event = crate::world::lock(&site).stall(&ids[0], "AGENT_NOT_SEEN", now).unwrap().unwrap();
    assert_eq!(event.detail, json!({ "state": "STALLED" }));
    bench.wait(5_400);
    let info = bench.server(&ids[0])["dataReplicationInfo"].clone();
    assert_eq!(info["dataReplicationState"], "STALLED");
    assert_eq!(info["lagDuration"], "PT1H30M");
    assert_eq!(info["dataReplicationError"]["error"], "AGENT_NOT_SEEN");
    let event = crate::world::lock(&site).recover(&ids[0], bench.now).unwrap().unwrap();
    assert_eq!(event.detail, json!({ "state": "NOT_STALLED" }));
    assert_eq!(bench.state(&ids[0]), "BACKLOG");
    assert_eq!(bench.server(&ids[0])["dataReplicationInfo"]["lagDuration"], "PT1H30M");
    bench.wait(3_600);
    assert_eq!(bench.server(&ids[0])["dataReplicationInfo"]["lagDuration"], "P0D");
    assert_eq!(bench.state(&ids[0]), "CONTINUOUS");
}

#[test]
fn a_server_that_stalls_twice_is_told_once() {
    let (bench, ids) = Bench::with(1);
    let site = bench.drs.site(HOME.0, HOME.1);
    let mut site = crate::world::lock(&site);
    assert!(site.stall(&ids[0], "NOT_CONVERGING", bench.now).unwrap().is_some());
    assert!(site.stall(&ids[0], "NOT_CONVERGING", bench.now).unwrap().is_none());
    assert!(site.recover(&ids[0], bench.now).unwrap().is_some());
    assert!(site.recover(&ids[0], bench.now).unwrap().is_none());
}

#[test]
fn initiation_that_stalls_shows_the_failed_step_and_goes_on_there() {
    let (mut bench, _) = Bench::with(0);
    let id = fresh(&bench);
    bench.wait(70);
    let site = bench.drs.site(HOME.0, HOME.1);
    let error = "FAILED_TO_LAUNCH_REPLICATION_SERVER";
    crate::world::lock(&site).stall(&id, error, bench.now).unwrap();
    bench.wait(600);
    let steps = |server: Value| server["dataReplicationInfo"]["dataReplicationInitiation"]["steps"].clone();
    assert_eq!(steps(bench.server(&id))[2]["status"], "FAILED");
    crate::world::lock(&site).recover(&id, bench.now).unwrap();
    assert_eq!(steps(bench.server(&id))[2]["status"], "IN_PROGRESS");
}

#[test]
fn snapshot_events_are_off_unless_wanted() {
    let (mut bench, _) = Bench::with(2);
    bench.wait(3_600);
    assert!(bench.heard("DRS PIT Snapshot Taken").is_empty());
    bench.drs.configure(HOME, Settings { snapshot_events: true, restless: 0, ..Settings::default() });
    for _ in 0..7 {
        bench.wait(600);
    }
    let heard = bench.heard("DRS PIT Snapshot Taken");
    assert_eq!(heard.len(), 12);
    let disks = heard[0].detail["EbsSnapshotIDs"].as_str().unwrap();
    assert_eq!(disks.split(',').count(), 2);
}
