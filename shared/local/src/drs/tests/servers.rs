use super::*;
use crate::drs::Start;

#[test]
fn the_three_hundred_and_first_replicating_server_is_refused() {
    let (mut bench, ids) = Bench::with(300);
    let refusal = bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &json!("L-C1D14A2B")));
    bench.ask("StopReplication", json!({ "sourceServerID": ids[0] })).unwrap();
    bench.drs.add_server(HOME, ServerSpec::named("one-more"), bench.now).unwrap();
    let refusal = bench.ask("StartReplication", json!({ "sourceServerID": ids[0] })).unwrap_err();
    assert_eq!(refusal.code, "ServiceQuotaExceededException");
}

#[test]
fn a_stopped_server_starts_again_from_the_beginning() {
    let (mut bench, ids) = Bench::with(1);
    let answer = bench.ask("StopReplication", json!({ "sourceServerID": ids[0] })).unwrap();
    assert_eq!(answer["sourceServer"]["dataReplicationInfo"]["dataReplicationState"], "STOPPED");
    let answer = bench.ask("StartReplication", json!({ "sourceServerID": ids[0] })).unwrap();
    assert_eq!(answer["sourceServer"]["dataReplicationInfo"]["dataReplicationState"], "INITIATING");
}

#[test]
fn a_server_is_deleted_only_after_it_was_disconnected() {
    let (mut bench, ids) = Bench::with(1);
    let body = json!({ "sourceServerID": ids[0] });
    let refusal = bench.ask("DeleteSourceServer", body.clone()).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "ConflictException"));
    let server = bench.ask("DisconnectSourceServer", body.clone()).unwrap();
    let info = &server["dataReplicationInfo"];
    assert_eq!(info["dataReplicationState"], "DISCONNECTED");
    assert_eq!(info["replicatedDisks"][0]["totalStorageBytes"], 0);
    assert_eq!(info.get("lagDuration"), None);
    assert_eq!(bench.send(&bench.request("DeleteSourceServer", body.clone())).unwrap().0, 204);
    let refusal = bench.ask("DeleteSourceServer", body).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (404, "ResourceNotFoundException"));
}

#[test]
fn a_server_with_a_recovery_instance_cannot_be_disconnected() {
    let (mut bench, ids) = Bench::with(1);
    bench.recover(&ids, true).unwrap();
    bench.wait(3_600);
    let refusal = bench.ask("DisconnectSourceServer", json!({ "sourceServerID": ids[0] })).unwrap_err();
    assert_eq!(refusal.code, "ConflictException");
}

#[test]
fn stopped_and_disconnected_servers_take_no_place() {
    let (bench, _) = Bench::with(1);
    for start in [Start::Stopped(bench.now), Start::Disconnected(bench.now)] {
        let spec = ServerSpec { start, ..ServerSpec::named("idle") };
        bench.drs.add_server(HOME, spec, bench.now).unwrap();
    }
    let counted = bench.drs.servers(HOME, bench.now).iter().filter(|server| server.counts).count();
    assert_eq!(counted, 1);
}

#[test]
fn a_rate_limit_throttles_with_the_time_to_wait() {
    let (mut bench, _) = Bench::with(0);
    bench.drs.configure(HOME, Settings { calls_per_second: Some(2.0), ..Settings::default() });
    bench.ask("DescribeJobs", json!({})).unwrap();
    bench.ask("DescribeJobs", json!({})).unwrap();
    let refusal = bench.ask("DescribeJobs", json!({})).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (429, "ThrottlingException"));
    assert_eq!(refusal.headers, [("Retry-After".to_owned(), "1".to_owned())]);
    bench.wait(1);
    bench.ask("DescribeJobs", json!({})).unwrap();
}

#[test]
fn permissions_are_asked_for_each_server_and_for_tagging_the_job() {
    let (bench, _) = Bench::with(0);
    let body = json!({ "sourceServers": [{ "sourceServerID": "s-1" }], "tags": { "a": "b" } });
    let needs = bench.request("StartRecovery", body).needs();
    let arn = |rest: &str| format!("arn:aws:drs:{}:{}:{rest}", HOME.1, HOME.0);
    let expected = [
        ("drs:StartRecovery".to_owned(), arn("source-server/s-1")),
        ("drs:TagResource".to_owned(), arn("job/*")),
    ];
    assert_eq!(needs, expected);
    let needs = bench.request("DescribeSourceServers", json!({})).needs();
    assert_eq!(needs, [("drs:DescribeSourceServers".to_owned(), "*".to_owned())]);
}
