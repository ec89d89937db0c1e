//! The way back from a recovery instance.

use serde_json::{Value, json};

use super::Answer;
use super::tags::read_tags;
use crate::drs::Drs;
use crate::drs::failback::FailbackState;
use crate::drs::initiator::InitiatedBy;
use crate::drs::refusal::{busy, conflict, invalid, not_found, uninitialized};
use crate::drs::request::Request;
use crate::drs::site::Site;
use crate::drs::spec::{ServerSpec, Start};
use crate::events::ServiceEvent;
use crate::world::lock;

pub(super) fn launch(site: &mut Site, request: &Request) -> Answer {
    let ids = request.list("/recoveryInstanceIDs", 200)?;
    for id in &ids {
        if site.instance(id)?.failback.state != FailbackState::ReadyForLaunch {
            let text = format!("recovery instance {id} is not ready for a failback launch");
            return Err(conflict("RecoveryInstance", id, &text));
        }
    }
    let tags = read_tags(request.body.get("tags"))?;
    let job = site.start_of_instances(InitiatedBy::Failback, &ids, tags, request.now)?;
    Ok((200, json!({ "job": job.show(false) })))
}

pub(super) fn stop(site: &mut Site, request: &Request) -> Answer {
    let instance = site.instance(request.text("recoveryInstanceID")?)?;
    instance.failback.turn(FailbackState::NotStarted, request.now);
    Ok((200, Value::Null))
}

pub(super) fn disconnect(site: &mut Site, request: &Request) -> Answer {
    let instance = site.instance(request.text("recoveryInstanceID")?)?;
    instance.disconnected = true;
    Ok((200, Value::Null))
}

/// Takes a disconnected recovery instance out of the service; the machine goes on running.
pub(super) fn delete(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("recoveryInstanceID")?;
    let instance = site.instance(id)?;
    if !instance.disconnected {
        let text = format!("recovery instance {id} must be disconnected before it is deleted");
        return Err(conflict("RecoveryInstance", id, &text));
    }
    let server = instance.server.clone();
    if site.is_busy(&server) {
        return Err(busy(&server));
    }
    site.instances.remove(id);
    site.server(&server)?.recovery_instance = None;
    Ok((200, Value::Null))
}

/// Replicates a recovery instance back to where its source server came from.
pub(super) fn reverse(drs: &Drs, request: &Request, events: &mut Vec<ServiceEvent>) -> Answer {
    let id = request.text("recoveryInstanceID")?;
    let home = drs.site(&request.account, &request.region);
    let (machine, server_arn) = {
        let mut home = lock(&home);
        let instance = home.instance(id)?.clone();
        if instance.failback.state != FailbackState::NotStarted {
            let text = format!("failback of recovery instance {id} has already been started");
            return Err(conflict("RecoveryInstance", id, &text));
        }
        let server = home.servers.get(&instance.server);
        let arn = server.map(|server| server.arn.clone());
        (instance.machine, arn.ok_or_else(|| not_found("SourceServer", &instance.server))?)
    };
    let origin = machine.origin.clone().ok_or_else(|| {
        invalid("recoveryInstanceID", &format!("the source server of {id} did not run on AWS"))
    })?;
    let there = drs.site(&origin.account, &origin.region);
    let reversed = {
        let mut there = lock(&there);
        if !there.initialized {
            return Err(uninitialized());
        }
        let spec = ServerSpec { machine, tags: std::collections::BTreeMap::new(), start: Start::Fresh };
        let reversed = there.add(spec, request.now)?;
        let server = there.server(&reversed)?;
        server.reverses = Some(server_arn);
        server.arn.clone()
    };
    let mut home = lock(&home);
    let instance = home.instance(id)?;
    instance.failback.turn(FailbackState::InProgress, request.now);
    events.extend(instance.tell_failback(request.now));
    Ok((200, json!({ "reversedDirectionSourceServerArn": reversed })))
}
