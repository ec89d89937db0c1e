use super::*;
use crate::drs::failback::FailbackState;
use crate::drs::spec::Origin;

const EVENT: &str = "DRS Recovery Instance Failback State Change";

fn recovered() -> (Bench, String) {
    let (mut bench, ids) = Bench::with(1);
    bench.recover(&ids, false).unwrap();
    bench.wait(3_600);
    let instance = bench.server(&ids[0])["recoveryInstanceId"].as_str().unwrap().to_owned();
    (bench, instance)
}

fn turn(bench: &mut Bench, instance: &str, state: FailbackState) {
    bench
        .alter(|site, now| site.change_failback(instance, |failback| failback.turn(state, now), now))
        .unwrap();
}

fn states(bench: &Bench) -> Vec<String> {
    bench.heard(EVENT).iter().map(|event| event.detail["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_failback_is_begun_becomes_ready_and_is_completed_by_a_job() {
    let (mut bench, instance) = recovered();
    let body = json!({ "recoveryInstanceIDs": [instance] });
    assert_eq!(bench.ask("StartFailbackLaunch", body.clone()).unwrap_err().code, "ConflictException");
    turn(&mut bench, &instance, FailbackState::InProgress);
    bench.wait(3_600);
    let shown = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(shown["items"][0]["failback"]["state"], "FAILBACK_READY_FOR_LAUNCH");
    let answer = bench.ask("StartFailbackLaunch", body).unwrap();
    bench.wait(3_600);
    assert_eq!(states(&bench), ["FAILBACK_IN_PROGRESS", "FAILBACK_COMPLETED"]);
    let job = bench.job(answer["job"]["jobID"].as_str().unwrap());
    assert_eq!((&job["initiatedBy"], &job["status"]), (&json!("FAILBACK"), &json!("COMPLETED")));
    assert!(bench.heard("DRS Source Server Launch Result").len() == 1, "the recovery's own result only");
}

#[test]
fn a_failback_can_be_stopped() {
    let (mut bench, instance) = recovered();
    turn(&mut bench, &instance, FailbackState::InProgress);
    bench.ask("StopFailback", json!({ "recoveryInstanceID": instance })).unwrap();
    let shown = bench.ask("DescribeRecoveryInstances", json!({})).unwrap();
    assert_eq!(shown["items"][0]["failback"]["state"], "FAILBACK_NOT_STARTED");
}

#[test]
fn replication_is_reversed_into_the_account_that_the_server_came_from() {
    let (mut bench, _) = Bench::with(0);
    let origin = ("444455556666", "eu-west-1");
    bench.drs.initialize(origin);
    let mut spec = ServerSpec::named("crm-app-02").continuous(bench.now);
    spec.machine.origin = Some(Origin {
        account: origin.0.to_owned(),
        region: origin.1.to_owned(),
        zone: "eu-west-1b".to_owned(),
        instance: "i-0123456789abcdef0".to_owned(),
        hinted: true,
    });
    let id = bench.drs.add_server(HOME, spec, bench.now).unwrap();
    bench.recover(std::slice::from_ref(&id), false).unwrap();
    bench.wait(3_600);
    let server = bench.server(&id);
    let body = json!({ "recoveryInstanceID": server["recoveryInstanceId"] });
    let answer = bench.ask("ReverseReplication", body).unwrap();
    let there = bench.drs.servers(origin, bench.now);
    assert_eq!(answer["reversedDirectionSourceServerArn"], there[0].arn.as_str());
    let mut request = bench.request("DescribeSourceServers", json!({}));
    (request.account, request.region) = (origin.0.to_owned(), origin.1.to_owned());
    let shown = bench.send(&request).unwrap().1["items"][0].clone();
    assert_eq!(shown["replicationDirection"], "FAILBACK");
    assert_eq!(shown["reversedDirectionSourceServerArn"], server["arn"]);
    assert_eq!(states(&bench), ["FAILBACK_IN_PROGRESS"]);
}

#[test]
fn a_recovery_instance_is_disconnected_before_it_is_deleted() {
    let (mut bench, instance) = recovered();
    let body = json!({ "recoveryInstanceID": instance });
    assert_eq!(bench.ask("DeleteRecoveryInstance", body.clone()).unwrap_err().code, "ConflictException");
    bench.ask("DisconnectRecoveryInstance", body.clone()).unwrap();
    bench.ask("DeleteRecoveryInstance", body).unwrap();
    assert_eq!(bench.ask("DescribeRecoveryInstances", json!({})).unwrap(), json!({ "items": [] }));
}

fn shown(bench: &mut Bench, instance: &str) -> Value {
    let body = json!({ "filters": { "recoveryInstanceIDs": [instance] } });
    bench.ask("DescribeRecoveryInstances", body).unwrap()["items"][0].clone()
}

#[test]
fn every_state_of_a_failback_is_shown_and_three_are_told() {
    let (mut bench, instance) = recovered();
    let cases = [
        (FailbackState::InProgress, "FAILBACK_IN_PROGRESS", "INITIAL_SYNC", None),
        (FailbackState::NotReadyForLaunch, "FAILBACK_NOT_READY_FOR_LAUNCH", "BACKLOG", Some("PT5M")),
        (FailbackState::ReadyForLaunch, "FAILBACK_READY_FOR_LAUNCH", "CONTINUOUS", Some("P0D")),
        (
            FailbackState::LaunchStateNotAvailable,
            "FAILBACK_LAUNCH_STATE_NOT_AVAILABLE",
            "REPLICATION_STATE_NOT_AVAILABLE",
            None,
        ),
        (FailbackState::Error, "FAILBACK_ERROR", "STALLED", Some("PT5M")),
        (FailbackState::Completed, "FAILBACK_COMPLETED", "STOPPED", None),
        (FailbackState::NotStarted, "FAILBACK_NOT_STARTED", "NOT_STARTED", None),
    ];
    for (state, name, replication, lag) in cases {
        turn(&mut bench, &instance, state);
        bench.wait(300);
        let shown = shown(&mut bench, &instance);
        assert_eq!(shown["failback"]["state"], name);
        let info = &shown["dataReplicationInfo"];
        assert_eq!(info["dataReplicationState"], replication, "{name}");
        assert_eq!(info.get("lagDuration"), lag.map(|lag| json!(lag)).as_ref(), "{name}");
    }
    assert_eq!(states(&bench), ["FAILBACK_IN_PROGRESS", "FAILBACK_ERROR", "FAILBACK_COMPLETED"]);
}

#[test]
fn a_failback_that_fails_says_why_and_lags_until_it_is_begun_again() {
    let (mut bench, instance) = recovered();
    turn(&mut bench, &instance, FailbackState::InProgress);
    let error = "FAILBACK_CLIENT_NOT_SEEN";
    bench
        .alter(|site, now| site.change_failback(&instance, |failback| failback.fail(error, now), now))
        .unwrap();
    bench.wait(5_400);
    let failed = shown(&mut bench, &instance);
    let info = &failed["dataReplicationInfo"];
    assert_eq!(
        (&info["dataReplicationError"]["error"], &info["lagDuration"]),
        (&json!(error), &json!("PT1H30M"))
    );
    assert!(info["dataReplicationError"]["rawError"].as_str().unwrap().contains(&instance), "{info}");
    turn(&mut bench, &instance, FailbackState::InProgress);
    assert_eq!(shown(&mut bench, &instance)["dataReplicationInfo"].get("dataReplicationError"), None);
    bench.wait(2_700);
    assert_eq!(shown(&mut bench, &instance)["failback"]["state"], "FAILBACK_READY_FOR_LAUNCH");
    assert_eq!(states(&bench), ["FAILBACK_IN_PROGRESS", "FAILBACK_ERROR", "FAILBACK_IN_PROGRESS"]);
}

#[test]
fn a_failback_keeps_when_it_was_begun_and_which_job_launches_it() {
    let (mut bench, instance) = recovered();
    let begun = super::super::stamp::date_time(bench.now);
    turn(&mut bench, &instance, FailbackState::InProgress);
    bench.wait(3_600);
    let answer = bench.ask("StartFailbackLaunch", json!({ "recoveryInstanceIDs": [instance] })).unwrap();
    let failback = shown(&mut bench, &instance)["failback"].clone();
    assert_eq!(failback["failbackInitiationTime"], begun.as_str());
    assert_eq!(failback["failbackJobID"], answer["job"]["jobID"]);
}

#[test]
fn a_failback_whose_launch_fails_is_an_error() {
    let (mut bench, instance) = recovered();
    turn(&mut bench, &instance, FailbackState::ReadyForLaunch);
    let server = shown(&mut bench, &instance)["sourceServerID"].as_str().unwrap().to_owned();
    bench.drs.fail_next_launches(HOME, &[server]);
    bench.ask("StartFailbackLaunch", json!({ "recoveryInstanceIDs": [instance] })).unwrap();
    bench.wait(3_600);
    assert_eq!(states(&bench), ["FAILBACK_ERROR"]);
    assert_eq!(shown(&mut bench, &instance)["failback"]["state"], "FAILBACK_ERROR");
}
