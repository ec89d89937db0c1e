//! One job: who takes part, how far each of them is, and the log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::agenda::{Agenda, Due};
use super::dice::hash;
use super::initiator::InitiatedBy;
use super::stamp::{date_time, milliseconds};

/// One server of a job, or one source network.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    pub(super) id: String,
    /// The recovery instance: launched by this job, or to be ended or failed back by it.
    pub(super) instance: Option<String>,
    pub(super) status: &'static str,
    /// When it was launched, failed or ended.
    pub(super) finished: Option<Timestamp>,
    /// `rawError` of its failure.
    pub(super) error: Option<String>,
}

/// A line of a job's log.
#[derive(Clone, Debug)]
pub(super) struct LogItem {
    pub(super) at: Timestamp,
    pub(super) event: &'static str,
    pub(super) who: Option<usize>,
    data: Value,
}

/// One job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Counts the jobs of a site, so that those of one instant have an order too.
    pub(super) serial: u64,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) by: InitiatedBy,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) status: &'static str,
    pub(super) participants: Vec<Participant>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) log: Vec<LogItem>,
    pub(super) agenda: Agenda,
}

impl Job {
    /// A pending job without participants. It is as old as the API says, which tells no less than milliseconds.
    pub(super) fn new(
        arn: String,
        by: InitiatedBy,
        created: Timestamp,
        tags: BTreeMap<String, String>,
    ) -> Self {
        let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
        let created = milliseconds(created);
        Self {
            serial: 0,
            id,
            arn,
            by,
            created,
            ended: None,
            status: "PENDING",
            participants: Vec::new(),
            tags,
            log: Vec::new(),
            agenda: Agenda::new(created, Vec::new()),
        }
    }

    /// Takes up participants, each with the recovery instance that the job is about, and what is to be done.
    pub(super) fn plan(&mut self, members: Vec<(String, Option<String>)>, steps: Vec<Due>) {
        let pending =
            |(id, instance)| Participant { id, instance, status: "PENDING", finished: None, error: None };
        self.participants = members.into_iter().map(pending).collect();
        self.agenda = Agenda::new(self.created, steps);
    }

    /// Whether the job still holds its servers and its place among the concurrent jobs.
    pub(super) fn is_active(&self) -> bool {
        self.status != "COMPLETED"
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.participants.iter().any(|participant| participant.id == id)
    }

    /// Where a participant stands from now on; a status other than these two is final.
    pub(super) fn mark(&mut self, who: usize, status: &'static str, at: Timestamp) {
        if let Some(participant) = self.participants.get_mut(who) {
            participant.status = status;
            participant.finished = (!matches!(status, "PENDING" | "IN_PROGRESS")).then_some(at);
        }
    }

    /// Adds a line to the log.
    pub(super) fn note(&mut self, at: Timestamp, event: &'static str, who: Option<usize>) {
        let mut data = json!({});
        if let Some(participant) = who.and_then(|who| self.participants.get(who)) {
            if self.by.is_of_networks() {
                data["eventResourceData"] =
                    json!({ "sourceNetworkData": { "sourceNetworkID": participant.id } });
            } else {
                data["sourceServerID"] = json!(participant.id);
            }
            if event.starts_with("CONVERSION") {
                let server = format!("i-0{:016x}", hash(&format!("{}{}", self.id, participant.id)));
                data["conversionServerID"] = json!(server);
            }
        }
        self.log.push(LogItem { at, event, who, data });
    }

    /// Adds the line of a failure to the log, and takes the participant off the agenda.
    pub(super) fn note_failure(&mut self, at: Timestamp, event: &'static str, who: usize, raw_error: &str) {
        self.note(at, event, Some(who));
        self.agenda.give_up(who);
        if let Some(item) = self.log.last_mut() {
            item.data["rawError"] = json!(raw_error);
        }
        if let Some(participant) = self.participants.get_mut(who) {
            participant.error = Some(raw_error.to_owned());
        }
    }

    /// `Job` as the API answers it. The answer to the starting call does not say who began it.
    pub(super) fn show(&self, with_initiator: bool) -> Value {
        let networks = self.by.is_of_networks();
        let servers = self.participants.iter().filter(|_| !networks);
        let mut shown = json!({
            "jobID": self.id,
            "arn": self.arn,
            "type": self.by.job_type(),
            "creationDateTime": date_time(self.created),
            "status": self.status,
            "participatingServers": servers.map(Participant::show).collect::<Vec<_>>(),
            "tags": self.tags,
        });
        if with_initiator {
            shown["initiatedBy"] = json!(self.by.name());
        }
        if with_initiator || networks {
            let resources = self.participants.iter().filter(|_| networks);
            shown["participatingResources"] = resources.map(Participant::show_network).collect();
        }
        if let Some(ended) = self.ended {
            shown["endDateTime"] = json!(date_time(ended));
        }
        shown
    }
}

impl LogItem {
    /// `JobLog` as the API answers it.
    pub(super) fn show(&self) -> Value {
        json!({ "logDateTime": date_time(self.at), "event": self.event, "eventData": self.data })
    }
}

impl Participant {
    fn show(&self) -> Value {
        let mut shown = json!({ "sourceServerID": self.id, "launchStatus": self.status });
        // AWS leaves the instance out now and then, even of a job that is over: here for half of the servers.
        if let Some(instance) = self.instance.as_ref().filter(|_| hash(&self.id).is_multiple_of(2)) {
            shown["recoveryInstanceID"] = json!(instance);
        }
        shown
    }

    fn show_network(&self) -> Value {
        json!({ "participatingResourceID": { "sourceNetworkID": self.id }, "launchStatus": self.status })
    }
}
