//! What the steps of a job do to servers, recovery instances and networks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::agenda::{Due, Step};
use super::dice::hash;
use super::failback::{Failback, FailbackState};
use super::fate::by_chance;
use super::initiator::InitiatedBy;
use super::instance::{Instance, Power};
use super::job::Job;
use super::notice;
use super::server::LastLaunch;
use super::site::Site;
use crate::events::ServiceEvent;

impl Site {
    /// Does one step of a job.
    pub(super) fn carry_out(&mut self, job: &mut Job, (at, who, step): Due, events: &mut Vec<ServiceEvent>) {
        let Some(who) = who else {
            return if step == Step::Begin { begin(job, at) } else { end(job, at) };
        };
        if self.is_prevented(job, at, (who, &step), events) {
            return;
        }
        match step {
            Step::Note(event) => self.note(job, at, who, event),
            Step::Launch => self.launch(job, at, who, events),
            Step::Done => self.done(job, at, who),
            Step::Fail(event) => {
                let raw_error = job.participants.get(who).map(|p| by_chance(&p.id)).unwrap_or_default();
                self.fail(job, at, (who, event, &raw_error), events);
            }
            Step::Terminate => self.terminate(job, at, who),
            Step::Begin | Step::End => {}
        }
    }

    fn note(&mut self, job: &mut Job, at: Timestamp, who: usize, event: &'static str) {
        job.note(at, event, Some(who));
        job.mark(who, "IN_PROGRESS", at);
        self.note_launch(job, who, "IN_PROGRESS");
        match (job.by, event) {
            (InitiatedBy::TerminateRecoveryInstances, "CLEANUP_START") => {
                let id = job.participants.get(who).and_then(|participant| participant.instance.as_ref());
                if let Some(instance) = id.and_then(|id| self.instances.get_mut(id)) {
                    instance.turn(Power::ShuttingDown, at);
                }
            }
            // The recovery instance that a launch replaces goes first.
            (by, "CLEANUP_END") if by.recovers() => {
                let server = job.participants.get(who).and_then(|p| self.servers.get_mut(&p.id));
                let old = server.and_then(|server| server.recovery_instance.take());
                old.and_then(|old| self.instances.remove(&old));
            }
            _ => {}
        }
    }

    fn launch(&mut self, job: &mut Job, at: Timestamp, who: usize, events: &mut Vec<ServiceEvent>) {
        job.mark(who, "LAUNCHED", at);
        if job.by == InitiatedBy::Failback {
            self.end_failback(job, at, (who, FailbackState::Completed), events);
            self.silence_original(job, at, who);
        }
        if job.by.recovers() {
            self.launch_instance(job, at, who);
            self.tell_launch(job, at, (who, "LAUNCHED"), events);
        }
    }

