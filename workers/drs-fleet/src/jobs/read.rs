//! The jobs of many places, and which of them a person means.

use anyhow::bail;
use drs_fleet_domain::job::{JobRow, JobServerRow};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::registry::Registry;

use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{begins_with, counted};

/// How many candidates an error names.
const NAMED: usize = 10;

/// What every id of a job begins with; a person may leave it out.
const PREFIX: &str = "drsjob-";

/// A job and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) account_name: String,
    pub(super) row: JobRow,
}

impl Job {
    /// A job, with the name of its account.
    pub(super) fn of(registry: &Registry, row: JobRow) -> Self {
        Self { account_name: registry.account_name(&row.place.account).to_owned(), row }
    }
}

/// Reads the jobs of `places`, the newest first.
pub(super) async fn all(hub: &Hub, registry: &Registry, places: Vec<Place>) -> Found<Job> {
    let one = async |place: Place| hub.rows::<JobRow>(&keys::jobs(&place)).await;
    let Found { found, unread } = places::each(places, one).await;
    let mut found: Vec<_> = found.into_iter().flatten().map(|row| Job::of(registry, row)).collect();
    let began = |job: &Job| job.row.started_at().unwrap_or_else(|| job.row.moved_at());
    found.sort_by(|a, b| (began(b), &b.row.id).cmp(&(began(a), &a.row.id)));
    Found { found, unread }
}

/// What a job did with its servers: those that failed first, then those that are not done, each by name.
pub(super) async fn servers(hub: &Hub, job: &JobRow) -> anyhow::Result<Vec<JobServerRow>> {
    let mut servers = hub.rows::<JobServerRow>(&keys::job_servers(&job.place, &job.id)).await?;
    servers.sort_by(|a, b| order(a).cmp(&order(b)));
    Ok(servers)
}

fn order(server: &JobServerRow) -> impl Ord + '_ {
    let rank = match server.launch_status.as_str() {
        "FAILED" => 0,
        _ if !server.is_done() => 1,
        _ => 2,
    };
    (rank, server.label(), &server.server)
}

/// Whether a job has this id, or one that begins so.
pub(super) fn is_meant(job: &JobRow, given: &str) -> bool {
    let id = job.id.as_str();
    begins_with(id, given) || id.strip_prefix(PREFIX).is_some_and(|rest| begins_with(rest, given))
}

/// The one job that `given` means: its id, or the beginning of it.
pub(super) fn one<'a>(jobs: &'a [Job], given: &str) -> anyhow::Result<&'a Job> {
    let all: Vec<_> = jobs.iter().filter(|job| is_meant(&job.row, given)).collect();
    match all[..] {
        [] => {
            bail!("no job has an id that begins with {given:?}; `drs-fleet jobs list --since 400d` shows all")
        }
        [one] => Ok(one),
        ref several => {
            let name =
                |job: &&&Job| format!("\n  {} ({}, {})", job.row.id, job.account_name, job.row.label());
            let named: Vec<_> = several.iter().take(NAMED).map(|job| name(&job)).collect();
            let more = if several.len() > NAMED { "\n  …" } else { "" };
            bail!("{given:?} may mean any of {}:{}{more}", counted(several.len(), "job"), named.concat())
        }
    }
}
