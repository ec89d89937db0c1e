//! Jobs that launch and end recovery instances and deploy source networks.

use serde_json::{Value, json};

use super::Answer;
use super::tags::read_tags;
use crate::drs::Drs;
use crate::drs::initiator::InitiatedBy;
use crate::drs::job::Job;
use crate::drs::refusal::{conflict, invalid, not_found};
use crate::drs::request::Request;
use crate::drs::site::Site;

pub(super) fn start(drs: &Drs, request: &Request) -> Answer {
    let servers = request.recovered();
    let drill = request.body.get("isDrill").and_then(Value::as_bool).unwrap_or(false);
    let tags = read_tags(request.body.get("tags"))?;
    if servers.len() > 200 {
        return Err(invalid("sourceServers", "sourceServers must have at most 200 members"));
    }
    let by = if drill { InitiatedBy::StartDrill } else { InitiatedBy::StartRecovery };
    let place = (request.account.as_str(), request.region.as_str());
    let job = drs.launch_servers(place, &servers, (by, tags, request.now))?;
    Ok((202, json!({ "job": job.show(false) })))
}

pub(super) fn terminate(site: &mut Site, request: &Request) -> Answer {
    let ids = request.list("/recoveryInstanceIDs", 200)?;
    let tags = read_tags(request.body.get("tags"))?;
    let job = site.start_of_instances(InitiatedBy::TerminateRecoveryInstances, &ids, tags, request.now)?;
    Ok((200, json!({ "job": job.show(false) })))
}

/// Deploys source networks, or brings their stacks up to date when all of them have one and no new one is wanted.
pub(super) fn start_networks(site: &mut Site, request: &Request) -> Answer {
    let ids = request.networks();
    let tags = read_tags(request.body.get("tags"))?;
    if ids.len() > 100 {
        return Err(invalid("sourceNetworks", "sourceNetworks must have at most 100 members"));
    }
    let anew = request.body.get("deployAsNew").and_then(Value::as_bool).unwrap_or(false);
    let is_deployed = |id: &String| site.networks.get(id).is_some_and(|network| network.deployed);
    let by = if !anew && ids.iter().all(is_deployed) {
        InitiatedBy::UpdateNetworkRecovery
    } else {
        InitiatedBy::CreateNetworkRecovery
    };
    let job = site.recover_networks(by, &ids, tags, request.now)?;
    Ok((202, json!({ "job": job.show(false) })))
}

/// Forgets a job that is over.
pub(super) fn delete(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("jobID")?;
    let job = site.job(id).ok_or_else(|| not_found("Job", id))?;
    if Job::is_active(job) {
        return Err(conflict("Job", id, &format!("job {id} is not over")));
    }
    site.jobs.retain(|job| job.id != id);
    Ok((204, Value::Null))
}
