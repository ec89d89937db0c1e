//! The drills and recoveries of a source server: when it was last launched, by whom, and how long that took. Written by
//! the job-monitor when a job ends; a server keeps the newest of each sort.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{JobId, SourceServerId};
use crate::job::{JobRow, JobServerRow, Purpose};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::span::Length;
use crate::sweep::after;

/// Kept so long after the last of them: three years.
const KEPT: Duration = Duration::from_hours(3 * 365 * 24);

/// The drills and recoveries of a source server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchesRow {
    /// Where it is.
    pub place: Place,
    /// Which server.
    pub server: SourceServerId,
    /// The last drill that launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Launch>,
    /// The last real recovery that launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Launch>,
    /// The last drill or recovery that failed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Launch>,
}

/// One launch of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// When its job began.
    pub at: Timestamp,
    /// Which job.
    pub job: JobId,
    /// Who started the job, where CloudTrail told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How long it took until the server was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Length>,
    /// Whether an event told when it was launched, to the second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// What its tag `drs-fleet:rto` allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Length>,
}

/// What became of a server in a drill or a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A drill launched it.
    Drilled(Launch),
    /// A recovery launched it.
    Recovered(Launch),
    /// It failed.
    Failed(Launch),
}

impl Row for LaunchesRow {
    const KIND: &'static str = "launches";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::launches(&self.place, &self.server)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let all = [&self.drill, &self.recovery, &self.failed];
        all.into_iter().flatten().map(|launch| after(launch.at, KEPT)).max()
    }
}

impl LaunchesRow {
    /// The last launch that succeeded, drill or recovery.
    pub fn last_success(&self) -> Option<&Launch> {
        self.drill.iter().chain(&self.recovery).max_by_key(|launch| launch.at)
    }
}

impl Ending {
    /// What a job that is over did with a server; `None` when it was no drill or recovery, or did nothing.
    pub fn of(job: &JobRow, server: &JobServerRow) -> Option<Self> {
        let launch = Launch {
            at: job.started_at()?,
            job: job.id.clone(),
            by: job.call.as_ref().and_then(|call| call.by.principal.clone()),
            took: server.recovery_time(job).map(Length),
            exact: server.is_launched() && server.result_at.is_some(),
            objective: server.objective,
        };
        match job.purpose() {
            Purpose::Drill | Purpose::Recovery if server.launch_status == "FAILED" => {
                Some(Self::Failed(launch))
            }
            Purpose::Drill if server.is_launched() => Some(Self::Drilled(launch)),
            Purpose::Recovery if server.is_launched() => Some(Self::Recovered(launch)),
            _ => None,
        }
    }
}

/// Decides what the ending of a job means for one of its servers.
pub fn decide(
    (place, server): (&Place, &SourceServerId),
    ending: &Ending,
    stored: Option<&LaunchesRow>,
) -> Option<Change<LaunchesRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| LaunchesRow {
        place: place.clone(),
        server: server.clone(),
        drill: None,
        recovery: None,
        failed: None,
    });
    let (known, launch) = match ending {
        Ending::Drilled(launch) => (&mut row.drill, launch),
        Ending::Recovered(launch) => (&mut row.recovery, launch),
        Ending::Failed(launch) => (&mut row.failed, launch),
    };
    if known.as_ref().is_none_or(|known| outweighs(launch, known)) {
        *known = Some(launch.clone());
    }
    Change::between(stored, row, Vec::new())
}

/// The newer job counts; of one job, what tells more: its beginning may be known better now than it was.
fn outweighs(new: &Launch, known: &Launch) -> bool {
    if new.job == known.job {
        return (new.exact, new.by.is_some()) >= (known.exact, known.by.is_some());
    }
    (new.at, &new.job) > (known.at, &known.job)
}

#[cfg(test)]
mod tests;
