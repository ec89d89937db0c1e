//! What the steps of a job do to servers and recovery instances.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::dice::hash;
use super::instance::{Failback, Instance};
use super::job::{Due, Job, Kind, Step};
use super::notice;
use super::server::LastLaunch;
use super::site::Site;
use crate::events::ServiceEvent;

impl Site {
    /// Does one step of a job.
    pub(super) fn carry_out(&mut self, job: &mut Job, (at, who, step): Due, events: &mut Vec<ServiceEvent>) {
        match step {
            Step::Begin => {
                job.status = "STARTED";
                job.note(at, "JOB_START", None);
            }
            Step::Note(event) => {
                job.note(at, event, who);
                if event == "CLEANUP_END" && job.kind != Kind::Terminate {
                    self.clean_up(job, who);
                }
                if let Some(participant) = who.and_then(|who| job.participants.get_mut(who)) {
                    participant.status = "IN_PROGRESS";
                    self.note_launch(job, who, "IN_PROGRESS");
                }
            }
            Step::Launch => self.launch(job, at, who, events),
            Step::Fail(event) => {
                job.note(at, event, who);
                self.finish(job, at, (who, None), events);
            }
            Step::Terminate => self.terminate(job, who),
            Step::End => {
                (job.status, job.ended) = ("COMPLETED", Some(at));
                job.note(at, "JOB_END", None);
            }
        }
    }

    /// The recovery instance that a launch replaces goes first.
    fn clean_up(&mut self, job: &Job, who: Option<usize>) {
        let server =
            who.and_then(|who| job.participants.get(who)).and_then(|p| self.servers.get_mut(&p.server));
        if let Some(old) = server.and_then(|server| server.recovery_instance.take()) {
            self.instances.remove(&old);
        }
    }

    fn launch(&mut self, job: &mut Job, at: Timestamp, who: Option<usize>, events: &mut Vec<ServiceEvent>) {
        let Some(id) = who.and_then(|who| job.participants.get(who)).map(|p| p.server.clone()) else {
            return;
        };
        let bad_luck = self.settings.failures;
        if self.doomed.remove(&id) || self.dice.chance(bad_luck) {
            job.note(at, "LAUNCH_FAILED", who);
            return self.finish(job, at, (who, None), events);
        }
        if job.kind == Kind::Failback {
            return self.fail_back(job, at, who, events);
        }
        let instance = self.dice.id("i");
        self.finish(job, at, (who, Some(instance)), events);
    }

    /// Records how the launch of a participant ended and tells it.
    fn finish(
        &mut self,
        job: &mut Job,
        at: Timestamp,
        (who, launched): (Option<usize>, Option<String>),
        events: &mut Vec<ServiceEvent>,
    ) {
        let status = if launched.is_some() { "LAUNCHED" } else { "FAILED" };
        let Some(participant) = who.and_then(|who| job.participants.get_mut(who)) else { return };
        participant.status = status;
        if job.kind == Kind::Failback {
            let failed = participant.instance.as_ref().and_then(|id| self.instances.get_mut(id));
            if let Some(instance) = failed {
                (instance.failback, instance.failback_since) = (Failback::Error, at);
                events.push(notice::failback(&instance.arn, "FAILBACK_ERROR", at));
            }
            return;
        }
        let server_id = participant.server.clone();
        participant.instance.clone_from(&launched);
        self.note_launch(job, who, status);
        let Some(server) = self.servers.get_mut(&server_id) else { return };
        let arn = server.arn.clone();
        if let Some(id) = launched {
            server.recovery_instance = Some(id.clone());
            let instance = self.launched(job, &server_id, &id, at);
            self.instances.extend(instance.map(|instance| (id, instance)));
        }
        events.push(notice::launch(&arn, status == "LAUNCHED", (&job.id, job.kind == Kind::Drill), at));
    }

    fn launched(&self, job: &Job, server: &str, id: &str, at: Timestamp) -> Option<Instance> {
        let server = self.servers.get(server)?;
        let copies = server.launch.get("copyTags").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let mut tags = if copies { server.tags.clone() } else { BTreeMap::new() };
        tags.insert("AWSElasticDisasterRecoveryManaged".to_owned(), "drs.amazonaws.com".to_owned());
        let zone = ["a", "b", "c"][usize::try_from(hash(id) % 3).unwrap_or_default()];
        Some(Instance {
            id: id.to_owned(),
            arn: self.arn("recovery-instance", id),
            server: server.id.clone(),
            machine: server.machine.clone(),
            job: job.id.clone(),
            drill: job.kind == Kind::Drill,
            launched: at,
            zone: format!("{}{zone}", self.region),
            tags,
            disconnected: false,
            failback: Failback::NotStarted,
            failback_since: at,
            failback_job: None,
        })
    }

    /// Records on the server how the launch by a drill or a recovery stands.
    pub(super) fn note_launch(&mut self, job: &Job, who: Option<usize>, status: &'static str) {
        if !matches!(job.kind, Kind::Drill | Kind::Recovery) {
            return;
        }
        let server =
            who.and_then(|who| job.participants.get(who)).and_then(|p| self.servers.get_mut(&p.server));
        if let Some(server) = server {
            let drill = job.kind == Kind::Drill;
            let launch = LastLaunch { at: job.created, job: job.id.clone(), drill, status };
            server.last_launch = Some(launch);
        }
    }

    fn fail_back(
        &mut self,
        job: &mut Job,
        at: Timestamp,
        who: Option<usize>,
        events: &mut Vec<ServiceEvent>,
    ) {
        let Some(participant) = who.and_then(|who| job.participants.get_mut(who)) else { return };
        participant.status = "LAUNCHED";
        if let Some(instance) = participant.instance.as_ref().and_then(|id| self.instances.get_mut(id)) {
            (instance.failback, instance.failback_since) = (Failback::Completed, at);
            events.push(notice::failback(&instance.arn, "FAILBACK_COMPLETED", at));
        }
    }

    fn terminate(&mut self, job: &mut Job, who: Option<usize>) {
        let Some(participant) = who.and_then(|who| job.participants.get_mut(who)) else { return };
        participant.status = "TERMINATED";
        if let Some(id) = &participant.instance {
            self.instances.remove(id);
        }
        if let Some(server) = self.servers.get_mut(&participant.server) {
            server.recovery_instance = None;
            if let Some(launch) = &mut server.last_launch {
                launch.status = "TERMINATED";
            }
        }
    }
}
