use super::*;

const STAGING: (&str, &str) = ("444455556666", "eu-central-1");

/// A staging account with one server that the target may extend.
fn staged() -> (Bench, String) {
    let (bench, _) = Bench::with(0);
    bench.drs.initialize(STAGING);
    bench.drs.trust(STAGING.0, HOME.0);
    let spec = ServerSpec::named("fra-web-17").continuous(bench.now);
    let id = bench.drs.add_server(STAGING, spec, bench.now).unwrap();
    let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", STAGING.1, STAGING.0);
    (bench, arn)
}

#[test]
fn an_extended_server_replicates_elsewhere_and_takes_no_place_here() {
    let (mut bench, arn) = staged();
    let request = bench.request("CreateExtendedSourceServer", json!({ "sourceServerArn": arn }));
    let (status, answer) = bench.send(&request).unwrap();
    assert_eq!((status, answer["sourceServer"].get("stagingArea")), (201, None));
    assert_eq!(answer["sourceServer"]["dataReplicationInfo"]["dataReplicationState"], "INITIATING");
    let server = bench.server(answer["sourceServer"]["sourceServerID"].as_str().unwrap());
    let staging = json!({
        "status": "EXTENDED", "stagingAccountID": STAGING.0, "stagingSourceServerArn": arn,
    });
    assert_eq!(server["stagingArea"], staging);
    assert!(!bench.drs.servers(HOME, bench.now)[0].counts);
    let accounts = bench.ask("ListStagingAccounts", json!({})).unwrap();
    assert_eq!(accounts, json!({ "accounts": [{ "accountID": STAGING.0 }] }));
    assert_eq!(bench.send(&request).unwrap_err().code, "ConflictException");
}

#[test]
fn what_can_be_extended_is_listed_until_it_is() {
    let (mut bench, arn) = staged();
    let body = json!({ "stagingAccountID": STAGING.0 });
    let list = bench.ask("ListExtensibleSourceServers", body.clone()).unwrap();
    assert_eq!(list["items"], json!([{ "hostname": "fra-web-17", "arn": arn, "tags": {} }]));
    bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
    let list = bench.ask("ListExtensibleSourceServers", body).unwrap();
    assert_eq!(list["items"], json!([]));
}

#[test]
fn without_trust_nothing_is_listed_or_extended() {
    let (mut bench, _) = staged();
    bench.drs.initialize(("777788889999", STAGING.1));
    let body = json!({ "stagingAccountID": "777788889999" });
    let refusal = bench.ask("ListExtensibleSourceServers", body).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "AccessDeniedException"));
}

#[test]
fn deleting_the_staging_server_breaks_the_extension() {
    let (mut bench, arn) = staged();
    let answer = bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
    let mut request =
        bench.request("DisconnectSourceServer", json!({ "sourceServerID": arn.rsplit('/').next() }));
    request.account = STAGING.0.to_owned();
    bench.send(&request).unwrap();
    request.operation = "DeleteSourceServer".to_owned();
    bench.send(&request).unwrap();
    let server = bench.server(answer["sourceServer"]["sourceServerID"].as_str().unwrap());
    assert_eq!(server["stagingArea"]["status"], "EXTENSION_ERROR");
    assert!(server["stagingArea"]["errorMessage"].is_string());
}
