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
    let (mut bench, ids) = Bench::with(1);
    bench.recover(&ids, true).unwrap();
    let refusal = bench.recover(&ids, true).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "ConflictException"));
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
