//! Starting, stopping, disconnecting and deleting source servers.

use serde_json::{Value, json};

use super::Answer;
use crate::call::Refusal;
use crate::drs::refusal::{busy, conflict};
use crate::drs::replication::Phase;
use crate::drs::request::Request;
use crate::drs::site::Site;

pub(super) fn start(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("sourceServerID")?;
    own(site, id)?;
    if site.server(id)?.replication.phase != Phase::Stopped {
        return Err(conflict("SourceServer", id, &format!("replication of {id} is not stopped")));
    }
    site.admit_replicating(id)?;
    let account = site.account.clone();
    let server = site.server(id)?;
    server.replication.restart(request.now);
    Ok((200, json!({ "sourceServer": server.show(&account, request.now) })))
}

pub(super) fn stop(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("sourceServerID")?;
    own(site, id)?;
    if site.server(id)?.replication.phase == Phase::Disconnected {
        return Err(conflict("SourceServer", id, &format!("source server {id} is disconnected")));
    }
    let account = site.account.clone();
    let server = site.server(id)?;
    server.replication.enter(Phase::Stopped, request.now);
    Ok((200, json!({ "sourceServer": server.show(&account, request.now) })))
}

pub(super) fn disconnect(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("sourceServerID")?;
    own(site, id)?;
    let account = site.account.clone();
    let server = site.server(id)?;
    if let Some(instance) = &server.recovery_instance {
        let text = format!("source server {id} has the recovery instance {instance}");
        return Err(conflict("SourceServer", id, &text));
    }
    server.replication.enter(Phase::Disconnected, request.now);
    Ok((200, server.show(&account, request.now)))
}

/// Refuses what only the staging account may do, and what must wait for a job.
fn own(site: &mut Site, id: &str) -> Result<(), Refusal> {
    if let Some(extension) = &site.server(id)?.extension {
        let text = format!("source server {id} is extended from account {}", extension.account);
        return Err(conflict("SourceServer", id, &text));
    }
    if site.is_busy(id) { Err(busy(id)) } else { Ok(()) }
}

/// Deletes a disconnected or an extended server. Those that were extended from it stay, with an error.
pub(super) fn delete(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("sourceServerID")?;
    let server = site.server(id)?;
    if server.extension.is_none() && server.replication.phase != Phase::Disconnected {
        let text = format!("source server {id} must be disconnected before it is deleted");
        return Err(conflict("SourceServer", id, &text));
    }
    if site.is_busy(id) {
        return Err(busy(id));
    }
    site.servers.remove(id);
    Ok((204, Value::Null))
}
