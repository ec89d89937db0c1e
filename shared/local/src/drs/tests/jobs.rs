use super::*;

const HOUR: i64 = 3_600;

#[test]
fn a_drill_launches_every_server_and_tells_each_result() {
    let (mut bench, ids) = Bench::with(3);
    let job = bench.recover(&ids, true).unwrap();
    assert_eq!(bench.job(&job)["status"], "PENDING");
    bench.wait(10);
    assert_eq!(bench.job(&job)["status"], "STARTED");
    bench.wait(HOUR);
    let shown = bench.job(&job);
    assert_eq!((&shown["status"], &shown["initiatedBy"]), (&json!("COMPLETED"), &json!("START_DRILL")));
    assert!(shown["endDateTime"].is_string());
    for participant in shown["participatingServers"].as_array().unwrap() {
        assert_eq!(participant["launchStatus"], "LAUNCHED");
    }
    let heard = bench.heard("DRS Source Server Launch Result");
    assert_eq!(heard.len(), 3);
    for (event, id) in heard.iter().zip(&ids) {
        let detail = json!({ "state": "RECOVERY_LAUNCH_SUCCEEDED", "job-id": job, "is-drill": "TRUE" });
        assert_eq!(event.detail, detail);
        assert!(ids.iter().any(|id| event.resources[0].ends_with(id)), "{id}");
    }
    let instances = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(instances["items"].as_array().unwrap().len(), 3);
    assert_eq!(instances["items"][0]["ec2InstanceState"], "RUNNING");
    assert_eq!(instances["items"][0]["isDrill"], true);
    let server = bench.server(&ids[0]);
    assert_eq!(server["lastLaunchResult"], "SUCCEEDED");
    assert_eq!(server["lifeCycle"]["lastLaunch"]["initiated"]["type"], "DRILL");
    assert!(server["recoveryInstanceId"].as_str().unwrap().starts_with("i-"));
}

#[test]
fn the_log_of_a_job_tells_its_phases_in_order() {
    let (mut bench, ids) = Bench::with(1);
    let job = bench.recover(&ids, false).unwrap();
    bench.wait(HOUR);
    let log = bench.ask("DescribeJobLogItems", json!({ "jobID": job })).unwrap();
    let items = log["items"].as_array().unwrap();
    let events: Vec<_> = items.iter().map(|item| item["event"].as_str().unwrap()).collect();
    let expected = [
        "JOB_START",
        "SNAPSHOT_START",
        "SNAPSHOT_END",
        "CONVERSION_START",
        "CONVERSION_END",
        "LAUNCH_START",
        "JOB_END",
    ];
    assert_eq!(events, expected);
    assert!(
        items.iter().zip(&items[1..]).all(|(a, b)| a["logDateTime"].as_str() <= b["logDateTime"].as_str())
    );
    assert_eq!(items[1]["eventData"]["sourceServerID"], ids[0].as_str());
}

#[test]
fn chosen_launches_fail_and_the_job_completes_all_the_same() {
    let (mut bench, ids) = Bench::with(2);
    bench.drs.fail_next_launches(HOME, &ids[..1]);
    let job = bench.recover(&ids, false).unwrap();
    bench.wait(HOUR);
    let shown = bench.job(&job);
    assert_eq!(shown["status"], "COMPLETED");
    assert_eq!(shown["participatingServers"][0]["launchStatus"], "FAILED");
    assert_eq!(shown["participatingServers"][1]["launchStatus"], "LAUNCHED");
    let failed = bench.heard("DRS Source Server Launch Result").into_iter();
    let failed: Vec<_> = failed.filter(|event| event.detail["state"] == "RECOVERY_LAUNCH_FAILED").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].detail["is-drill"], "FALSE");
    assert_eq!(bench.server(&ids[0])["lastLaunchResult"], "FAILED");
}

#[test]
fn a_server_without_a_snapshot_cannot_be_launched() {
    let (mut bench, _) = Bench::with(0);
    let id = bench.drs.add_server(HOME, ServerSpec::named("new-01"), bench.now).unwrap();
    let job = bench.recover(&[id], true).unwrap();
    bench.wait(HOUR);
    assert_eq!(bench.job(&job)["participatingServers"][0]["launchStatus"], "FAILED");
}

#[test]
fn a_second_job_for_a_server_conflicts_until_the_first_is_over() {
    let (mut bench, ids) = Bench::with(1);
    bench.recover(&ids, true).unwrap();
    let refusal = bench.recover(&ids, true).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "ConflictException"));
    let words =
        "One or more of the Source Servers included in API call are currently being processed by a Job";
    assert_eq!(refusal.message, words);
    bench.wait(HOUR);
    bench.recover(&ids, true).unwrap();
}

#[test]
fn a_second_drill_replaces_the_recovery_instance() {
    let (mut bench, ids) = Bench::with(1);
    bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let first = bench.server(&ids[0])["recoveryInstanceId"].clone();
    bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let instances = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(instances["items"].as_array().unwrap().len(), 1);
    assert_ne!(instances["items"][0]["recoveryInstanceID"], first);
}

