//! Jobs as they are, for those who want to know whether somebody else knows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Place;
use crate::drs::Drs;
use crate::drs::job::{Job, LogItem, Participant};
use crate::world::lock;

/// A job as it is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// `drsjob-…`.
    pub id: String,
    /// `JobType`.
    pub kind: String,
    /// `InitiatedBy`.
    pub initiated_by: String,
    /// `JobStatus`.
    pub status: String,
    /// Whether it goes no further until it is released.
    pub stuck: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its source servers, in the order that they were named in.
    pub servers: Vec<LaunchView>,
    /// Its source networks and their `LaunchStatus`.
    pub networks: Vec<(String, String)>,
}

/// What a job did for one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchView {
    /// `s-…`.
    pub server: String,
    /// `LaunchStatus`.
    pub status: String,
    /// Whether the job left it out.
    pub skipped: bool,
    /// When it was launched, failed or terminated.
    pub finished: Option<Timestamp>,
    /// The recovery instance: launched by this job, or ended or failed back by it.
    pub recovery_instance: Option<String>,
    /// `rawError` of its failure.
    pub error: Option<String>,
    /// The phases that it came to, in order.
    pub phases: Vec<PhaseView>,
}

/// A phase of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseView {
    /// `CLEANUP`, `SNAPSHOT`, `USING_PREVIOUS_SNAPSHOT`, `CONVERSION` or `LAUNCH`.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, well or badly.
    pub ended: Option<Timestamp>,
}

impl Drs {
    /// The jobs of an account and Region as of the last look or tick, oldest first, without those that were deleted.
    pub fn jobs(&self, (account, region): Place<'_>) -> Vec<JobView> {
        let site = self.site(account, region);
        let site = lock(&site);
        site.jobs.iter().map(view).collect()
    }
}

fn view(job: &Job) -> JobView {
    let participants = || job.participants.iter().enumerate();
    let networks = job.by.is_of_networks();
    let servers = participants().filter(|_| !networks).map(|(who, it)| launch(job, who, it));
    let resources = participants().filter(|_| networks).map(|(_, it)| (it.id.clone(), it.status.to_owned()));
    JobView {
        id: job.id.clone(),
        kind: job.by.job_type().to_owned(),
        initiated_by: job.by.name().to_owned(),
        status: job.status.to_owned(),
        stuck: job.agenda.is_stuck(),
        created: job.created,
        ended: job.ended,
        tags: job.tags.clone(),
        servers: servers.collect(),
        networks: resources.collect(),
    }
}

fn launch(job: &Job, who: usize, participant: &Participant) -> LaunchView {
    let lines: Vec<&LogItem> = job.log.iter().filter(|item| item.who == Some(who)).collect();
    LaunchView {
        server: participant.id.clone(),
        status: participant.status.to_owned(),
        skipped: lines.iter().any(|item| item.event == "SERVER_SKIPPED"),
        finished: participant.finished,
        recovery_instance: participant.instance.clone(),
        error: participant.error.clone(),
        phases: phases(&lines, participant.finished),
    }
}

/// The phases behind the lines of a log. No line tells that a launch ended well.
fn phases(lines: &[&LogItem], finished: Option<Timestamp>) -> Vec<PhaseView> {
    let mut phases: Vec<PhaseView> = Vec::new();
    for item in lines {
        let ended = ["_END", "_FAIL", "_FAILED"].iter().find_map(|end| item.event.strip_suffix(end));
        let name = item.event.strip_suffix("_START").or(ended).unwrap_or(item.event);
        match phases.last_mut().filter(|phase| phase.name == name) {
            Some(phase) => phase.ended = Some(item.at),
            None if item.event == "SERVER_SKIPPED" => {}
            None => {
                let at_once = (!item.event.ends_with("_START")).then_some(item.at);
                phases.push(PhaseView { name: name.to_owned(), started: item.at, ended: at_once });
            }
        }
    }
    if let Some(last) = phases.last_mut() {
        last.ended = last.ended.or(finished);
    }
    phases
}
