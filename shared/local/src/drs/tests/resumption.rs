//! What becomes of replication after a failback from a server that replicates in another account.

use super::*;
use crate::drs::failback::FailbackState;

const STAGING: (&str, &str) = ("444455556666", "eu-central-1");
const STALLED: &str = "DRS Source Server Data Replication Stalled Change";

/// A server extended from a staging account, recovered and failed back; its id there and here.
fn failed_back(extended: bool) -> (Bench, String, String) {
    let (mut bench, own) = Bench::with(1);
    bench.drs.initialize(STAGING);
    bench.drs.configure(STAGING, Settings { restless: 0, ..Settings::default() });
    bench.drs.trust(STAGING.0, HOME.0);
    let spec = ServerSpec::named("fra-web-17").continuous(bench.now);
    let staging = bench.drs.add_server(STAGING, spec, bench.now).unwrap();
    let arn = format!("arn:aws:drs:{}:{}:source-server/{staging}", STAGING.1, STAGING.0);
    let answer = bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
    let target = answer["sourceServer"]["sourceServerID"].as_str().unwrap().to_owned();
    let recovered = if extended { &target } else { &own[0] };
    bench.wait(60);
    bench.recover(std::slice::from_ref(recovered), false).unwrap();
    bench.wait(3_600);
    let instance = bench.server(recovered)["recoveryInstanceId"].as_str().unwrap().to_owned();
    let ready = FailbackState::ReadyForLaunch;
    bench.alter(|site, now| site.change_failback(&instance, |it| it.turn(ready, now), now)).unwrap();
    bench.ask("StartFailbackLaunch", json!({ "recoveryInstanceIDs": [instance] })).unwrap();
    while bench.heard("DRS Recovery Instance Failback State Change").is_empty() {
        bench.wait(10);
    }
    (bench, staging, target)
}

fn state_there(bench: &Bench) -> (String, Option<String>) {
    let server = bench.drs.servers(STAGING, bench.now).remove(0);
    (server.state, server.error)
}

#[test]
fn the_agent_stops_after_a_failback_from_an_extended_server_and_replication_stalls() {
    let (mut bench, staging, target) = failed_back(true);
    assert_eq!(state_there(&bench), ("CONTINUOUS".to_owned(), None));
    bench.wait(600);
    assert_eq!(state_there(&bench), ("STALLED".to_owned(), Some("AGENT_NOT_SEEN".to_owned())));
    assert_eq!(bench.state(&target), "STALLED");
    let told = bench.heard(STALLED);
    assert_eq!(told.len(), 1);
    assert!(told[0].resources[0].ends_with(&staging), "{told:?}");
    bench.wait(7 * 86_400);
    assert_eq!(state_there(&bench).0, "STALLED");
}

#[test]
fn replication_goes_on_once_somebody_has_reinstalled_the_agent() {
    let (mut bench, staging, target) = failed_back(true);
    bench.wait(7_200);
    bench.alter_at(STAGING, |site, now| site.reinstall(&staging, now)).unwrap();
    assert_eq!(state_there(&bench), ("RESCAN".to_owned(), None));
    let told: Vec<_> = bench.heard(STALLED).iter().map(|event| event.detail["state"].clone()).collect();
    assert_eq!(told, ["STALLED", "NOT_STALLED"]);
    bench.wait(3_600);
    assert_eq!((state_there(&bench).0.as_str(), bench.state(&target).as_str()), ("CONTINUOUS", "CONTINUOUS"));
}

#[test]
fn an_agent_that_is_reinstalled_before_anybody_noticed_never_stalls() {
    let (mut bench, staging, _) = failed_back(true);
    bench.alter_at(STAGING, |site, now| site.reinstall(&staging, now)).unwrap();
    bench.wait(7_200);
    assert!(bench.heard(STALLED).is_empty());
}

#[test]
fn a_failback_from_a_server_of_the_account_itself_stops_no_agent() {
    let (mut bench, _, _) = failed_back(false);
    bench.wait(7_200);
    assert!(bench.heard(STALLED).is_empty());
    assert!(bench.drs.servers(HOME, bench.now).iter().all(|server| server.state == "CONTINUOUS"));
}
