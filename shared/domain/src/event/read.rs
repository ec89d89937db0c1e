//! Reads what an event says.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ApiCall, Caller, Event, SCHEDULE_SOURCE, SPOKE_SOURCE, SWEEP_PLACE, SWEEP_TICK, SYNC_TAGS, TagsChanged,
};
use crate::arn::{Arn, Resource};
use crate::envelope::{Envelope, Rejected, without_content};
use crate::ids::{JobId, RecoveryInstanceId, SourceServerId};
use crate::notify::sample::{SAMPLE_REQUESTED, SampleEvent};
use crate::own_event::{self, IncidentEvent};
use crate::policy::PLAN_TAG;
use crate::tags::TagRequest;

/// Bytes of a name that becomes a part of a key; the sort key, which is the shorter one, has 1,024 at most.
const KEY_LIMIT: usize = 768;

/// Reads what an event says.
///
/// # Errors
/// [`Rejected::BadDetail`] for an event of a known type whose payload cannot be read.
pub fn read(envelope: &Envelope) -> Result<Event, Rejected> {
    let event = match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        ("aws.drs", "DRS Source Server Data Replication Stalled Change") => stalled_change(envelope)?,
        ("aws.drs", "DRS Source Server Launch Result") => launch_result(envelope)?,
        ("aws.drs", "DRS Recovery Instance Failback State Change") => Event::FailbackChange {
            instance: recovery_instance(envelope)?,
            state: envelope.text("state")?.to_owned(),
        },
        ("aws.drs", "DRS PIT Snapshot Taken") => Event::SnapshotTaken {
            server: source_server(envelope)?,
            ebs_snapshots: comma_joined(envelope.detail.get("EbsSnapshotIDs")),
        },
        ("aws.drs", "DRS Source Network Protection Status Change" | "DRS Source Network Recovery Result") => {
            Event::SourceNetwork
        }
        ("aws.drs", "AWS API Call via CloudTrail") => Event::ApiCall(api_call(envelope)?),
        ("aws.tag", "Tag Change on Resource") => tags_changed(envelope)?,
        (SPOKE_SOURCE, _) => Event::Heartbeat,
        (SCHEDULE_SOURCE, SWEEP_TICK) => Event::SweepTick,
        (SCHEDULE_SOURCE, SWEEP_PLACE) => {
            let scheduled = envelope.detail.get("scheduled") == Some(&Value::Bool(true));
            Event::SweepPlace { scheduled }
        }
        (SCHEDULE_SOURCE, SYNC_TAGS) => {
            let asked: TagRequest = detail(envelope)?;
            fits_a_key(envelope, "request", &asked.request)?;
            Event::SyncTags(asked)
        }
        (
            own_event::SOURCE,
            "Incident Opened" | "Incident Escalated" | "Incident Reopened" | "Incident Resolved",
        ) => {
            let event: IncidentEvent = detail(envelope)?;
            fits_a_key(envelope, "incident", &event.incident)?;
            Event::Own(Box::new(event))
        }
        (own_event::SOURCE, "Job Started" | "Job Completed") if is_drill(envelope) => {
            Event::DrillJob(Box::new(detail(envelope)?))
        }
        (own_event::SOURCE, SAMPLE_REQUESTED) => {
            let asked: SampleEvent = detail(envelope)?;
            fits_a_key(envelope, "eventId", &asked.event_id)?;
            Event::Sample(Box::new(asked))
        }
        _ => Event::Unknown,
    };
    Ok(event)
}

fn stalled_change(envelope: &Envelope) -> Result<Event, Rejected> {
    let stalled = match envelope.text("state")? {
        "STALLED" => true,
        "NOT_STALLED" => false,
        _ => return Ok(Event::Unknown),
    };
    Ok(Event::StalledChange { server: source_server(envelope)?, stalled })
}

fn launch_result(envelope: &Envelope) -> Result<Event, Rejected> {
    let launched = match envelope.text("state")? {
        "RECOVERY_LAUNCH_SUCCEEDED" => true,
        "RECOVERY_LAUNCH_FAILED" => false,
        _ => return Ok(Event::Unknown),
    };
    let job = envelope.text("job-id")?.parse::<JobId>().map_err(|e| envelope.bad_detail(e.to_string()))?;
    // AWS prints the text "FALSE"; a boolean would be read as well.
    let drill = match envelope.detail.get("is-drill") {
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(Value::Bool(drill)) => *drill,
        _ => return Err(envelope.bad_detail("detail.is-drill is neither \"TRUE\" nor \"FALSE\"")),
    };
    Ok(Event::LaunchResult { server: source_server(envelope)?, job, launched, drill })
}

fn tags_changed(envelope: &Envelope) -> Result<Event, Rejected> {
    let is = |member: &str, text: &str| envelope.detail.get(member).and_then(Value::as_str) == Some(text);
    if !is("service", "ec2") || !is("resource-type", "instance") {
        return Ok(Event::Unknown);
    }
    let Resource::Instance(instance) = first_resource(envelope)? else {
        return Err(envelope.bad_detail("resources[0] is not an EC2 instance"));
    };
    let version = envelope.detail.get("version").and_then(Value::as_u64);
    let version = version.ok_or_else(|| envelope.bad_detail("detail.version is not a number"))?;
    let tags = envelope.detail.get("tags").cloned().unwrap_or_default();
    let tags = serde_json::from_value(tags)
        .map_err(|_| envelope.bad_detail("detail.tags is not an object of texts"))?;
    Ok(Event::TagsChanged(TagsChanged { instance, version, tags }))
}

