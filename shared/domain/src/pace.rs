//! How long jobs take: learnt from those that ended, so that the end of the next one can be expected, and one that is
//! stuck be told from one that is slow.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::JobId;
use crate::incident::IncidentKind;
use crate::job::{JobRow, JobServerRow, Purpose};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// So many jobs of a place are remembered, the newest.
const REMEMBERED: usize = 24;

/// From so many jobs of one purpose on their usual length is known.
const ENOUGH_FOR_LENGTH: usize = 3;

/// From so many on the longest pause within them is known.
const ENOUGH_FOR_PAUSE: usize = 20;

/// However brisk the jobs before were, a job may rest so long.
const SHORTEST: Duration = Duration::from_mins(5);

/// The newest jobs of a place that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaceRow {
    /// Which place.
    pub place: Place,
    /// The newest last.
    pub jobs: Vec<Taken>,
}

/// How long a job took. Greater is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taken {
    /// When it ended.
    pub ended: Timestamp,
    /// Which job.
    pub job: JobId,
    /// What it was for.
    pub purpose: Purpose,
    /// From its start to its end, in seconds.
    pub seconds: u64,
    /// The longest time in which nothing of it moved, in seconds.
    pub pause: u64,
}

impl Row for PaceRow {
    const KIND: &'static str = "pace";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::pace(&self.place)
    }
}

impl Taken {
    /// How long a job took that is over; `None` where its beginning or end is not dated, and where it is no example: it
    /// was stuck, or its log, which tells how long it rested, was not read.
    pub fn of(job: &JobRow, servers: &[JobServerRow]) -> Option<Self> {
        let (started, ended) = (job.started_at()?, job.ended?);
        let is_logged = !job.purpose().launches() || servers.iter().any(|server| !server.phases.is_empty());
        if !is_logged || job.incidents.contains_key(&IncidentKind::JobStuck) {
            return None;
        }
        let of_phases =
            servers.iter().flat_map(|s| s.phases.values()).flat_map(|span| [span.start, span.end]);
        let of_servers = servers.iter().map(JobServerRow::done_at);
        let mut moves: Vec<_> = of_phases.chain(of_servers).flatten().chain([started, ended]).collect();
        moves.retain(|at| (started..=ended).contains(at));
        moves.sort_unstable();
        let pause = moves.windows(2).map(|pair| seconds(pair[0], pair[1])).max().unwrap_or_default();
        let seconds = seconds(started, ended);
        Some(Self { ended, job: job.id.clone(), purpose: job.purpose(), seconds, pause })
    }
}

/// Remembers how long a job took.
pub fn decide(place: &Place, taken: &Taken, stored: Option<&PaceRow>) -> Option<Change<PaceRow>> {
    let mut jobs: Vec<Taken> = stored.map(|row| row.jobs.clone()).unwrap_or_default();
    jobs.retain(|known| known.job != taken.job);
    jobs.push(taken.clone());
    jobs.sort_unstable();
    let too_many = jobs.len().saturating_sub(REMEMBERED);
    jobs.drain(..too_many);
    Change::between(stored, PaceRow { place: place.clone(), jobs }, Vec::new())
}

/// What is learnt of the jobs of the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(BTreeMap<Purpose, Past>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Past {
    /// Rising.
    seconds: Vec<u64>,
    /// Rising.
    pauses: Vec<u64>,
}

impl FromIterator<PaceRow> for History {
    fn from_iter<T: IntoIterator<Item = PaceRow>>(rows: T) -> Self {
        let mut all: BTreeMap<Purpose, Past> = BTreeMap::new();
        for taken in rows.into_iter().flat_map(|row| row.jobs) {
            let past = all.entry(taken.purpose).or_default();
            past.seconds.push(taken.seconds);
            past.pauses.push(taken.pause);
        }
        for past in all.values_mut() {
            past.seconds.sort_unstable();
            past.pauses.sort_unstable();
        }
        Self(all)
    }
}

impl History {
    /// How long a job for this usually takes: the median, where there were enough.
    pub fn usual(&self, purpose: Purpose) -> Option<Duration> {
        let past = self.0.get(&purpose).filter(|past| past.seconds.len() >= ENOUGH_FOR_LENGTH)?;
        past.seconds.get(past.seconds.len() / 2).copied().map(Duration::from_secs)
    }

