//! What a history says, in AWS's words.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{
    JobSeen, JobServerSeen, RecoveryInstanceSeen, ServerSeen, Size, TaggedInstance,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::history::{BORN, Event, Job, Tells};
use super::model::AHEAD;
use super::shown::{Ail, Shown};
use crate::company::place;
use crate::wire::{self, Envelope};

/// Where the machines run.
pub(super) const SOURCE_REGION: &str = "us-east-1";

/// An account that nobody registered.
pub(super) const STRANGER: &str = "444455556666";

/// A server of a place as DRS lists it.
pub(super) fn seen(place: &Place, shown: Shown) -> ServerSeen {
    let n = shown.server;
    let mut seen = ServerSeen {
        hostname: Some(format!("erp-{n}")),
        instance: Some(instance(place, n).parse().unwrap()),
        state: Some(shown.state().to_owned()),
        ..ServerSeen::new(server_id(n).parse().unwrap(), arn(place, n))
    };
    match shown.ail {
        Some(Ail::Lags) => seen.progress.lag = Some(Duration::from_hours(2)),
        Some(Ail::Piles) => seen.progress.backlog = Some(20 << 30),
        Some(Ail::Unseen) => seen.last_seen = Timestamp::from_second(BORN - 3_600).ok(),
        Some(Ail::TooOld) => {
            seen.progress.lag = Some(Duration::from_mins(10));
            seen.tags.insert("drs-fleet:rpo".to_owned(), "5m".to_owned());
        }
        Some(Ail::ExtensionFails) => seen.staging.status = Some("EXTENSION_ERROR".to_owned()),
        Some(Ail::Disconnected | Ail::Rescans) | None => {}
    }
    seen
}

/// Id of server `n` of any place.
pub fn server_id(n: u8) -> String {
    format!("s-{n:017}")
}

/// Its machine.
pub(super) fn instance(place: &Place, n: u8) -> String {
    format!("i-{}{n:05}", place.account)
}

/// What a job launched, as DRS lists it: instances that nobody ends.
pub(super) fn launched(job: &Job) -> impl Iterator<Item = RecoveryInstanceSeen> + '_ {
    let well = job.servers.iter().filter(|(_, well)| job.over && *well);
    well.map(|(server, _)| RecoveryInstanceSeen {
        id: recovery_instance_id(job, *server).parse().unwrap(),
        server: server_id(*server).parse().ok(),
        job: job_id(&place(job.place.into()), job.number).parse().ok(),
        drill: Some(Job::is_drill(job.number)),
        state: Some("RUNNING".to_owned()),
        failback: Some(if job.fails_back { "FAILBACK_ERROR" } else { "FAILBACK_NOT_STARTED" }.to_owned()),
        failback_error: None,
        size: Size::default(),
    })
}

/// Id of the instance that a job launched of a server.
pub(super) fn recovery_instance_id(job: &Job, server: u8) -> String {
    format!("i-{}{:02}{server:03}", place(job.place.into()).account, job.number)
}

/// Id of job `number` of a place.
pub(super) fn job_id(place: &Place, number: u8) -> String {
    format!("drsjob-{}{number:05}", place.account)
}

/// A job as DRS lists it.
pub(super) fn job(job: &Job) -> JobSeen {
    let place = place(job.place.into());
    let server = |(n, well): &(u8, bool)| JobServerSeen {
        server: server_id(*n).parse().unwrap(),
        launch_status: Some(launch_status(job.over, *well).to_owned()),
        recovery_instance: None,
    };
    let initiated_by = if Job::is_drill(job.number) { "START_DRILL" } else { "START_RECOVERY" };
    let status = if job.over { "COMPLETED" } else { "STARTED" };
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some(initiated_by.to_owned()),
        created: Some(Timestamp::from_second(BORN).unwrap()),
        ended: job.over.then(|| Timestamp::from_second(BORN + 1).unwrap()),
        servers: job.servers.iter().map(server).collect(),
        ..JobSeen::new(job_id(&place, job.number).parse().unwrap(), status)
    }
}

/// What DRS calls it.
pub(super) fn launch_status(over: bool, well: bool) -> &'static str {
    match (over, well) {
        (false, _) => "IN_PROGRESS",
        (true, true) => "LAUNCHED",
        (true, false) => "FAILED",
    }
}

/// Its ARN.
pub(super) fn arn(place: &Place, n: u8) -> String {
    format!("arn:aws:drs:{}:{}:source-server/{}", place.region, place.account, server_id(n))
}

