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