#[test]
fn a_job_takes_100_servers_and_all_jobs_together_500() {
    let (mut bench, ids) = Bench::with(300);
    let refusal = bench.recover(&ids[..101], true).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (402, "ServiceQuotaExceededException"));
    assert_eq!(refusal.members["quotaCode"], "L-B827C881");
    assert_eq!(refusal.members["serviceCode"], "drs");
    for chunk in ids.chunks(100) {
        bench.recover(chunk, true).unwrap();
    }
    // 300 servers is as many as replicate here; what is stopped may be in a job too.
    let stopped = |index| {
        let mut spec = ServerSpec::named(&format!("old-{index}"));
        spec.start = super::super::Start::Stopped(bench.now);
        bench.drs.add_server(HOME, spec, bench.now).unwrap()
    };
    let more: Vec<String> = (0..201).map(stopped).collect();
    bench.recover(&more[..100], true).unwrap();
    bench.recover(&more[100..199], true).unwrap();
    let refusal = bench.recover(&more[199..], true).unwrap_err();
    assert_eq!(refusal.members["quotaCode"], "L-05AFA8C6");
    bench.recover(&more[199..200], true).unwrap();
}

#[test]
fn twenty_jobs_may_run_at_once() {
    let (mut bench, ids) = Bench::with(21);
    for id in &ids[..20] {
        bench.recover(std::slice::from_ref(id), true).unwrap();
    }
    let refusal = bench.recover(&ids[20..], true).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &json!("L-D88FAC3A")));
    bench.wait(HOUR);
    bench.recover(&ids[20..], true).unwrap();
}

#[test]
fn starting_answers_202_without_the_initiator() {
    let (mut bench, ids) = Bench::with(1);
    let body = json!({ "sourceServers": [{ "sourceServerID": ids[0] }], "tags": { "Plan": "Q1" } });
    let (status, answer) = bench.send(&bench.request("StartRecovery", body)).unwrap();
    assert_eq!(status, 202);
    assert_eq!(answer["job"].get("initiatedBy"), None);
    assert_eq!(answer["job"]["tags"], json!({ "Plan": "Q1" }));
    assert_eq!(answer["job"]["participatingServers"][0]["launchStatus"], "PENDING");
}

#[test]
fn terminating_ends_the_recovery_instances() {
    let (mut bench, ids) = Bench::with(2);
    bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let instance = bench.server(&ids[0])["recoveryInstanceId"].clone();
    let body = json!({ "recoveryInstanceIDs": [instance] });
    let answer = bench.ask("TerminateRecoveryInstances", body).unwrap();
    assert_eq!(answer["job"]["type"], "TERMINATE");
    bench.wait(600);
    let job = bench.job(answer["job"]["jobID"].as_str().unwrap());
    assert_eq!(job["initiatedBy"], "TERMINATE_RECOVERY_INSTANCES");
    assert_eq!(job["status"], "COMPLETED");
    assert_eq!(job["participatingServers"][0]["launchStatus"], "TERMINATED");
    let left = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(bench.server(&ids[0]).get("recoveryInstanceId"), None);
}

#[test]
fn a_launched_instance_gets_the_tags_of_its_server_when_told_to() {
    let (mut bench, ids) = Bench::with(1);
    let arn = bench.server(&ids[0])["arn"].clone();
    bench.ask("TagResource", json!({ "resourceArn": arn, "tags": { "Owner": "erp" } })).unwrap();
    let body = json!({ "sourceServerID": ids[0], "copyTags": true });
    assert_eq!(bench.ask("UpdateLaunchConfiguration", body).unwrap()["copyTags"], true);
    bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let instances = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(instances["items"][0]["tags"]["Owner"], "erp");
}

#[test]
fn a_job_is_deleted_only_when_it_is_over() {
    let (mut bench, ids) = Bench::with(1);
    let job = bench.recover(&ids, true).unwrap();
    let body = json!({ "jobID": job });
    assert_eq!(bench.ask("DeleteJob", body.clone()).unwrap_err().code, "ConflictException");
    bench.wait(HOUR);
    bench.ask("DeleteJob", body).unwrap();
    assert_eq!(bench.ask("DescribeJobs", json!({})).unwrap(), json!({ "items": [] }));
}

#[test]
fn launches_fail_by_chance_as_often_as_told() {
    let (mut bench, ids) = Bench::with(100);
    bench.drs.configure(HOME, Settings { failures: 0.2, ..Settings::default() });
    let job = bench.recover(&ids, true).unwrap();
    bench.wait(HOUR);
    let shown = bench.job(&job);
    let servers = shown["participatingServers"].as_array().unwrap().iter();
    let failed = servers.filter(|server| server["launchStatus"] == "FAILED").count();
    assert!((8..35).contains(&failed), "{failed}");
}
