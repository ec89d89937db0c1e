use super::*;
use crate::drs::{JobView, LaunchFailure, LaunchPhase, LaunchView};

const HOUR: i64 = 3_600;

fn log(bench: &mut Bench, job: &str) -> Vec<Value> {
    bench.ask("DescribeJobLogItems", json!({ "jobID": job })).unwrap()["items"].as_array().unwrap().clone()
}

fn truth(bench: &Bench, job: &str) -> JobView {
    bench.drs.jobs(HOME).into_iter().find(|view| view.id == job).unwrap()
}

fn phases(launch: &LaunchView) -> Vec<&str> {
    launch.phases.iter().map(|phase| phase.name.as_str()).collect()
}

#[test]
fn a_stuck_job_stands_still_and_goes_on_as_much_later_as_it_was_stuck() {
    let ended = |stuck: bool| {
        let (mut bench, ids) = Bench::with(3);
        let job = bench.recover(&ids, true).unwrap();
        bench.wait(400);
        if stuck {
            bench.alter(|site, now| site.change_job(&job, |job| job.agenda.stick(now))).unwrap();
            let before = log(&mut bench, &job);
            bench.wait(6 * HOUR);
            assert_eq!((log(&mut bench, &job), truth(&bench, &job).stuck), (before, true));
            assert_eq!(bench.job(&job)["status"], "STARTED");
            bench.alter(|site, now| site.change_job(&job, |job| job.agenda.release(now))).unwrap();
        }
        bench.wait(HOUR);
        assert_eq!(bench.heard("DRS Source Server Launch Result").len(), 3);
        truth(&bench, &job).ended.unwrap()
    };
    assert_eq!(ended(true), after(ended(false), 6 * HOUR));
}

#[test]
fn a_job_that_is_stuck_before_its_end_has_all_results_and_does_not_end() {
    let (mut bench, ids) = Bench::with(1);
    let job = bench.recover(&ids, true).unwrap();
    while bench.heard("DRS Source Server Launch Result").is_empty() {
        bench.wait(1);
    }
    bench.alter(|site, now| site.change_job(&job, |job| job.agenda.stick(now))).unwrap();
    bench.wait(HOUR);
    let shown = bench.job(&job);
    assert_eq!(
        (&shown["status"], &shown["participatingServers"][0]["launchStatus"]),
        (&json!("STARTED"), &json!("LAUNCHED"))
    );
    let released = bench.now;
    bench.alter(|site, now| site.change_job(&job, |job| job.agenda.release(now))).unwrap();
    bench.wait(60);
    let ended = truth(&bench, &job).ended.unwrap();
    assert!(ended > released && ended <= after(released, 5), "{ended}");
}

#[test]
fn a_launch_fails_in_the_phase_and_with_the_words_that_were_chosen() {
    let cases = [
        (LaunchPhase::Snapshot, "SNAPSHOT_FAIL", vec!["SNAPSHOT"]),
        (LaunchPhase::Conversion, "CONVERSION_FAIL", vec!["SNAPSHOT", "CONVERSION"]),
        (LaunchPhase::Launch, "LAUNCH_FAILED", vec!["SNAPSHOT", "CONVERSION", "LAUNCH"]),
    ];
    for (phase, event, reached) in cases {
        let (mut bench, ids) = Bench::with(2);
        let raw_error = format!("out of luck in {phase:?}");
        bench.drs.fail_next_launch(HOME, &ids[1], LaunchFailure { phase, raw_error: raw_error.clone() });
        let job = bench.recover(&ids, true).unwrap();
        bench.wait(HOUR);
        let failed: Vec<_> =
            log(&mut bench, &job).into_iter().filter(|item| item["event"] == event).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["eventData"]["sourceServerID"], ids[1].as_str());
        assert_eq!(failed[0]["eventData"]["rawError"], raw_error.as_str());
        let truth = truth(&bench, &job);
        let launch = &truth.servers[1];
        assert_eq!((launch.status.as_str(), launch.error.as_ref()), ("FAILED", Some(&raw_error)));
        assert_eq!((phases(launch), launch.recovery_instance.as_ref()), (reached, None));
        assert_eq!(truth.servers[0].status, "LAUNCHED");
        let told = bench.heard("DRS Source Server Launch Result");
        let told = told.iter().filter(|event| event.detail["state"] == "RECOVERY_LAUNCH_FAILED");
        assert_eq!(told.map(|event| event.resources[0].ends_with(&ids[1])).collect::<Vec<_>>(), [true]);
        // It was the next launch that failed, and no other.
        bench.recover(&ids[1..], true).unwrap();
        bench.wait(HOUR);
        assert_eq!(bench.server(&ids[1])["lastLaunchResult"], "SUCCEEDED");
    }
}

