//! What is watched, read again and again.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::cached::HistoryCache;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{JobRow, JobServerRow, Progress};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::registry::Registry;
use futures::{StreamExt, TryStreamExt, stream};

use super::super::read::Job;
use crate::hub::Hub;

/// How many jobs are read at a time.
const SIDE_BY_SIDE: usize = 16;

/// A job and how far it is.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) job: Job,
    pub(super) progress: Progress,
}

/// Which jobs are watched.
#[derive(Debug)]
enum Which {
    /// Those that run, and those that begin meanwhile; if given, only of a plan.
    Active(Option<String>),
    /// These. They may be in any of the places, and not be known yet.
    Named(Vec<JobId>),
}

/// Reads the jobs that are watched.
#[derive(Debug)]
pub(super) struct Rounds {
    registry: Registry,
    places: Vec<Place>,
    which: Which,
    history: HistoryCache,
    /// In the order in which they began.
    watched: Vec<Watched>,
}

impl Rounds {
    /// Of those that run in `places`.
    pub(super) fn of_active(registry: Registry, places: Vec<Place>, plan: Option<String>) -> Self {
        Self::of(registry, places, Which::Active(plan))
    }

    /// Of these jobs.
    pub(super) fn of_named(registry: Registry, places: Vec<Place>, jobs: Vec<JobId>) -> Self {
        Self::of(registry, places, Which::Named(jobs))
    }

    fn of(registry: Registry, places: Vec<Place>, which: Which) -> Self {
        Self { registry, places, which, history: HistoryCache::default(), watched: Vec::new() }
    }

    /// What is watched, as it was read last.
    pub(super) fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// Whether all that is watched is over.
    pub(super) fn are_over(&self) -> bool {
        let is_known = |id: &JobId| self.watched.iter().any(|watched| watched.job.row.id == *id);
        let are_known = match &self.which {
            Which::Active(_) => !self.watched.is_empty(),
            Which::Named(ids) => ids.iter().all(is_known),
        };
        are_known && self.watched.iter().all(|watched| !watched.job.row.is_active())
    }

    /// Reads once more: only what is not known to be over.
    pub(super) async fn next(&mut self, hub: &Hub) -> Result<(), IoError> {
        let keys: Vec<_> =
            self.candidates(hub).await?.iter().map(|(place, id)| keys::job(place, id)).collect();
        let rows = hub.io.read::<JobRow>(&keys).await?.into_iter().flatten().map(|stored| stored.row);
        let rows: Vec<JobRow> = rows.filter(|row| self.is_meant(row)).collect();
        let history = self.history.current(&hub.io).await?;
        let one = |row: JobRow| {
            let (registry, history) = (&self.registry, &history);
            async move {
                let servers = hub.rows::<JobServerRow>(&keys::job_servers(&row.place, &row.id)).await?;
                let progress = row.progress(&servers, history);
                Ok::<_, IoError>(Watched { job: Job::of(registry, row), progress })
            }
        };
        let read: Vec<Watched> = stream::iter(rows).map(one).buffered(SIDE_BY_SIDE).try_collect().await?;
        self.take(read);
        Ok(())
    }

    /// Jobs that may be watched and are not known to be over.
    async fn candidates(&self, hub: &Hub) -> Result<BTreeSet<(Place, JobId)>, IoError> {
        let known: BTreeMap<_, _> =
            self.watched.iter().map(|watched| (&watched.job.row.id, &watched.job.row)).collect();
        let mut candidates: BTreeSet<_> = known
            .values()
            .filter(|row| row.is_active())
            .map(|row| (row.place.clone(), row.id.clone()))
            .collect();
        match &self.which {
            Which::Active(_) => {
                let keys: Vec<_> = self.places.iter().map(keys::job_sweep).collect();
                for row in
                    hub.io.read::<JobSweepRow>(&keys).await?.into_iter().flatten().map(|stored| stored.row)
                {
                    let new = row.active.keys().filter(|id| !known.contains_key(id));
                    candidates.extend(new.map(|id| (row.place.clone(), id.clone())));
                }
            }
            Which::Named(ids) => {
                for id in ids.iter().filter(|id| !known.contains_key(id)) {
                    candidates.extend(self.places.iter().map(|place| (place.clone(), id.clone())));
                }
            }
        }
        Ok(candidates)
    }

    /// Whether a job that was read is watched. One that ended before it was ever seen to run is nobody's concern,
    /// unless it was named.
    fn is_meant(&self, row: &JobRow) -> bool {
        let is_known = self.watched.iter().any(|watched| watched.job.row.id == row.id);
        let is_of = |plan: &String| row.plan.as_ref().is_some_and(|is| is.eq_ignore_ascii_case(plan));
        match &self.which {
            _ if is_known => true,
            Which::Active(plan) => row.is_active() && plan.as_ref().is_none_or(is_of),
            Which::Named(_) => true,
        }
    }

    fn take(&mut self, read: Vec<Watched>) {
        for watched in read {
            match self.watched.iter_mut().find(|known| known.job.row.id == watched.job.row.id) {
                Some(known) => *known = watched,
                None => self.watched.push(watched),
            }
        }
        self.watched.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

fn order(watched: &Watched) -> impl Ord + '_ {
    let row = &watched.job.row;
    (row.started_at(), &row.place, &row.id)
}