    /// When a job for this rests longer, it is stuck: twice the pause that 99 of 100 stayed within, where there were
    /// enough.
    pub fn stuck_after(&self, purpose: Purpose) -> Option<Duration> {
        let past = self.0.get(&purpose).filter(|past| past.pauses.len() >= ENOUGH_FOR_PAUSE)?;
        let rank = (past.pauses.len() * 99).div_ceil(100).saturating_sub(1);
        let pause = past.pauses.get(rank).copied().map(Duration::from_secs)?;
        Some(pause.saturating_mul(2).max(SHORTEST))
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second().saturating_sub(from.as_second())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SourceServerId;
    use crate::job::{self, ServerObservation};
    use crate::policy::Limits;
    use crate::seen::JobLogSeen;

    fn place() -> Place {
        Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn taken(n: i64, seconds: u64, pause: u64) -> Taken {
        Taken {
            ended: Timestamp::from_second(1_000_000 + n).unwrap(),
            job: format!("drsjob-{n:017}").parse().unwrap(),
            purpose: Purpose::Drill,
            seconds,
            pause,
        }
    }

    fn row(jobs: impl Iterator<Item = Taken>) -> PaceRow {
        PaceRow { place: place(), jobs: jobs.collect() }
    }

    #[test]
    fn the_newest_jobs_are_remembered_in_whatever_order_they_are_told() {
        let all: Vec<_> = (0..40).map(|n| taken(n, 600, 60)).collect();
        let told = |order: &[Taken]| {
            order.iter().fold(None, |row, taken| {
                decide(&place(), taken, row.as_ref()).map(|change| change.row).or(row)
            })
        };
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        let row = told(&all).unwrap();
        assert_eq!(row.jobs, all[40 - REMEMBERED..]);
        assert_eq!(told(&reversed), Some(row.clone()));
        assert_eq!(decide(&place(), &all[39], Some(&row)), None, "a job that is told again");
    }

    #[test]
    fn nothing_is_learnt_from_few_jobs_and_outliers_do_not_set_the_length() {
        let few: History = [row((0..2).map(|n| taken(n, 600, 60)))].into_iter().collect();
        assert_eq!((few.usual(Purpose::Drill), few.stuck_after(Purpose::Drill)), (None, None));
        let some = row((0..18).map(|n| taken(n, 600, 400)));
        let slow = row([taken(18, 90_000, 2_000), taken(19, 700, 100)].into_iter());
        let history: History = [some, slow].into_iter().collect();
        assert_eq!(history.usual(Purpose::Drill), Some(Duration::from_mins(10)));
        assert_eq!(history.stuck_after(Purpose::Drill), Some(Duration::from_secs(4_000)));
        assert_eq!(history.usual(Purpose::Recovery), None, "another purpose");
    }

    #[test]
    fn brisk_jobs_do_not_make_the_next_one_suspect_at_once() {
        let history: History = [row((0..20).map(|n| taken(n, 60, 10)))].into_iter().collect();
        assert_eq!(history.stuck_after(Purpose::Drill), Some(SHORTEST));
    }

    #[test]
    fn a_job_that_was_stuck_or_of_which_no_log_was_read_is_no_example() {
        let at = |second| Timestamp::from_second(1_000_000 + second).unwrap();
        let id: JobId = "drsjob-00000000000000001".parse().unwrap();
        let job = JobRow {
            status: "COMPLETED".to_owned(),
            kind: Some("LAUNCH".to_owned()),
            initiated_by: Some("START_DRILL".to_owned()),
            drill: Some(true),
            created: Some(at(0)),
            ended: Some(at(1_000)),
            ..JobRow::unknown((&place(), &id))
        };
        let server = |lines: &[(i64, &str)]| {
            let server: SourceServerId = "s-12345678901234567".parse().unwrap();
            let line = |(second, event): &(i64, &str)| JobLogSeen {
                at: at(*second),
                event: (*event).to_owned(),
                server: Some(server.clone()),
                error: None,
            };
            let launched = ServerObservation::Result { launched: true, at: at(900) };
            let logged = lines.iter().map(line).map(ServerObservation::Logged);
            let all: Vec<_> = std::iter::once(launched).chain(logged).collect();
            job::decide_server((&place(), &id, &server), &all, None).unwrap().row
        };
        let logged = [server(&[(100, "SNAPSHOT_START"), (300, "SNAPSHOT_END")])];
        let taken = Taken::of(&job, &logged).unwrap();
        assert_eq!((taken.seconds, taken.pause), (1_000, 600), "from the snapshot to the launch");
        assert_eq!(Taken::of(&job, &[server(&[])]), None, "the pause is unknown");

        let limits = Limits::default();
        let context = job::Context { looked: true, ..job::Context::new("erp-prod", &limits, at(9_000)) };
        let active = JobRow { status: "STARTED".to_owned(), ended: None, ..job };
        let stuck = job::decide((&place(), &id), &[], Some(&active), &context).unwrap().row;
        let ended = JobRow { status: "COMPLETED".to_owned(), ended: Some(at(9_500)), ..stuck };
        assert_eq!(Taken::of(&ended, &logged), None, "it was stuck");
    }
}
