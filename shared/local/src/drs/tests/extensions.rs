use super::*;
use crate::drs::site::Site;

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
    assert_eq!(bench.send(&request).unwrap_err().code, "ValidationException");
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

/// The target's server, extended from the staging account's only one.
fn extended() -> (Bench, String, String) {
    let (mut bench, arn) = staged();
    let answer = bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
    let id = answer["sourceServer"]["sourceServerID"].as_str().unwrap().to_owned();
    (bench, arn.rsplit('/').next().unwrap().to_owned(), id)
}

fn at_staging(bench: &Bench, change: impl FnOnce(&mut Site)) {
    change(&mut crate::world::lock(&bench.drs.site(STAGING.0, STAGING.1)));
}

#[test]
fn an_extended_server_shows_state_and_lag_of_its_staging_server() {
    let (mut bench, staging, id) = extended();
    assert_eq!(bench.state(&id), "CONTINUOUS");
    let now = bench.now;
    at_staging(&bench, |site| assert!(site.stall(&staging, "AGENT_NOT_SEEN", now).unwrap().is_some()));
    bench.wait(600);
    let info = bench.server(&id)["dataReplicationInfo"].clone();
    assert_eq!((&info["dataReplicationState"], &info["lagDuration"]), (&json!("STALLED"), &json!("PT10M")));
    assert_eq!(bench.drs.servers(HOME, bench.now)[0].state, "STALLED");
    let now = bench.now;
    at_staging(&bench, |site| assert!(site.recover(&staging, now).unwrap().is_some()));
    assert_eq!(bench.state(&id), "BACKLOG");
}

#[test]
fn how_an_extended_server_replicates_is_changed_in_its_staging_account_only() {
    let (mut bench, _, id) = extended();
    let now = bench.now;
    let site = bench.drs.site(HOME.0, HOME.1);
    let refusal = crate::world::lock(&site).stall(&id, "AGENT_NOT_SEEN", now).unwrap_err();
    assert_eq!(refusal.code, "ConflictException");
    let refusal = bench.ask("StopReplication", json!({ "sourceServerID": id })).unwrap_err();
    assert_eq!(refusal.code, "ConflictException");
}

#[test]
fn a_stall_for_silence_is_told_in_the_staging_account_only() {
    let (mut bench, staging, id) = extended();
    let now = bench.now;
    at_staging(&bench, |site| {
        site.change(&staging, "", |it| it.silence(Some(300), now)).unwrap();
    });
    bench.wait(600);
    assert_eq!(bench.state(&id), "STALLED");
    let told = bench.heard("DRS Source Server Data Replication Stalled Change");
    let staging = format!("arn:aws:drs:{}:{}:source-server/{staging}", STAGING.1, STAGING.0);
    assert_eq!(told.iter().map(|event| event.resources.clone()).collect::<Vec<_>>(), [[staging]]);
}

#[test]
fn a_revoked_role_is_an_extension_error_until_it_is_granted_again() {
    let (mut bench, _, id) = extended();
    bench.drs.distrust(STAGING.0, HOME.0);
    let area = bench.server(&id)["stagingArea"].clone();
    assert_eq!(area["status"], "EXTENSION_ERROR");
    assert!(area["errorMessage"].as_str().unwrap().contains("revoked"), "{area}");
    bench.drs.trust(STAGING.0, HOME.0);
    assert_eq!(bench.server(&id)["stagingArea"]["status"], "EXTENDED");
    bench.drs.break_extension(HOME, &id, "no reason").unwrap();
    assert_eq!(bench.server(&id)["stagingArea"]["errorMessage"], "no reason");
}

#[test]
fn a_server_whose_extension_broke_stays_as_it_was() {
    let (mut bench, staging, id) = extended();
    let now = bench.now;
    at_staging(&bench, |site| {
        site.change(&staging, "", |it| it.silence(Some(300), now)).unwrap();
    });
    assert_eq!(bench.state(&id), "CONTINUOUS");
    bench.drs.distrust(STAGING.0, HOME.0);
    bench.wait(600);
    assert_eq!(bench.state(&id), "CONTINUOUS");
    bench.drs.trust(STAGING.0, HOME.0);
    assert_eq!(bench.state(&id), "STALLED");
    let told = bench.heard("DRS Source Server Data Replication Stalled Change");
    assert_eq!(told.len(), 1);
}

