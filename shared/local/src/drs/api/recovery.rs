//! Jobs that launch and end recovery instances.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Answer;
use super::tags::read_tags;
use crate::call::Refusal;
use crate::drs::job::{Job, Kind, Launchable, Participant, launch_steps, terminate_steps};
use crate::drs::quota::{JOBS, SERVERS_IN_JOB, SERVERS_IN_JOBS};
use crate::drs::refusal::{busy, conflict, invalid, not_found};
use crate::drs::replication::Phase;
use crate::drs::request::Request;
use crate::drs::server::Server;
use crate::drs::site::Site;

pub(super) fn start(site: &mut Site, request: &Request) -> Answer {
    let servers = request.recovered();
    let drill = request.body.get("isDrill").and_then(Value::as_bool).unwrap_or(false);
    let tags = read_tags(request.body.get("tags"))?;
    if servers.len() > 200 {
        return Err(invalid("sourceServers", "sourceServers must have at most 200 members"));
    }
    let launchable = servers.iter().map(|id| site.server(id).map(|server| launchable(server)));
    let launchable = launchable.collect::<Result<Vec<_>, _>>()?;
    admit(site, "sourceServers", &servers)?;
    let kind = if drill { Kind::Drill } else { Kind::Recovery };
    let id = site.dice.id("drsjob");
    let mut job = Job::new(site.arn("job", &id), kind, request.now, tags);
    let mut steps = Vec::new();
    for (index, (server, launchable)) in servers.iter().zip(launchable).enumerate() {
        steps.extend(launch_steps(request.now, index, launchable, &mut site.dice));
        job.participants.push(Participant { server: server.clone(), instance: None, status: "PENDING" });
        site.note_launch(&job, Some(index), "PENDING");
    }
    job.plan(steps);
    let answer = json!({ "job": job.show(false) });
    site.begin(job);
    Ok((202, answer))
}

pub(super) fn terminate(site: &mut Site, request: &Request) -> Answer {
    let ids = request.list("/recoveryInstanceIDs", 200)?;
    let job = of_instances(site, Kind::Terminate, &ids, request)?;
    Ok((200, json!({ "job": job })))
}

/// Forgets a job that is over.
pub(super) fn delete(site: &mut Site, request: &Request) -> Answer {
    let id = request.text("jobID")?;
    let index = site.jobs.iter().position(|job| job.id == id).ok_or_else(|| not_found("Job", id))?;
    if site.jobs.get(index).is_some_and(Job::is_active) {
        return Err(conflict("Job", id, &format!("job {id} is not over")));
    }
    site.jobs.remove(index);
    Ok((204, Value::Null))
}

/// Starts a job for recovery instances: to end them, or to fail them back.
pub(super) fn of_instances(
    site: &mut Site,
    kind: Kind,
    ids: &[String],
    request: &Request,
) -> Result<Value, Refusal> {
    let tags = read_tags(request.body.get("tags"))?;
    let owner = |id: &String| site.instances.get(id).map(|instance| instance.server.clone());
    let servers = ids.iter().map(|id| owner(id).ok_or_else(|| not_found("RecoveryInstance", id)));
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    admit(site, "recoveryInstanceIDs", &servers)?;
    let id = site.dice.id("drsjob");
    let mut job = Job::new(site.arn("job", &id), kind, request.now, tags);
    let mut steps = Vec::new();
    for (index, (server, id)) in servers.into_iter().zip(ids).enumerate() {
        let ready = Launchable { snapshot: true, fresh: true, replaces: false };
        steps.extend(match kind {
            Kind::Terminate => terminate_steps(request.now, index, &mut site.dice),
            _ => launch_steps(request.now, index, ready, &mut site.dice),
        });
        job.participants.push(Participant { server, instance: Some(id.clone()), status: "PENDING" });
    }
    job.plan(steps);
    let answer = job.show(false);
    site.begin(job);
    Ok(answer)
}

/// The quotas of jobs, and one job at a time for each server. Too many are refused in the name of the first
/// server, since AWS does not say which resource it names.
fn admit(site: &Site, member: &str, servers: &[String]) -> Result<(), Refusal> {
    let unique: BTreeSet<_> = servers.iter().collect();
    let first = servers.first().filter(|_| unique.len() == servers.len());
    let first = first
        .ok_or_else(|| invalid(member, &format!("{member} must name at least one server, each once")))?;
    let admit = |quota, wanted| site.quotas.admit(quota, wanted, ("SourceServer", first));
    admit(&SERVERS_IN_JOB, servers.len())?;
    if let Some(id) = servers.iter().find(|id| site.is_busy(id)) {
        return Err(busy(id));
    }
    let active = || site.jobs.iter().filter(|job| job.is_active());
    admit(&JOBS, active().count() + 1)?;
    admit(&SERVERS_IN_JOBS, active().map(|job| job.participants.len()).sum::<usize>() + servers.len())
}

fn launchable(server: &Server) -> Launchable {
    let stuck = matches!(server.replication.phase, Phase::Stalled | Phase::Paused | Phase::Disconnected);
    Launchable {
        snapshot: server.replication.launchable,
        fresh: server.replication.launchable && !stuck,
        replaces: server.recovery_instance.is_some(),
    }
}
