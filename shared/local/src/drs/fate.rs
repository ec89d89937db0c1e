//! What is in store for the next launch of a server or the next recovery of a network.

use jiff::Timestamp;
use serde::Deserialize;

use super::agenda::Step;
use super::job::Job;
use super::site::Site;
use crate::events::ServiceEvent;

/// A part of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPhase {
    /// The snapshot to launch from.
    Snapshot,
    /// Its conversion.
    Conversion,
    /// The launch itself; of a source network, its deployment.
    Launch,
}

/// How a launch is to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchFailure {
    /// In which phase.
    pub phase: LaunchPhase,
    /// `rawError` of the log.
    pub raw_error: String,
}

/// What is in store for a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Fails(LaunchFailure),
    /// The job leaves the server out.
    Skipped,
}

impl Site {
    /// Whether a participant does not come to a step, because of its fate or by chance; what happens instead is done.
    pub(super) fn is_prevented(
        &mut self,
        job: &mut Job,
        at: Timestamp,
        (who, step): (usize, &Step),
        events: &mut Vec<ServiceEvent>,
    ) -> bool {
        let Some(participant) = job.participants.get(who) else { return false };
        let (id, is_first) = (participant.id.clone(), participant.status == "PENDING");
        let fails = failing(step);
        let chance = if *step == Step::Launch { self.settings.failures } else { 0.0 };
        match (self.fates.get(&id), fails) {
            (Some(Fate::Skipped), _) if is_first => {
                // AWS does not say how the API shows a skipped server: as never begun is the least that is true.
                job.note(at, "SERVER_SKIPPED", Some(who));
                job.agenda.give_up(who);
            }
            (Some(Fate::Fails(failure)), Some((phase, event))) if failure.phase == phase => {
                let raw_error = failure.raw_error.clone();
                self.fail(job, at, (who, event, &raw_error), events);
            }
            (_, Some((_, event))) if self.dice.chance(chance) => {
                self.fail(job, at, (who, event, &by_chance(&id)), events);
                return true;
            }
            _ => return false,
        }
        self.fates.remove(&id);
        true
    }
}

/// The phase that a step ends well, and the line of the log when it ends badly.
fn failing(step: &Step) -> Option<(LaunchPhase, &'static str)> {
    match step {
        Step::Note("SNAPSHOT_END") => Some((LaunchPhase::Snapshot, "SNAPSHOT_FAIL")),
        Step::Note("USING_PREVIOUS_SNAPSHOT") => {
            Some((LaunchPhase::Snapshot, "USING_PREVIOUS_SNAPSHOT_FAILED"))
        }
        Step::Note("CONVERSION_END") => Some((LaunchPhase::Conversion, "CONVERSION_FAIL")),
        Step::Launch => Some((LaunchPhase::Launch, "LAUNCH_FAILED")),
        Step::Note("DEPLOY_NETWORK_CONFIGURATION_END") => {
            Some((LaunchPhase::Launch, "DEPLOY_NETWORK_CONFIGURATION_FAILED"))
        }
        Step::Note("UPDATE_NETWORK_CONFIGURATION_END") => {
            Some((LaunchPhase::Launch, "UPDATE_NETWORK_CONFIGURATION_FAILED"))
        }
        _ => None,
    }
}

/// What the log says of a failure that has no text of its own.
pub(super) fn by_chance(id: &str) -> String {
    format!("launch of {id} failed")
}