#[test]
fn a_job_whose_last_server_failed_early_ends_early() {
    let (mut bench, ids) = Bench::with(1);
    let failure = LaunchFailure { phase: LaunchPhase::Snapshot, raw_error: "quota".to_owned() };
    bench.drs.fail_next_launch(HOME, &ids[0], failure);
    let job = bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let truth = truth(&bench, &job);
    assert_eq!(truth.ended, truth.servers[0].finished.map(|at| after(at, 5)));
}

#[test]
fn a_server_that_does_not_replicate_fails_with_its_old_snapshot() {
    let (mut bench, ids) = Bench::with(1);
    let failure = LaunchFailure { phase: LaunchPhase::Snapshot, raw_error: "gone".to_owned() };
    bench.drs.fail_next_launch(HOME, &ids[0], failure);
    bench.alter(|site, now| site.stall(&ids[0], "AGENT_NOT_SEEN", now)).unwrap();
    let job = bench.recover(&ids, false).unwrap();
    bench.wait(HOUR);
    let log = log(&mut bench, &job);
    assert_eq!(log[1]["event"], "USING_PREVIOUS_SNAPSHOT_FAILED");
    assert_eq!(phases(&truth(&bench, &job).servers[0]), ["USING_PREVIOUS_SNAPSHOT"]);
}

#[test]
fn a_skipped_server_is_in_the_job_and_neither_launched_nor_told() {
    let (mut bench, ids) = Bench::with(2);
    bench.drs.skip_in_next_job(HOME, &ids[..1]);
    let job = bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let shown = bench.job(&job);
    assert_eq!(shown["status"], "COMPLETED");
    assert_eq!(shown["participatingServers"][0]["launchStatus"], "PENDING");
    let log = log(&mut bench, &job);
    let skipped: Vec<_> = log.iter().filter(|item| item["event"] == "SERVER_SKIPPED").collect();
    assert_eq!((skipped.len(), &skipped[0]["eventData"]["sourceServerID"]), (1, &json!(ids[0])));
    assert_eq!(bench.heard("DRS Source Server Launch Result").len(), 1);
    let truth = truth(&bench, &job);
    assert_eq!((truth.servers[0].skipped, truth.servers[0].finished), (true, None));
    assert_eq!((truth.servers[0].phases.len(), truth.servers[1].skipped), (0, false));
    bench.recover(&ids[..1], true).unwrap();
}

#[test]
fn a_job_that_has_come_to_a_server_does_not_skip_it_and_the_next_one_does() {
    let (mut bench, ids) = Bench::with(1);
    let first = bench.recover(&ids, true).unwrap();
    bench.wait(60);
    bench.drs.skip_in_next_job(HOME, &ids);
    bench.wait(HOUR);
    let second = bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    assert_eq!([first, second].map(|job| truth(&bench, &job).servers[0].skipped), [false, true]);
}

#[test]
fn the_truth_of_a_job_is_what_its_log_and_events_tell() {
    let (mut bench, ids) = Bench::with(1);
    let body =
        json!({ "sourceServers": [{ "sourceServerID": ids[0] }], "isDrill": true, "tags": { "a": "b" } });
    let answer = bench.ask("StartRecovery", body).unwrap();
    let job = answer["job"]["jobID"].as_str().unwrap().to_owned();
    bench.wait(HOUR);
    let (truth, shown, log) = (truth(&bench, &job), bench.job(&job), log(&mut bench, &job));
    assert_eq!((truth.kind.as_str(), truth.initiated_by.as_str()), ("LAUNCH", "START_DRILL"));
    assert_eq!(json!(truth.tags), shown["tags"]);
    assert_eq!(json!(truth.created), "2026-03-02T08:00:00Z");
    let told = |at: Timestamp| json!(super::super::stamp::date_time(at));
    assert_eq!(
        (told(truth.created), told(truth.ended.unwrap())),
        (shown["creationDateTime"].clone(), shown["endDateTime"].clone())
    );
    let launch = &truth.servers[0];
    assert_eq!(phases(launch), ["SNAPSHOT", "CONVERSION", "LAUNCH"]);
    let stamps = launch.phases.iter().flat_map(|phase| [phase.started, phase.ended.unwrap()]);
    let stamps: Vec<_> = stamps.map(told).collect();
    let logged: Vec<_> = log[1..6].iter().map(|item| item["logDateTime"].clone()).collect();
    assert_eq!(stamps[..5], logged);
    assert_eq!(launch.phases[2].ended, launch.finished);
    assert_eq!(launch.finished, bench.heard("DRS Source Server Launch Result")[0].time);
    let instances = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(json!(launch.recovery_instance), instances["items"][0]["recoveryInstanceID"]);
}
