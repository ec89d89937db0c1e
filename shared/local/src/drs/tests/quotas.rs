use super::*;

const REPLICATING: &str = "L-C1D14A2B";

fn refused(refusal: &Refusal) -> (u16, &Value, &Value, &Value) {
    let member = |name: &str| refusal.members.get(name).unwrap_or(&Value::Null);
    (refusal.status, member("serviceCode"), member("quotaCode"), member("resourceType"))
}

#[test]
fn an_applied_quota_is_the_one_in_force() {
    let (mut bench, ids) = Bench::with(2);
    bench.drs.set_quota(HOME, REPLICATING, Some(2)).unwrap();
    let refusal = bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap_err();
    let expected = (402, &json!("drs"), &json!(REPLICATING), &json!("SourceServer"));
    assert_eq!(refused(&refusal), expected);
    assert!(refusal.members["resourceId"].as_str().unwrap().starts_with("s-"));
    bench.ask("StopReplication", json!({ "sourceServerID": ids[0] })).unwrap();
    bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap();
    let refusal = bench.ask("StartReplication", json!({ "sourceServerID": ids[0] })).unwrap_err();
    assert_eq!((refused(&refusal), &refusal.members["resourceId"]), (expected, &json!(ids[0])));
    bench.drs.set_quota(HOME, REPLICATING, None).unwrap();
    bench.ask("StartReplication", json!({ "sourceServerID": ids[0] })).unwrap();
}

#[test]
fn a_quota_of_another_account_or_region_is_not_in_force_here() {
    let (bench, _) = Bench::with(1);
    bench.drs.set_quota((HOME.0, "us-west-2"), REPLICATING, Some(1)).unwrap();
    bench.drs.set_quota(("444455556666", HOME.1), REPLICATING, Some(1)).unwrap();
    bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap();
}

#[test]
fn each_quota_of_servers_and_jobs_is_refused_in_its_own_code() {
    let cases = [("L-B827C881", 1, 2), ("L-D88FAC3A", 1, 1), ("L-05AFA8C6", 2, 1)];
    for (code, limit, servers) in cases {
        let (mut bench, ids) = Bench::with(5);
        if code == "L-05AFA8C6" {
            bench.recover(&ids[3..], true).unwrap();
        } else if code == "L-D88FAC3A" {
            bench.recover(&ids[4..], true).unwrap();
        }
        bench.drs.set_quota(HOME, code, Some(limit)).unwrap();
        let refusal = bench.recover(&ids[..servers], true).unwrap_err();
        assert_eq!(refused(&refusal), (402, &json!("drs"), &json!(code), &json!("SourceServer")), "{code}");
    }
    let (bench, _) = Bench::with(1);
    bench.drs.set_quota(HOME, "L-E28BE5E0", Some(1)).unwrap();
    let refusal = bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap_err();
    assert_eq!(refusal.members["quotaCode"], "L-E28BE5E0");
    assert!(bench.drs.set_quota(HOME, "L-00000000", Some(1)).is_err());
}

#[test]
fn a_second_job_of_a_server_is_a_conflict_and_no_matter_of_quotas() {
    let (mut bench, ids) = Bench::with(3);
    bench.recover(&ids[..2], true).unwrap();
    // Not even when the servers would be too many as well.
    bench.drs.set_quota(HOME, "L-05AFA8C6", Some(1)).unwrap();
    bench.drs.set_quota(HOME, "L-D88FAC3A", Some(1)).unwrap();
    let refusal = bench.recover(&ids[1..], true).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "ConflictException"));
    assert_eq!((&refusal.members["resourceId"], refusal.members.get("quotaCode")), (&json!(ids[1]), None));
}

#[test]
fn jobs_of_every_kind_take_a_place_among_those_that_run() {
    let (mut bench, ids) = Bench::with(3);
    bench.recover(&ids[..2], true).unwrap();
    bench.wait(3_600);
    bench.drs.set_quota(HOME, "L-D88FAC3A", Some(1)).unwrap();
    let instance = bench.server(&ids[0])["recoveryInstanceId"].clone();
    bench.ask("TerminateRecoveryInstances", json!({ "recoveryInstanceIDs": [instance] })).unwrap();
    let refusal = bench.recover(&ids[2..], true).unwrap_err();
    assert_eq!(refusal.members["quotaCode"], "L-D88FAC3A");
    bench.wait(600);
    bench.recover(&ids[2..], true).unwrap();
}

#[test]
fn a_job_that_is_refused_leaves_nothing_behind() {
    let (mut bench, ids) = Bench::with(2);
    bench.drs.set_quota(HOME, "L-B827C881", Some(1)).unwrap();
    bench.recover(&ids, true).unwrap_err();
    let tags = json!({ "aws:reserved": "x" });
    let body = json!({ "sourceServers": [{ "sourceServerID": ids[0] }], "tags": tags });
    assert_eq!(bench.ask("StartRecovery", body).unwrap_err().code, "ValidationException");
    assert!(bench.drs.jobs(HOME).is_empty());
    assert_eq!(bench.server(&ids[0])["lastLaunchResult"], "NOT_STARTED");
}

#[test]
fn tags_that_a_job_is_started_with_are_its_own_and_may_be_changed() {
    let (mut bench, ids) = Bench::with(1);
    let tags = json!({ "drs-fleet:plan": "q1", "Owner": "dr-team" });
    let body = json!({ "sourceServers": [{ "sourceServerID": ids[0] }], "tags": tags });
    let job = bench.ask("StartRecovery", body).unwrap()["job"].clone();
    assert_eq!((&job["tags"], &bench.job(job["jobID"].as_str().unwrap())["tags"]), (&tags, &tags));
    assert_eq!(bench.server(&ids[0])["tags"], json!({}));
    let body = json!({ "resourceArn": job["arn"], "tags": { "drs-fleet:plan": "q2" } });
    bench.ask("TagResource", body).unwrap();
    assert_eq!(bench.drs.jobs(HOME)[0].tags["drs-fleet:plan"], "q2");
}

#[test]
fn a_region_that_is_forgotten_is_not_initialised_until_it_is_again() {
    let (mut bench, _) = Bench::with(3);
    bench.drs.forget(HOME);
    for operation in ["DescribeSourceServers", "DescribeJobs", "ListStagingAccounts", "StartRecovery"] {
        let refusal = bench.ask(operation, json!({})).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "UninitializedAccountException"));
    }
    bench.ask("InitializeService", json!({})).unwrap();
    assert_eq!(bench.ask("DescribeSourceServers", json!({})).unwrap()["items"], json!([]));
}
