use super::*;
use crate::drs::instance::Power;

/// `count` servers, recovered in a drill just now, and their recovery instances in the order of the servers.
fn recovered(count: usize) -> (Bench, Vec<String>, Vec<String>) {
    let (mut bench, ids) = Bench::with(count);
    bench.recover(&ids, true).unwrap();
    while bench.heard("DRS Source Server Launch Result").len() < count {
        bench.wait(1);
    }
    let instances = bench.drs.servers(HOME, bench.now).into_iter();
    let mut instances: Vec<_> = instances.map(|view| (view.id, view.recovery_instance.unwrap())).collect();
    instances.sort_by_key(|(server, _)| ids.iter().position(|id| id == server));
    (bench, ids, instances.into_iter().map(|(_, instance)| instance).collect())
}

fn turn(bench: &mut Bench, id: &str, power: Power) {
    bench
        .alter(|site, now| {
            site.instance(id)?.turn(power, now);
            Ok(None)
        })
        .unwrap();
}

fn shown(bench: &mut Bench, id: &str) -> Value {
    let body = json!({ "filters": { "recoveryInstanceIDs": [id] } });
    bench.ask("DescribeRecoveryInstances", body).unwrap()["items"][0].clone()
}

/// The states of a recovery instance, looked at every `step` seconds, each once.
fn states(bench: &mut Bench, id: &str, (step, times): (i64, usize)) -> Vec<String> {
    let mut states = Vec::new();
    for _ in 0..times {
        states.push(shown(bench, id)["ec2InstanceState"].as_str().unwrap_or("gone").to_owned());
        bench.wait(step);
    }
    states.dedup();
    states
}

#[test]
fn a_launched_instance_is_pending_before_it_runs() {
    let (mut bench, _, instances) = recovered(1);
    assert_eq!(states(&mut bench, &instances[0], (5, 10)), ["PENDING", "RUNNING"]);
}

#[test]
fn an_instance_that_somebody_stops_and_starts_shows_every_state_on_the_way() {
    let (mut bench, _, instances) = recovered(1);
    bench.wait(60);
    turn(&mut bench, &instances[0], Power::Stopping);
    assert_eq!(states(&mut bench, &instances[0], (10, 10)), ["STOPPING", "STOPPED"]);
    let stopped = shown(&mut bench, &instances[0])["failback"]["agentLastSeenByServiceDateTime"].clone();
    bench.wait(60);
    assert_eq!(shown(&mut bench, &instances[0])["failback"]["agentLastSeenByServiceDateTime"], stopped);
    turn(&mut bench, &instances[0], Power::Pending);
    assert_eq!(states(&mut bench, &instances[0], (5, 10)), ["PENDING", "RUNNING"]);
}

#[test]
fn an_instance_that_is_terminated_behind_the_back_of_drs_stays_listed_until_it_is_deleted() {
    let (mut bench, ids, instances) = recovered(1);
    turn(&mut bench, &instances[0], Power::ShuttingDown);
    let states = states(&mut bench, &instances[0], (30, 130));
    assert_eq!(states, ["SHUTTING-DOWN", "TERMINATED", "NOT_FOUND"]);
    assert_eq!(bench.server(&ids[0])["recoveryInstanceId"], instances[0].as_str());
    let body = json!({ "recoveryInstanceID": instances[0] });
    bench.ask("DisconnectRecoveryInstance", body.clone()).unwrap();
    assert_eq!(
        shown(&mut bench, &instances[0])["dataReplicationInfo"]["dataReplicationState"],
        "DISCONNECTED"
    );
    bench.ask("DeleteRecoveryInstance", body).unwrap();
    assert_eq!(shown(&mut bench, &instances[0]), Value::Null);
    assert_eq!(bench.server(&ids[0]).get("recoveryInstanceId"), None);
}

#[test]
fn an_instance_that_drs_terminates_shuts_down_and_is_gone() {
    let (mut bench, _, instances) = recovered(1);
    bench.wait(60);
    bench.ask("TerminateRecoveryInstances", json!({ "recoveryInstanceIDs": instances })).unwrap();
    let states = states(&mut bench, &instances[0], (1, 200));
    assert_eq!((states[0].as_str(), states[1].as_str()), ("RUNNING", "SHUTTING-DOWN"));
    assert_eq!(states.last().unwrap(), "gone");
}

#[test]
fn what_is_gone_in_ec2_can_still_be_terminated_in_drs() {
    let (mut bench, _, instances) = recovered(1);
    turn(&mut bench, &instances[0], Power::ShuttingDown);
    bench.wait(7_200);
    let job = bench.ask("TerminateRecoveryInstances", json!({ "recoveryInstanceIDs": instances })).unwrap();
    bench.wait(600);
    let job = bench.job(job["job"]["jobID"].as_str().unwrap());
    assert_eq!(job["participatingServers"][0]["launchStatus"], "TERMINATED");
    assert_eq!(shown(&mut bench, &instances[0]), Value::Null);
}

#[test]
fn a_deletion_waits_for_the_job_that_launched_the_instance() {
    let (mut bench, _, instances) = recovered(2);
    let body = json!({ "recoveryInstanceID": instances[0] });
    bench.ask("DisconnectRecoveryInstance", body.clone()).unwrap();
    assert_eq!(bench.ask("DeleteRecoveryInstance", body.clone()).unwrap_err().code, "ConflictException");
    bench.wait(60);
    bench.ask("DeleteRecoveryInstance", body).unwrap();
}
