use super::*;
use crate::drs::failback::FailbackState;

/// The record of the last call.
fn record(bench: &Bench) -> Value {
    bench.heard("AWS API Call via CloudTrail").last().unwrap().detail.clone()
}

/// Holds the record of the last call to its name, parameters and response.
fn assert_recorded(bench: &Bench, name: &str, parameters: &Value, response: &Value) {
    let record = record(bench);
    assert_eq!((&record["eventName"], &record["eventSource"]), (&json!(name), &json!("drs.amazonaws.com")));
    assert_eq!((&record["requestParameters"], &record["responseElements"]), (parameters, response), "{name}");
    assert_eq!((record.get("errorCode"), record.get("errorMessage")), (None, None));
    let (who, account) = (&record["userIdentity"], &record["recipientAccountId"]);
    assert_eq!((&who["type"], account), (&json!("AssumedRole"), &json!(HOME.0)));
    assert!(record["sourceIPAddress"].as_str().unwrap().parse::<std::net::IpAddr>().is_ok());
}

#[test]
fn the_calls_that_make_and_delete_jobs_are_recorded_with_all_that_was_asked_and_answered() {
    let (mut bench, ids) = Bench::with(2);
    let tags = json!({ "drs-fleet:plan": "q1" });
    let servers: Vec<Value> = ids.iter().map(|id| json!({ "sourceServerID": id })).collect();
    let body = json!({ "sourceServers": servers, "isDrill": true, "tags": tags });
    let started = bench.ask("StartRecovery", body.clone()).unwrap();
    assert_recorded(&bench, "StartRecovery", &body, &started);
    assert_eq!(started["job"]["tags"], tags);
    bench.wait(3_600);
    let instances = ids.iter().map(|id| bench.server(id)["recoveryInstanceId"].clone()).collect::<Vec<_>>();
    let ready = FailbackState::ReadyForLaunch;
    let id = instances[1].as_str().unwrap();
    bench.alter(|site, now| site.change_failback(id, |it| it.turn(ready, now), now)).unwrap();
    for (operation, instance) in
        [("TerminateRecoveryInstances", &instances[0]), ("StartFailbackLaunch", &instances[1])]
    {
        let body = json!({ "recoveryInstanceIDs": [instance] });
        let answer = bench.ask(operation, body.clone()).unwrap();
        assert!(answer["job"]["jobID"].as_str().unwrap().starts_with("drsjob-"));
        assert_recorded(&bench, operation, &body, &answer);
    }
    let body = json!({ "jobID": started["job"]["jobID"] });
    bench.ask("DeleteJob", body.clone()).unwrap();
    assert_recorded(&bench, "DeleteJob", &body, &Value::Null);
}

#[test]
fn a_network_recovery_is_recorded_like_them() {
    let (mut bench, _) = Bench::with(0);
    let body = json!({ "vpcID": "vpc-0a1b2c3d", "originAccountID": HOME.0, "originRegion": "eu-west-1" });
    let id = bench.ask("CreateSourceNetwork", body).unwrap()["sourceNetworkID"].clone();
    let body = json!({ "sourceNetworks": [{ "sourceNetworkID": id }], "deployAsNew": true });
    let answer = bench.ask("StartSourceNetworkRecovery", body.clone()).unwrap();
    assert_recorded(&bench, "StartSourceNetworkRecovery", &body, &answer);
}

#[test]
fn each_caller_has_an_address_and_a_service_calls_in_its_own_name() {
    let (mut bench, ids) = Bench::with(3);
    let mut call = |id: &str, principal: Option<Principal>| {
        let body = json!({ "sourceServers": [{ "sourceServerID": id }] });
        let mut request = bench.request("StartRecovery", body);
        request.principal = principal.unwrap_or(request.principal);
        bench.send(&request).unwrap();
        record(&bench)
    };
    let worker = call(&ids[0], None);
    let person = call(&ids[1], Some(Principal::Operator { account: HOME.0.to_owned() }));
    assert_ne!(worker["sourceIPAddress"], person["sourceIPAddress"]);
    assert_eq!(person["userIdentity"]["arn"], format!("arn:aws:iam::{}:root", HOME.0));
    let service = call(
        &ids[2],
        Some(Principal::Service {
            name: "ssm.amazonaws.com".to_owned(),
            source_arn: String::new(),
            source_account: HOME.0.to_owned(),
        }),
    );
    assert_eq!(service["userIdentity"], json!({ "type": "AWSService", "invokedBy": "ssm.amazonaws.com" }));
    assert_eq!(service["sourceIPAddress"], "ssm.amazonaws.com");
}

