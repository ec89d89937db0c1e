//! What the paths are made of: one account, its servers, and what its bus sends.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::seen::ServerSeen;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::scene::Scene;

pub(super) const ACCOUNT: &str = "111122223333";
const DRS_REGION: &str = "us-west-2";
const SOURCE_REGION: &str = "us-east-1";

/// When the worlds begin.
pub(super) const BORN: i64 = 1_767_225_600;

/// The account, whose machines run in one Region and replicate into another.
pub(super) fn account() -> AccountRow {
    let region = |name: &str, drs| AccountRegion { region: name.parse().unwrap(), drs, source: !drs };
    AccountRow {
        id: ACCOUNT.parse().unwrap(),
        name: "erp-prod".to_owned(),
        alias: None,
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/drs-fleet"),
        external_id_secret: "drs-fleet/external-id".to_owned(),
        regions: vec![region(DRS_REGION, true), region(SOURCE_REGION, false)],
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
    }
}

/// Where it replicates.
pub(super) fn place() -> Place {
    Place { account: ACCOUNT.parse().unwrap(), region: DRS_REGION.parse().unwrap() }
}

/// An event's id and time, which no fault changes: `second` seconds into the hour before the worlds begin.
pub(super) fn early(second: i64) -> Timestamp {
    Timestamp::from_second(BORN - 3600 + second).unwrap()
}

/// Now, as the bus would print it.
pub(super) fn now(scene: &Scene) -> Timestamp {
    Timestamp::from_second(scene.world.now().as_second()).unwrap()
}

/// An event of a DRS Region.
pub(super) fn event(source: &str, kind: &str, time: Timestamp, resource: &str, detail: &Value) -> Value {
    let resources: Vec<_> = (!resource.is_empty()).then_some(resource).into_iter().collect();
    json!({
        "version": "0", "id": format!("{kind}/{resource}/{time}"), "source": source, "detail-type": kind,
        "account": ACCOUNT, "region": DRS_REGION, "time": time, "resources": resources, "detail": detail,
    })
}

/// The role of a place's account cannot be assumed.
pub(super) fn refuse(scene: &Scene, place: &Place) {
    let refusal = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "not authorized");
    scene.world.set_spoke_failure(place, Some(refusal));
}

pub(super) fn tick(scene: &Scene) -> Value {
    event("drs-fleet.schedule", "Sweep Tick", now(scene), "", &json!({}))
}

/// Somebody wants the place swept whether its interval is over or not.
pub(super) fn wish(scene: &Scene) -> Value {
    event("drs-fleet.schedule", "Sweep Place", now(scene), "", &json!({}))
}

/// The schedule asks for a sweep of the place.
pub(super) fn scheduled(scene: &Scene) -> Value {
    event("drs-fleet.schedule", "Sweep Place", now(scene), "", &json!({ "scheduled": true }))
}

pub(super) fn heartbeat(time: Timestamp) -> Value {
    event("drs-fleet.spoke", "Spoke Heartbeat", time, "", &json!({}))
}

pub(super) fn stalled(server: u8, state: &str, time: Timestamp) -> Value {
    let kind = "DRS Source Server Data Replication Stalled Change";
    event("aws.drs", kind, time, &arn(server), &json!({ "state": state }))
}

pub(super) fn snapshot(server: u8, time: Timestamp) -> Value {
    let detail = json!({ "DrsSnapshotID": "112233", "EbsSnapshotIDs": "445566" });
    event("aws.drs", "DRS PIT Snapshot Taken", time, &arn(server), &detail)
}

/// Somebody disconnects a server.
pub(super) fn disconnect(server: u8, time: Timestamp) -> Value {
    let mut call = api_call("DisconnectSourceServer", time, &json!(null));
    call["detail"]["requestParameters"] = json!({ "sourceServerID": server_id(server) });
    call
}

pub(super) fn api_call(name: &str, time: Timestamp, answer: &Value) -> Value {
    let detail = json!({ "eventName": name, "requestParameters": {}, "responseElements": answer });
    event("aws.drs", "AWS API Call via CloudTrail", time, "", &detail)
}

/// The tags of instance `n` after a change, in the Region where it runs.
pub(super) fn tags_changed(n: u8, version: u64, tags: &Value) -> Value {
    let resource = format!("arn:aws:ec2:{SOURCE_REGION}:{ACCOUNT}:instance/{}", instance(n));
    let detail = json!({
        "service": "ec2", "resource-type": "instance", "version": version, "tags": tags,
        "changed-tag-keys": ["owner"],
    });
    let time = early(i64::try_from(version).unwrap());
    let mut event = event("aws.tag", "Tag Change on Resource", time, &resource, &detail);
    event["region"] = SOURCE_REGION.into();
    event
}

pub(super) fn server_id(n: u8) -> String {
    format!("s-{n:017}")
}

pub(super) fn instance(n: u8) -> String {
    format!("i-{n:017}")
}

pub(super) fn arn(server: u8) -> String {
    format!("arn:aws:drs:{DRS_REGION}:{ACCOUNT}:source-server/{}", server_id(server))
}

/// Server `n`, which protects instance `n`, as DRS lists it.
pub(super) fn server(n: u8, state: &str) -> ServerSeen {
    ServerSeen {
        hostname: Some(format!("erp-{n}")),
        instance: Some(instance(n).parse().unwrap()),
        state: Some(state.to_owned()),
        ..ServerSeen::new(server_id(n).parse().unwrap(), arn(n))
    }
}