/// The record is the event's `detail`; `resources` is empty, the ids lie in parameters and answer.
fn api_call(envelope: &Envelope) -> Result<ApiCall, Rejected> {
    let detail = Value::Object(envelope.detail.clone());
    let text = |pointer: &str| detail.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let server_of = |v: &Value| v.as_str().and_then(|id| id.parse().ok());
    let mut servers: Vec<SourceServerId> =
        detail.pointer("/requestParameters/sourceServerID").and_then(server_of).into_iter().collect();
    if let Some(Value::Array(named)) = detail.pointer("/requestParameters/sourceServers") {
        servers.extend(named.iter().filter_map(|s| s.get("sourceServerID").and_then(server_of)));
    }
    let job = text("/responseElements/job/jobID").or_else(|| text("/requestParameters/jobID"));
    Ok(ApiCall {
        name: envelope.text("eventName")?.to_owned(),
        error: text("/errorCode"),
        caller: Caller {
            principal: text("/userIdentity/arn").or_else(|| text("/userIdentity/invokedBy")),
            role: text("/userIdentity/sessionContext/sessionIssuer/arn"),
            ip: text("/sourceIPAddress"),
        },
        job: job.and_then(|id| id.parse().ok()),
        drill: detail.pointer("/requestParameters/isDrill").and_then(Value::as_bool),
        plan: detail
            .pointer("/requestParameters/tags")
            .and_then(|tags| tags.get(PLAN_TAG)?.as_str())
            .map(str::to_owned),
        servers,
    })
}

/// The hub's rule looks at the same member.
fn is_drill(envelope: &Envelope) -> bool {
    envelope.detail.get("drill") == Some(&Value::Bool(true))
}

fn detail<T: DeserializeOwned>(envelope: &Envelope) -> Result<T, Rejected> {
    serde_json::from_value(Value::Object(envelope.detail.clone()))
        .map_err(|e| envelope.bad_detail(without_content(&e)))
}

/// What DynamoDB takes in no key would be tried again for days.
fn fits_a_key(envelope: &Envelope, member: &str, text: &str) -> Result<(), Rejected> {
    if text.len() <= KEY_LIMIT {
        return Ok(());
    }
    Err(envelope.bad_detail(format!("detail.{member} has more than {KEY_LIMIT} bytes")))
}

fn source_server(envelope: &Envelope) -> Result<SourceServerId, Rejected> {
    match first_resource(envelope)? {
        Resource::SourceServer(id) => Ok(id),
        _ => Err(envelope.bad_detail("resources[0] is not a DRS source server")),
    }
}

fn recovery_instance(envelope: &Envelope) -> Result<RecoveryInstanceId, Rejected> {
    match first_resource(envelope)? {
        Resource::RecoveryInstance(id) => Ok(id),
        _ => Err(envelope.bad_detail("resources[0] is not a DRS recovery instance")),
    }
}

/// The resource must lie where the envelope says: the bus vouches for the envelope only.
fn first_resource(envelope: &Envelope) -> Result<Resource, Rejected> {
    let text = envelope.resources.first().ok_or_else(|| envelope.bad_detail("resources is empty"))?;
    let arn: Arn = text.parse().map_err(|e| envelope.bad_detail(format!("resources[0]: {e}")))?;
    if arn.account != envelope.account || arn.region != envelope.region {
        return Err(envelope.bad_detail("resources[0] lies in another account or Region than the event"));
    }
    Ok(arn.resource)
}

fn comma_joined(value: Option<&Value>) -> Vec<String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(detail: &str) -> Result<Event, Rejected> {
        read(
            &Envelope::parse(&format!(
                r#"{{"id":"1","source":"aws.drs","detail-type":"DRS Source Server Launch Result",
                "account":"111122223333","region":"us-west-2","time":"2016-08-22T20:12:19Z",
                "resources":["arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567"],
                "detail":{detail}}}"#
            ))
            .unwrap(),
        )
    }

    #[test]
    fn is_drill_is_a_text() {
        let detail =
            r#"{"state":"RECOVERY_LAUNCH_FAILED","job-id":"drsjob-04ca7d0d3fb6afa3e","is-drill":"TRUE"}"#;
        assert!(matches!(launch(detail).unwrap(), Event::LaunchResult { launched: false, drill: true, .. }));
        let odd = detail.replace("\"TRUE\"", "7");
        assert_eq!(launch(&odd).unwrap_err().code(), "BAD_DETAIL");
    }

    #[test]
    fn a_state_that_aws_adds_is_unknown_and_no_error() {
        assert_eq!(launch(r#"{"state":"RECOVERY_LAUNCH_PAUSED"}"#).unwrap(), Event::Unknown);
    }

    #[test]
    fn a_missing_state_is_named() {
        let error = launch("{}").unwrap_err().to_string();
        assert!(error.ends_with("detail.state is missing"), "{error}");
    }

    #[test]
    fn a_resource_of_another_account_is_refused() {
        let mut envelope = Envelope::parse(
            r#"{"id":"1","source":"aws.drs","detail-type":"DRS PIT Snapshot Taken","account":"999999999999",
            "region":"us-west-2","time":"2016-08-22T20:12:19Z",
            "resources":["arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567"]}"#,
        )
        .unwrap();
        assert_eq!(read(&envelope).unwrap_err().code(), "BAD_DETAIL");
        envelope.account = "111122223333".parse().unwrap();
        assert!(read(&envelope).is_ok());
    }
}
