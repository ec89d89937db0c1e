use super::*;
use crate::drs::{LaunchFailure, LaunchPhase};

fn create(bench: &mut Bench, vpc: &str) -> String {
    let body = json!({ "vpcID": vpc, "originAccountID": "444455556666", "originRegion": "eu-west-1" });
    bench.ask("CreateSourceNetwork", body).unwrap()["sourceNetworkID"].as_str().unwrap().to_owned()
}

fn recover(bench: &mut Bench, id: &str, more: Value) -> Result<Value, Refusal> {
    let mut body = more;
    body["sourceNetworks"] = json!([{ "sourceNetworkID": id }]);
    bench.ask("StartSourceNetworkRecovery", body).map(|answer| answer["job"].clone())
}

fn events_of(bench: &mut Bench, job: &Value) -> Vec<String> {
    let log = bench.ask("DescribeJobLogItems", json!({ "jobID": job["jobID"] })).unwrap();
    let items = log["items"].as_array().unwrap().iter();
    items.map(|item| item["event"].as_str().unwrap().to_owned()).collect()
}

fn shown(bench: &mut Bench, id: &str) -> Value {
    let body = json!({ "filters": { "sourceNetworkIDs": [id] } });
    bench.ask("DescribeSourceNetworks", body).unwrap()["items"][0].clone()
}

#[test]
fn a_recovery_of_a_network_is_a_job_of_a_resource_and_no_event_tells_it() {
    let (mut bench, _) = Bench::with(1);
    let id = create(&mut bench, "vpc-0a1b2c3d");
    let answer = recover(&mut bench, &id, json!({ "tags": { "Plan": "Q1" } })).unwrap();
    assert_eq!((answer.get("initiatedBy"), &answer["tags"]), (None, &json!({ "Plan": "Q1" })));
    bench.wait(3_600);
    let job = bench.job(answer["jobID"].as_str().unwrap());
    assert_eq!(
        (&job["initiatedBy"], &job["status"]),
        (&json!("CREATE_NETWORK_RECOVERY"), &json!("COMPLETED"))
    );
    let resource =
        json!({ "participatingResourceID": { "sourceNetworkID": id }, "launchStatus": "LAUNCHED" });
    assert_eq!(
        (&job["participatingResources"], &job["participatingServers"]),
        (&json!([resource]), &json!([]))
    );
    let expected = [
        "JOB_START",
        "DEPLOY_NETWORK_CONFIGURATION_START",
        "DEPLOY_NETWORK_CONFIGURATION_END",
        "UPDATE_LAUNCH_TEMPLATE_START",
        "UPDATE_LAUNCH_TEMPLATE_END",
        "JOB_END",
    ];
    assert_eq!(events_of(&mut bench, &job), expected);
    let kinds: Vec<_> = bench.heard.iter().map(|event| event.detail_type.as_str()).collect();
    assert_eq!(kinds, ["AWS API Call via CloudTrail"; 2], "creation and recovery");
    assert_eq!(bench.drs.jobs(HOME)[0].networks, [(id, "LAUNCHED".to_owned())]);
}

#[test]
fn a_network_that_was_deployed_is_updated_unless_it_is_to_be_deployed_anew() {
    let (mut bench, _) = Bench::with(0);
    let id = create(&mut bench, "vpc-0a1b2c3d");
    assert_eq!(shown(&mut bench, &id).get("lastRecovery"), None);
    let cases = [
        (json!({}), "CREATE_NETWORK_RECOVERY"),
        (json!({}), "UPDATE_NETWORK_RECOVERY"),
        (json!({ "deployAsNew": true }), "CREATE_NETWORK_RECOVERY"),
    ];
    for (body, initiator) in cases {
        let answer = recover(&mut bench, &id, body).unwrap();
        bench.wait(1_800);
        assert_eq!(bench.job(answer["jobID"].as_str().unwrap())["initiatedBy"], initiator);
        let last = shown(&mut bench, &id)["lastRecovery"].clone();
        assert_eq!((&last["lastRecoveryResult"], &last["jobID"]), (&json!("SUCCESS"), &answer["jobID"]));
    }
    assert!(shown(&mut bench, &id)["launchedVpcID"].as_str().unwrap().starts_with("vpc-"));
}

#[test]
fn a_deployment_that_fails_says_why() {
    let (mut bench, _) = Bench::with(0);
    let id = create(&mut bench, "vpc-0a1b2c3d");
    let raw_error = "no more VPCs".to_owned();
    bench.drs.fail_next_launch(HOME, &id, LaunchFailure { phase: LaunchPhase::Launch, raw_error });
    let answer = recover(&mut bench, &id, json!({})).unwrap();
    bench.wait(1_800);
    let job = bench.job(answer["jobID"].as_str().unwrap());
    assert_eq!(job["participatingResources"][0]["launchStatus"], "FAILED");
    assert_eq!(shown(&mut bench, &id)["lastRecovery"]["lastRecoveryResult"], "FAIL");
    let log = bench.ask("DescribeJobLogItems", json!({ "jobID": job["jobID"] })).unwrap();
    let failed = json!({
        "eventResourceData": { "sourceNetworkData": { "sourceNetworkID": id } }, "rawError": "no more VPCs",
    });
    assert_eq!(log["items"][2]["event"], "DEPLOY_NETWORK_CONFIGURATION_FAILED");
    assert_eq!(log["items"][2]["eventData"], failed);
}

#[test]
fn networks_are_listed_by_where_they_come_from_and_each_is_recovered_once_at_a_time() {
    let (mut bench, _) = Bench::with(0);
    let id = create(&mut bench, "vpc-0a1b2c3d");
    let twice = json!({ "vpcID": "vpc-0a1b2c3d", "originAccountID": HOME.0, "originRegion": "eu-west-1" });
    assert_eq!(bench.ask("CreateSourceNetwork", twice).unwrap_err().code, "ConflictException");
    for (region, found) in [("eu-west-1", 1), ("us-east-1", 0)] {
        let list = bench.ask("DescribeSourceNetworks", json!({ "filters": { "originRegion": region } }));
        assert_eq!(list.unwrap()["items"].as_array().unwrap().len(), found, "{region}");
    }
    let unknown = recover(&mut bench, "sn-00000000000000000", json!({})).unwrap_err();
    assert_eq!(unknown.code, "ValidationException");
    recover(&mut bench, &id, json!({})).unwrap();
    assert_eq!(recover(&mut bench, &id, json!({})).unwrap_err().code, "ConflictException");
}

#[test]
fn the_quotas_of_networks_and_of_jobs_hold_and_networks_take_no_place_of_servers() {
    let (mut bench, ids) = Bench::with(1);
    bench.drs.set_quota(HOME, "L-4B0323BD", Some(2)).unwrap();
    let networks = ["vpc-0a1b2c3d", "vpc-1a1b2c3d"].map(|vpc| create(&mut bench, vpc));
    let third = json!({ "vpcID": "vpc-2a1b2c3d", "originAccountID": HOME.0, "originRegion": "eu-west-1" });
    let refusal = bench.ask("CreateSourceNetwork", third).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &json!("L-4B0323BD")));
    bench.drs.set_quota(HOME, "L-05AFA8C6", Some(1)).unwrap();
    bench.drs.set_quota(HOME, "L-D88FAC3A", Some(2)).unwrap();
    recover(&mut bench, &networks[0], json!({})).unwrap();
    bench.recover(&ids, true).unwrap();
    let refusal = recover(&mut bench, &networks[1], json!({})).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &json!("L-D88FAC3A")));
}
