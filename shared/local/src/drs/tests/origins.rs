use super::*;
use crate::drs::InitiatedBy;
use crate::drs::job::Job;

const HOUR: i64 = 3_600;
const STAGING: (&str, &str) = ("444455556666", "eu-central-1");

/// Starts a job as no API call does.
fn begin(bench: &Bench, by: InitiatedBy, ids: &[String]) -> Result<Job, Refusal> {
    bench.drs.begin_job(HOME, ids, (by, std::collections::BTreeMap::new(), bench.now))
}

fn recovery_instance(bench: &mut Bench, id: &str) -> String {
    bench.server(id)["recoveryInstanceId"].as_str().unwrap().to_owned()
}

fn network(bench: &mut Bench, vpc: &str) -> String {
    let body = json!({ "vpcID": vpc, "originAccountID": HOME.0, "originRegion": "eu-west-1" });
    bench.ask("CreateSourceNetwork", body).unwrap()["sourceNetworkID"].as_str().unwrap().to_owned()
}

#[test]
fn every_origin_is_shown_with_the_type_of_its_jobs() {
    let (mut bench, ids) = Bench::with(5);
    bench.recover(&ids[3..], false).unwrap();
    bench.wait(HOUR);
    let instances = [recovery_instance(&mut bench, &ids[3]), recovery_instance(&mut bench, &ids[4])];
    let networks = ["vpc-11111111", "vpc-22222222", "vpc-33333333"].map(|vpc| network(&mut bench, vpc));
    let cases = [
        (InitiatedBy::StartDrill, &ids[0], "START_DRILL", "LAUNCH"),
        (InitiatedBy::StartRecovery, &ids[1], "START_RECOVERY", "LAUNCH"),
        (InitiatedBy::Diagnostic, &ids[2], "DIAGNOSTIC", "LAUNCH"),
        (InitiatedBy::Failback, &instances[0], "FAILBACK", "LAUNCH"),
        (InitiatedBy::TerminateRecoveryInstances, &instances[1], "TERMINATE_RECOVERY_INSTANCES", "TERMINATE"),
        (InitiatedBy::TargetAccount, &ids[0], "TARGET_ACCOUNT", "CREATE_CONVERTED_SNAPSHOT"),
        (InitiatedBy::CreateNetworkRecovery, &networks[0], "CREATE_NETWORK_RECOVERY", "LAUNCH"),
        (InitiatedBy::UpdateNetworkRecovery, &networks[1], "UPDATE_NETWORK_RECOVERY", "LAUNCH"),
        (InitiatedBy::AssociateNetworkRecovery, &networks[2], "ASSOCIATE_NETWORK_RECOVERY", "LAUNCH"),
    ];
    for (by, id, initiator, kind) in cases {
        let job = begin(&bench, by, std::slice::from_ref(id)).unwrap();
        let shown = bench.job(&job.id);
        assert_eq!((&shown["initiatedBy"], &shown["type"]), (&json!(initiator), &json!(kind)));
    }
    bench.wait(HOUR);
    let jobs = bench.ask("DescribeJobs", json!({})).unwrap();
    assert!(jobs["items"].as_array().unwrap().iter().all(|job| job["status"] == "COMPLETED"), "{jobs}");
}

#[test]
fn a_drill_of_a_recovery_plan_is_a_drill_that_no_trail_records() {
    let (mut bench, ids) = Bench::with(2);
    for id in &ids {
        begin(&bench, InitiatedBy::StartDrill, std::slice::from_ref(id)).unwrap();
    }
    bench.wait(HOUR);
    assert!(bench.heard("AWS API Call via CloudTrail").is_empty());
    assert_eq!(bench.heard("DRS Source Server Launch Result").len(), 2);
    assert_eq!(bench.server(&ids[0])["lifeCycle"]["lastLaunch"]["initiated"]["type"], "DRILL");
}