#[test]
fn an_extended_server_has_the_tags_that_it_was_given_and_no_others() {
    let (mut bench, _) = Bench::with(0);
    bench.drs.initialize(STAGING);
    bench.drs.trust(STAGING.0, HOME.0);
    let mut ask = |given: Value| {
        let mut spec = ServerSpec::named("fra-web-18").continuous(bench.now);
        spec.tags = [("Owner".to_owned(), "staging".to_owned())].into();
        let id = bench.drs.add_server(STAGING, spec, bench.now).unwrap();
        let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", STAGING.1, STAGING.0);
        let body = json!({ "sourceServerArn": arn, "tags": given });
        bench.ask("CreateExtendedSourceServer", body).unwrap()["sourceServer"]["tags"].clone()
    };
    assert_eq!(ask(Value::Null), json!({}));
    assert_eq!(ask(json!({ "Owner": "target" })), json!({ "Owner": "target" }));
}

#[test]
fn extended_servers_count_to_the_total_and_never_to_those_that_replicate() {
    let (mut bench, arn) = staged();
    let add = |name: &str| bench.drs.add_server(STAGING, ServerSpec::named(name), bench.now).unwrap();
    let more = [add("fra-web-18"), add("fra-web-19")];
    bench.drs.set_quota(HOME, "L-C1D14A2B", Some(0)).unwrap();
    bench.drs.set_quota(HOME, "L-E28BE5E0", Some(2)).unwrap();
    let other = |id: &str| format!("{}/{id}", arn.rsplit_once('/').unwrap().0);
    bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": arn })).unwrap();
    bench.ask("CreateExtendedSourceServer", json!({ "sourceServerArn": other(&more[0]) })).unwrap();
    let body = json!({ "sourceServerArn": other(&more[1]) });
    let refusal = bench.ask("CreateExtendedSourceServer", body).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &json!("L-E28BE5E0")));
    assert_eq!(refusal.members["resourceType"], "SourceServer");
}

#[test]
fn what_is_extended_itself_and_what_does_not_replicate_is_treated_as_the_api_says() {
    let (mut bench, staging, id) = extended();
    // Extensible is what is not extended already, whatever its state.
    let spec = ServerSpec { start: crate::drs::Start::Stopped(bench.now), ..ServerSpec::named("idle") };
    bench.drs.add_server(STAGING, spec, bench.now).unwrap();
    let list = bench.ask("ListExtensibleSourceServers", json!({ "stagingAccountID": STAGING.0 })).unwrap();
    assert_eq!(list["items"][0]["hostname"], "idle");
    // From a third account, the extended server of the target is not offered.
    let third = ("777788889999", STAGING.1);
    bench.drs.initialize(third);
    bench.drs.trust(HOME.0, third.0);
    let mut request = bench.request("ListExtensibleSourceServers", json!({ "stagingAccountID": HOME.0 }));
    request.account = third.0.to_owned();
    assert_eq!(bench.send(&request).unwrap().1["items"], json!([]));
    let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", HOME.1, HOME.0);
    request = bench.request("CreateExtendedSourceServer", json!({ "sourceServerArn": arn }));
    request.account = third.0.to_owned();
    assert_eq!(bench.send(&request).unwrap_err().code, "ValidationException");
    assert_ne!(staging, id);
}

#[test]
fn pages_of_extensible_servers_and_of_staging_accounts_have_their_bounds() {
    let (mut bench, _) = staged();
    let cases = [("ListExtensibleSourceServers", 300), ("ListStagingAccounts", 50)];
    for (operation, most) in cases {
        let body = |most: u32| json!({ "stagingAccountID": STAGING.0, "maxResults": most });
        bench.ask(operation, body(most)).unwrap();
        assert_eq!(bench.ask(operation, body(most + 1)).unwrap_err().code, "ValidationException");
        assert_eq!(bench.ask(operation, body(0)).unwrap_err().code, "ValidationException");
    }
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