#[test]
fn every_kind_of_refusal_is_recorded_with_its_code_and_nothing_answered() {
    let (mut bench, ids) = Bench::with(2);
    bench.drs.set_quota(HOME, "L-B827C881", Some(1)).unwrap();
    let members = |ids: &[String]| ids.iter().map(|id| json!({ "sourceServerID": id })).collect::<Vec<_>>();
    bench.recover(&ids[..1], true).unwrap();
    let unknown = ["i-00000000000000000"];
    let cases = [
        ("StartRecovery", json!({ "sourceServers": members(&ids) }), "ServiceQuotaExceededException"),
        ("StartRecovery", json!({ "sourceServers": members(&ids[..1]) }), "ConflictException"),
        ("StartRecovery", json!({ "sourceServers": [] }), "ValidationException"),
        (
            "TerminateRecoveryInstances",
            json!({ "recoveryInstanceIDs": unknown }),
            "ResourceNotFoundException",
        ),
        ("DeleteJob", json!({ "jobID": "drsjob-00000000000000000" }), "ResourceNotFoundException"),
    ];
    for (operation, body, code) in cases {
        let refusal = bench.ask(operation, body.clone()).unwrap_err();
        let record = record(&bench);
        assert_eq!((&record["errorCode"], refusal.code.as_str()), (&json!(code), code));
        assert_eq!(record["errorMessage"], refusal.message.as_str());
        assert_eq!((&record["requestParameters"], &record["responseElements"]), (&body, &Value::Null));
    }
}

#[test]
fn write_calls_become_cloudtrail_events_and_reads_do_not() {
    let (mut bench, ids) = Bench::with(1);
    bench.ask("DescribeJobs", json!({})).unwrap();
    assert!(bench.heard.is_empty());
    let job = bench.recover(&ids, true).unwrap();
    let record = bench.heard("AWS API Call via CloudTrail")[0].clone();
    assert!(record.resources.is_empty());
    let detail = &record.detail;
    assert_eq!((&detail["eventName"], &detail["readOnly"]), (&json!("StartRecovery"), &json!(false)));
    assert_eq!(detail["requestParameters"]["sourceServers"][0]["sourceServerID"], ids[0].as_str());
    assert_eq!(detail["responseElements"]["job"]["jobID"], job.as_str());
    assert_eq!(detail["eventTime"], "2026-03-02T08:00:00Z");
    let issuer = &detail["userIdentity"]["sessionContext"]["sessionIssuer"];
    assert_eq!(issuer["arn"], format!("arn:aws:iam::{}:role/drs-fleet-spoke", HOME.0));
    assert_eq!(issuer["userName"], "drs-fleet-spoke");
}

#[test]
fn a_refused_write_is_recorded_with_its_error() {
    let (mut bench, _) = Bench::with(0);
    bench.ask("StopReplication", json!({ "sourceServerID": "s-00000000000000000" })).unwrap_err();
    let detail = &bench.heard("AWS API Call via CloudTrail")[0].detail;
    assert_eq!(detail["errorCode"], "ResourceNotFoundException");
    assert_eq!(detail["responseElements"], Value::Null);
}

#[test]
fn what_policies_refuse_is_recorded_and_not_done() {
    let (bench, ids) = Bench::with(1);
    let request = bench.request("StopReplication", json!({ "sourceServerID": ids[0] }));
    let denied = || Err(Refusal::new(403, "AccessDeniedException", "no"));
    let (answer, events) = bench.drs.answer(&request, denied);
    assert_eq!(answer.unwrap_err().status, 403);
    assert_eq!(events[0].detail["errorCode"], "AccessDeniedException");
    assert_eq!(bench.drs.servers(HOME, bench.now)[0].state, "CONTINUOUS");
}