#[test]
fn a_diagnostic_launch_is_neither_told_nor_kept_nor_counted_as_a_drill() {
    let (mut bench, ids) = Bench::with(1);
    let job = begin(&bench, InitiatedBy::Diagnostic, &ids).unwrap();
    assert_eq!(begin(&bench, InitiatedBy::StartDrill, &ids).unwrap_err().code, "ConflictException");
    bench.wait(HOUR);
    assert_eq!(bench.job(&job.id)["participatingServers"][0]["launchStatus"], "LAUNCHED");
    assert!(bench.heard.is_empty());
    assert_eq!(bench.ask("DescribeRecoveryInstances", json!({})).unwrap()["items"], json!([]));
    assert_eq!(bench.server(&ids[0])["lastLaunchResult"], "NOT_STARTED");
}

/// Two servers of the account itself and two that are extended into it, and their staging servers.
fn extended() -> (Bench, Vec<String>, Vec<String>) {
    let (mut bench, mut ids) = Bench::with(2);
    bench.drs.initialize(STAGING);
    bench.drs.trust(STAGING.0, HOME.0);
    let mut staging = Vec::new();
    for name in ["fra-web-17", "fra-web-18"] {
        let spec = ServerSpec::named(name).continuous(bench.now);
        let id = bench.drs.add_server(STAGING, spec, bench.now).unwrap();
        let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", STAGING.1, STAGING.0);
        let answer = bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
        ids.push(answer["sourceServer"]["sourceServerID"].as_str().unwrap().to_owned());
        staging.push(id);
    }
    bench.wait(10);
    (bench, ids, staging)
}

#[test]
fn recovering_extended_servers_makes_one_job_in_their_staging_account() {
    let (mut bench, ids, staging) = extended();
    bench.recover(&ids, true).unwrap();
    let there = bench.drs.jobs(STAGING);
    assert_eq!(there.len(), 1);
    let named: Vec<_> = there[0].servers.iter().map(|server| server.server.clone()).collect();
    assert_eq!(named, staging);
    bench.wait(HOUR);
    let mut request = bench.request("DescribeJobs", json!({}));
    request.account = STAGING.0.to_owned();
    let job = bench.send(&request).unwrap().1["items"][0].clone();
    assert_eq!(
        (&job["type"], &job["initiatedBy"], &job["status"]),
        (&json!("CREATE_CONVERTED_SNAPSHOT"), &json!("TARGET_ACCOUNT"), &json!("COMPLETED"))
    );
    assert!(job["participatingServers"].as_array().unwrap().iter().all(|s| s["launchStatus"] == "LAUNCHED"));
    request.operation = "DescribeJobLogItems".to_owned();
    request.body = json!({ "jobID": job["jobID"] });
    let log = bench.send(&request).unwrap().1.to_string();
    assert!(log.contains("CONVERSION_END") && !log.contains("LAUNCH_START"), "{log}");
}

#[test]
fn a_job_that_another_account_wants_tells_nothing_where_it_runs() {
    let (mut bench, ids, _) = extended();
    bench.recover(&ids, false).unwrap();
    bench.wait(HOUR);
    let told = bench.heard("DRS Source Server Launch Result");
    let about: Vec<_> = told.iter().map(|event| event.resources[0].clone()).collect();
    assert_eq!(about.len(), 4);
    assert!(about.iter().all(|arn| arn.contains(HOME.0)), "{about:?}");
}

#[test]
fn own_servers_diagnostics_and_broken_extensions_make_no_job_elsewhere() {
    let (mut bench, ids, _) = extended();
    bench.recover(&ids[..2], true).unwrap();
    begin(&bench, InitiatedBy::Diagnostic, &ids[2..3]).unwrap();
    bench.drs.distrust(STAGING.0, HOME.0);
    bench.recover(&ids[3..], true).unwrap();
    assert!(bench.drs.jobs(STAGING).is_empty());
}
