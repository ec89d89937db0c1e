//! The agenda of a job: dated steps, drawn when the job is made and handed out as time passes.

use jiff::Timestamp;

use super::dice::Dice;
use super::initiator::InitiatedBy;
use super::stamp::{after, milliseconds, shift};

/// Seconds from the last step of the participants to the end of the job.
const END: i64 = 5;

/// One step, mostly of one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The job is taken up.
    Begin,
    /// Nothing but a line in the job's log.
    Note(&'static str),
    /// The participant is launched.
    Launch,
    /// The participant has all that the job does for it, short of a launch.
    Done,
    /// The participant cannot be launched; the log says this.
    Fail(&'static str),
    /// The participant's recovery instance is gone.
    Terminate,
    /// All is done.
    End,
}

/// A dated step: when, for which participant (if for one), what.
pub(super) type Due = (Timestamp, Option<usize>, Step);

/// What is still to be done.
#[derive(Clone, Debug)]
pub(super) struct Agenda {
    /// Later steps last, so that the next one is popped.
    steps: Vec<Due>,
    /// When the last step was that was handed out.
    last: Timestamp,
    /// Whether the end was handed out.
    over: bool,
    /// Since when nothing is handed out.
    stuck: Option<Timestamp>,
}

impl Agenda {
    /// The beginning of a job that was created then, and the steps of its participants.
    pub(super) fn new(created: Timestamp, mut steps: Vec<Due>) -> Self {
        steps.push((after(created, 2), None, Step::Begin));
        steps.sort_by_key(|(at, ..)| *at);
        steps.reverse();
        Self { steps, last: created, over: false, stuck: None }
    }

    /// The next step that is due at `now`; the end follows the last one.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Due> {
        let end = || (after(self.last, END), None, Step::End);
        let next = self.steps.last().cloned().or_else(|| (!self.over).then(end));
        let next = next.filter(|(at, ..)| *at <= now && self.stuck.is_none())?;
        self.over = self.steps.pop().is_none();
        self.last = next.0;
        Some(next)
    }

    /// Takes all that is left of a participant off the agenda.
    pub(super) fn give_up(&mut self, participant: usize) {
        self.steps.retain(|(_, who, _)| *who != Some(participant));
    }

    /// Nothing more is due until it is released.
    pub(super) fn stick(&mut self, now: Timestamp) {
        self.stuck = self.stuck.or(Some(milliseconds(now)));
    }

    /// Goes on where it stuck: all that is left comes as much later as it was stuck.
    pub(super) fn release(&mut self, now: Timestamp) {
        let Some(stuck) = self.stuck.take() else { return };
        let late = milliseconds(now).duration_since(stuck);
        self.last = shift(self.last, late);
        self.steps.iter_mut().for_each(|(at, ..)| *at = shift(*at, late));
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }
}

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

/// The steps of one participant, written one after the other.
struct Steps {
    who: usize,
    at: Timestamp,
    written: Vec<Due>,
}

impl Steps {
    fn from(start: Timestamp, who: usize) -> Self {
        Self { who, at: start, written: Vec::new() }
    }

    fn then(&mut self, step: Step) -> &mut Self {
        self.written.push((self.at, Some(self.who), step));
        self
    }

    /// Seconds until the next step.
    fn pause(&mut self, seconds: i64) -> &mut Self {
        self.at = after(self.at, seconds);
        self
    }

    fn phase(&mut self, [start, end]: [&'static str; 2], seconds: i64) -> &mut Self {
        self.then(Step::Note(start)).pause(seconds).then(Step::Note(end))
    }

    /// A snapshot and its conversion. Says whether there was anything to convert.
    fn convert(&mut self, server: Launchable, dice: &mut Dice) -> bool {
        if server.fresh {
            self.phase(["SNAPSHOT_START", "SNAPSHOT_END"], dice.between(60, 240));
        } else if server.snapshot {
            self.then(Step::Note("USING_PREVIOUS_SNAPSHOT"));
        } else {
            self.then(Step::Note("SNAPSHOT_START")).pause(60).then(Step::Fail("SNAPSHOT_FAIL"));
            return false;
        }
        self.phase(["CONVERSION_START", "CONVERSION_END"], dice.between(420, 900));
        true
    }
}

/// The steps that launch one participant, about 15 to 25 minutes in all.
pub(super) fn launch(start: Timestamp, who: usize, server: Launchable, dice: &mut Dice) -> Vec<Due> {
    let mut steps = Steps::from(start, who);
    steps.pause(dice.between(3, 20));
    if server.replaces {
        steps.phase(["CLEANUP_START", "CLEANUP_END"], dice.between(30, 90));
    }
    if steps.convert(server, dice) {
        steps.then(Step::Note("LAUNCH_START")).pause(dice.between(120, 360)).then(Step::Launch);
    }
    steps.written
}

/// The steps that make a converted snapshot of one participant.
pub(super) fn convert(start: Timestamp, who: usize, server: Launchable, dice: &mut Dice) -> Vec<Due> {
    let mut steps = Steps::from(start, who);
    steps.pause(dice.between(3, 20));
    if steps.convert(server, dice) {
        steps.then(Step::Done);
    }
    steps.written
}

/// The steps that end one participant's recovery instance.
pub(super) fn terminate(start: Timestamp, who: usize, dice: &mut Dice) -> Vec<Due> {
    let mut steps = Steps::from(start, who);
    steps.pause(dice.between(3, 10));
    steps.phase(["CLEANUP_START", "CLEANUP_END"], dice.between(30, 120)).then(Step::Terminate);
    steps.written
}

/// The steps that recover one source network.
pub(super) fn network(start: Timestamp, who: usize, by: InitiatedBy, dice: &mut Dice) -> Vec<Due> {
    let mut steps = Steps::from(start, who);
    steps.pause(dice.between(3, 10));
    let deployed = match by {
        InitiatedBy::CreateNetworkRecovery => {
            Some(["DEPLOY_NETWORK_CONFIGURATION_START", "DEPLOY_NETWORK_CONFIGURATION_END"])
        }
        InitiatedBy::UpdateNetworkRecovery => {
            Some(["UPDATE_NETWORK_CONFIGURATION_START", "UPDATE_NETWORK_CONFIGURATION_END"])
        }
        _ => None,
    };
    if let Some(events) = deployed {
        steps.phase(events, dice.between(120, 480));
    }
    steps.phase(["UPDATE_LAUNCH_TEMPLATE_START", "UPDATE_LAUNCH_TEMPLATE_END"], dice.between(20, 60));
    steps.then(Step::Done);
    steps.written
}
