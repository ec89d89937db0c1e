//! Jobs: an agenda of dated steps, drawn when the job is made and carried out as time passes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::{Dice, hash};
use super::stamp::{after, date_time};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Drill,
    Recovery,
    Failback,
    Terminate,
}

/// One step of the agenda, mostly for one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The job is taken up.
    Begin,
    /// Nothing but a line in the job's log.
    Note(&'static str),
    /// The participant is launched, unless its launch is to fail.
    Launch,
    /// The participant cannot be launched; the log says this.
    Fail(&'static str),
    /// The participant's recovery instance is gone.
    Terminate,
    /// All is done.
    End,
}

/// One server of a job.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    pub(super) server: String,
    /// The recovery instance: launched by this job, or to be ended by it.
    pub(super) instance: Option<String>,
    pub(super) status: &'static str,
}

/// One job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Counts the jobs of a site, so that those of one instant have an order too.
    pub(super) serial: u64,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) kind: Kind,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) status: &'static str,
    pub(super) participants: Vec<Participant>,
    pub(super) tags: BTreeMap<String, String>,
    /// Log items: when, which event, which server, which instance.
    pub(super) log: Vec<Value>,
    /// Later steps last, so that the next one is popped.
    agenda: Vec<Due>,
}

/// A dated step: when, for which participant (if for one), what.
pub(super) type Due = (Timestamp, Option<usize>, Step);

/// What the agenda needs to know about a server to be launched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launchable {
    /// It has a consistent snapshot.
    pub(super) snapshot: bool,
    /// It replicates, so that a snapshot can be taken now.
    pub(super) fresh: bool,
    /// It has a recovery instance, which goes first.
    pub(super) replaces: bool,
}

impl Job {
    /// A pending job without participants.
    pub(super) fn new(arn: String, kind: Kind, created: Timestamp, tags: BTreeMap<String, String>) -> Self {
        let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            serial: 0,
            id,
            arn,
            kind,
            created,
            ended: None,
            status: "PENDING",
            participants: Vec::new(),
            tags,
            log: Vec::new(),
            agenda: Vec::new(),
        }
    }

    /// Writes the agenda: beginning, the steps of the participants, and an end after the last of them.
    pub(super) fn plan(&mut self, mut steps: Vec<Due>) {
        steps.push((after(self.created, 2), None, Step::Begin));
        let last = steps.iter().map(|(at, ..)| *at).max().unwrap_or(self.created);
        steps.push((after(last, 5), None, Step::End));
        steps.sort_by_key(|(at, ..)| *at);
        steps.reverse();
        self.agenda = steps;
    }

    /// The next step that is due at `now`.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Due> {
        let is_due = self.agenda.last().is_some_and(|(at, ..)| *at <= now);
        if is_due { self.agenda.pop() } else { None }
    }

    /// Whether the job still holds its servers and its place among the concurrent jobs.
    pub(super) fn is_active(&self) -> bool {
        self.status != "COMPLETED"
    }

    /// Adds a line to the log.
    pub(super) fn note(&mut self, at: Timestamp, event: &str, who: Option<usize>) {
        let mut data = json!({});
        if let Some(participant) = who.and_then(|index| self.participants.get(index)) {
            data["sourceServerID"] = json!(participant.server);
            if event.starts_with("CONVERSION") {
                let server = format!("i-0{:016x}", hash(&format!("{}{}", self.id, participant.server)));
                data["conversionServerID"] = json!(server);
            }
            if event.contains("FAIL") {
                data["rawError"] = json!(format!("launch of {} failed", participant.server));
            }
        }
        self.log.push(json!({ "logDateTime": date_time(at), "event": event, "eventData": data }));
    }

    /// `Job` as the API answers it. The answer to the starting call does not say who began it.
    pub(super) fn show(&self, with_initiator: bool) -> Value {
        let mut shown = json!({
            "jobID": self.id,
            "arn": self.arn,
            "type": if self.kind == Kind::Terminate { "TERMINATE" } else { "LAUNCH" },
            "creationDateTime": date_time(self.created),
            "status": self.status,
            "participatingServers": self.participants.iter().map(Participant::show).collect::<Vec<_>>(),
            "tags": self.tags,
        });
        if with_initiator {
            shown["initiatedBy"] = json!(self.kind.initiated_by());
            shown["participatingResources"] = json!([]);
        }
        if let Some(ended) = self.ended {
            shown["endDateTime"] = json!(date_time(ended));
        }
        shown
    }
}

impl Kind {
    fn initiated_by(self) -> &'static str {
        match self {
            Self::Drill => "START_DRILL",
            Self::Recovery => "START_RECOVERY",
            Self::Failback => "FAILBACK",
            Self::Terminate => "TERMINATE_RECOVERY_INSTANCES",
        }
    }
}

impl Participant {
    fn show(&self) -> Value {
        let mut shown = json!({ "sourceServerID": self.server, "launchStatus": self.status });
        // AWS leaves the instance out now and then, even of a job that is over: here for half of the servers.
        if let Some(instance) = self.instance.as_ref().filter(|_| hash(&self.server).is_multiple_of(2)) {
            shown["recoveryInstanceID"] = json!(instance);
        }
        shown
    }
}

/// The steps that launch one participant, about 15 to 25 minutes in all.
pub(super) fn launch_steps(start: Timestamp, index: usize, server: Launchable, dice: &mut Dice) -> Vec<Due> {
    let mut at = after(start, dice.between(3, 20));
    let mut steps = Vec::new();
    let mut add = |at: Timestamp, step: Step| steps.push((at, Some(index), step));
    if server.replaces {
        add(at, Step::Note("CLEANUP_START"));
        at = after(at, dice.between(30, 90));
        add(at, Step::Note("CLEANUP_END"));
    }
    if server.fresh {
        add(at, Step::Note("SNAPSHOT_START"));
        at = after(at, dice.between(60, 240));
        add(at, Step::Note("SNAPSHOT_END"));
    } else if server.snapshot {
        add(at, Step::Note("USING_PREVIOUS_SNAPSHOT"));
    } else {
        add(at, Step::Note("SNAPSHOT_START"));
        add(after(at, 60), Step::Fail("SNAPSHOT_FAIL"));
        return steps;
    }
    add(at, Step::Note("CONVERSION_START"));
    at = after(at, dice.between(420, 900));
    add(at, Step::Note("CONVERSION_END"));
    add(at, Step::Note("LAUNCH_START"));
    add(after(at, dice.between(120, 360)), Step::Launch);
    steps
}

/// The steps that end one participant's recovery instance.
pub(super) fn terminate_steps(start: Timestamp, index: usize, dice: &mut Dice) -> Vec<Due> {
    let begin = after(start, dice.between(3, 10));
    let end = after(begin, dice.between(30, 120));
    vec![
        (begin, Some(index), Step::Note("CLEANUP_START")),
        (end, Some(index), Step::Note("CLEANUP_END")),
        (end, Some(index), Step::Terminate),
    ]
}