/// The message that an event comes as.
pub(super) fn body(event: &Event) -> String {
    let place = match event.tells {
        Tells::Stranger => Place { account: STRANGER.parse().unwrap(), ..place(0) },
        _ => place(event.place.into()),
    };
    let at = |second: i64| Timestamp::from_second(BORN + second).unwrap();
    let stall = |server: u8, stalled: bool, time: Timestamp| {
        let state = if stalled { "STALLED" } else { "NOT_STALLED" };
        let kind = "DRS Source Server Data Replication Stalled Change";
        about(event, &place, (server, kind), time, &State { state })
    };
    let time = at(event.at);
    let other = |kind, detail| written(&wire::event(&event.number.to_string(), &place, kind, time, &detail));
    match event.tells {
        Tells::Stalled(server, is) => stall(server, is, time),
        Tells::Ahead(server) => stall(server, true, at(event.at + AHEAD)),
        Tells::Stranger => stall(0, true, time),
        Tells::Snapshot(server) => {
            let detail = json!({ "DrsSnapshotID": "112233", "EbsSnapshotIDs": "445566" });
            about(event, &place, (server, "DRS PIT Snapshot Taken"), time, &detail)
        }
        Tells::Disconnect(server) => {
            let parameters = json!({ "sourceServerID": server_id(server) });
            let detail = json!({
                "eventName": "DisconnectSourceServer", "requestParameters": parameters, "responseElements": null,
            });
            other(("aws.drs", "AWS API Call via CloudTrail"), detail)
        }
        Tells::Tagged(server, version) => tagged(event, &place, (server, version), time),
        Tells::Started(job) => {
            let answer = json!({ "job": { "jobID": job_id(&place, job) } });
            let detail =
                json!({ "eventName": "StartRecovery", "requestParameters": {}, "responseElements": answer });
            other(("aws.drs", "AWS API Call via CloudTrail"), detail)
        }
        Tells::Launched(job, server, well) => {
            let state = if well { "RECOVERY_LAUNCH_SUCCEEDED" } else { "RECOVERY_LAUNCH_FAILED" };
            let drill = if Job::is_drill(job) { "TRUE" } else { "FALSE" };
            let detail = json!({ "state": state, "job-id": job_id(&place, job), "is-drill": drill });
            about(event, &place, (server, "DRS Source Server Launch Result"), time, &detail)
        }
        Tells::Heartbeat => other(("drs-fleet.spoke", "Spoke Heartbeat"), json!({})),
        Tells::Novelty => other(("aws.drs", "Added Later"), json!({})),
        Tells::Poison(way) => poisoned(way, &stall(0, true, time)),
    }
}

/// Detail of an event that tells of a state and nothing else. Most are of this kind, so it is no map.
#[derive(Serialize)]
struct State<'a> {
    state: &'a str,
}

fn about(
    event: &Event,
    place: &Place,
    (server, kind): (u8, &str),
    time: Timestamp,
    detail: &impl Serialize,
) -> String {
    let id = event.number.to_string();
    let mut told = Envelope::new(&id, place, ("aws.drs", kind), time, detail);
    told.resources.push(arn(place, server));
    written(&told)
}

/// `Display` would write it piece by piece through `fmt`.
fn written(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap()
}

/// The tags of a machine after a change, in the Region where it runs.
fn tagged(event: &Event, place: &Place, (server, version): (u8, u64), time: Timestamp) -> String {
    let there = Place { region: SOURCE_REGION.parse().unwrap(), ..place.clone() };
    let detail = json!({
        "service": "ec2", "resource-type": "instance", "version": version, "tags": tags(version),
        "changed-tag-keys": ["owner"],
    });
    let id = event.number.to_string();
    let mut told = Envelope::new(&id, &there, ("aws.tag", "Tag Change on Resource"), time, &detail);
    let instance = instance(place, server);
    told.resources.push(format!("arn:aws:ec2:{SOURCE_REGION}:{}:instance/{instance}", place.account));
    written(&told)
}

/// The machine of server `n` of an account as the tagging API lists it.
pub(super) fn machine(account: u8, n: u8, version: u64) -> TaggedInstance {
    TaggedInstance { instance: instance(&place(account.into()), n).parse().unwrap(), tags: tags(version) }
}

/// All tags of a machine in that version.
fn tags(version: u64) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([("owner".to_owned(), owner(version))]);
    if !is_tampered(version) {
        tags.insert("AWSElasticDisasterRecoveryManaged".to_owned(), "drs.amazonaws.com".to_owned());
    }
    if is_unfit(version) {
        tags.insert("note".to_owned(), "long ".repeat(52));
    }
    tags
}

/// Whether that version lacks the tag by which DRS knows the machine.
pub(super) fn is_tampered(version: u64) -> bool {
    version.is_multiple_of(5)
}

/// Whether that version has a tag with more than 256 characters.
pub(super) fn is_unfit(version: u64) -> bool {
    version.is_multiple_of(7)
}

/// The tag of that version.
pub(super) fn owner(version: u64) -> String {
    format!("owner {version}")
}

/// A message that nobody can read.
fn poisoned(way: u8, good: &str) -> String {
    let mut bad: Value = serde_json::from_str(good).unwrap();
    match way {
        0 => return good[..good.len() / 2].to_owned(),
        1 => return "not JSON".to_owned(),
        2 => bad["time"] = json!("yesterday"),
        3 => bad["account"] = json!(17),
        _ => bad["resources"] = json!("none"),
    }
    bad.to_string()
}