    /// A participant fails: the log says so, and nothing more is done for it.
    pub(super) fn fail(
        &mut self,
        job: &mut Job,
        at: Timestamp,
        (who, event, raw_error): (usize, &'static str, &str),
        events: &mut Vec<ServiceEvent>,
    ) {
        job.note_failure(at, event, who, raw_error);
        job.mark(who, "FAILED", at);
        if job.by == InitiatedBy::Failback {
            self.end_failback(job, at, (who, FailbackState::Error), events);
        }
        if job.by.recovers() {
            self.tell_launch(job, at, (who, "FAILED"), events);
        }
        if job.by.is_of_networks() {
            self.note_network(job, who, "FAIL");
        }
    }

    fn done(&mut self, job: &mut Job, at: Timestamp, who: usize) {
        job.mark(who, "LAUNCHED", at);
        if job.by.is_of_networks() {
            let associated = job.by == InitiatedBy::AssociateNetworkRecovery;
            self.note_network(job, who, if associated { "ASSOCIATE_SUCCESS" } else { "SUCCESS" });
        }
    }

    /// Records on the server how its launch ended, and tells it.
    fn tell_launch(
        &mut self,
        job: &Job,
        at: Timestamp,
        (who, status): (usize, &'static str),
        events: &mut Vec<ServiceEvent>,
    ) {
        self.note_launch(job, who, status);
        let server = job.participants.get(who).and_then(|participant| self.servers.get(&participant.id));
        let drill = job.by == InitiatedBy::StartDrill;
        events.extend(
            server.map(|server| notice::launch(&server.arn, status == "LAUNCHED", (&job.id, drill), at)),
        );
    }

    fn launch_instance(&mut self, job: &mut Job, at: Timestamp, who: usize) {
        let id = self.dice.id("i");
        let Some(participant) = job.participants.get_mut(who) else { return };
        participant.instance = Some(id.clone());
        let Some(server) = self.servers.get_mut(&participant.id) else { return };
        server.recovery_instance = Some(id.clone());
        let copies = server.launch.get("copyTags").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let mut tags = if copies { server.tags.clone() } else { BTreeMap::new() };
        tags.insert("AWSElasticDisasterRecoveryManaged".to_owned(), "drs.amazonaws.com".to_owned());
        let zone = ["a", "b", "c"][usize::try_from(hash(&id) % 3).unwrap_or_default()];
        let instance = Instance {
            server: server.id.clone(),
            machine: server.machine.clone(),
            arn: self.arn("recovery-instance", &id),
            id: id.clone(),
            job: job.id.clone(),
            drill: job.by == InitiatedBy::StartDrill,
            launched: at,
            zone: format!("{}{zone}", self.region),
            tags,
            power: Power::Pending,
            power_since: at,
            disconnected: false,
            failback: Failback::none(at),
        };
        self.instances.insert(id, instance);
    }

    /// Records on the server how the launch by a drill or a recovery stands.
    pub(super) fn note_launch(&mut self, job: &Job, who: usize, status: &'static str) {
        if !job.by.recovers() {
            return;
        }
        let server = job.participants.get(who).and_then(|p| self.servers.get_mut(&p.id));
        if let Some(server) = server {
            let drill = job.by == InitiatedBy::StartDrill;
            let launch = LastLaunch { at: job.created, job: job.id.clone(), drill, status };
            server.last_launch = Some(launch);
        }
    }

    fn end_failback(
        &mut self,
        job: &Job,
        at: Timestamp,
        (who, state): (usize, FailbackState),
        events: &mut Vec<ServiceEvent>,
    ) {
        let id = job.participants.get(who).and_then(|participant| participant.instance.as_ref());
        if let Some(instance) = id.and_then(|id| self.instances.get_mut(id)) {
            instance.failback.turn(state, at);
            events.extend(instance.tell_failback(at));
        }
    }

    /// After a failback from an extended source server, the agent on the original machine stops.
    fn silence_original(&mut self, job: &Job, at: Timestamp, who: usize) {
        let server = job.participants.get(who).and_then(|participant| self.servers.get(&participant.id));
        let extension = server.and_then(|server| server.extension.as_ref());
        self.silenced.extend(extension.map(|extension| (extension.arn.clone(), at)));
    }

    fn terminate(&mut self, job: &mut Job, at: Timestamp, who: usize) {
        job.mark(who, "TERMINATED", at);
        let Some(participant) = job.participants.get(who) else { return };
        if let Some(id) = &participant.instance {
            self.instances.remove(id);
        }
        if let Some(server) = self.servers.get_mut(&participant.id) {
            server.recovery_instance = None;
            if let Some(launch) = &mut server.last_launch {
                launch.status = "TERMINATED";
            }
        }
    }
}

fn begin(job: &mut Job, at: Timestamp) {
    job.status = "STARTED";
    job.note(at, "JOB_START", None);
}

fn end(job: &mut Job, at: Timestamp) {
    (job.status, job.ended) = ("COMPLETED", Some(at));
    job.note(at, "JOB_END", None);
}
