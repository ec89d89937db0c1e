//! `jobs limits`.

use std::collections::BTreeSet;
use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::fleet::Use;
use drs_fleet_domain::job::{JobRow, JobServerRow};
use drs_fleet_domain::job_room::{ERROR, ERROR_STATUS, Refusal, Room, Stored, Verdict};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::quota::{Quota, QuotaValue, QuotasRow};
use drs_fleet_domain::registry::Registry;
use futures::future::{try_join, try_join_all};
use jiff::Timestamp;
use serde_json::json;

use crate::accounts::load;
use crate::capacity;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::places::{self, Found, Where};
use crate::text::{ago_or_never, counted, plain, second, table};

/// What `jobs limits` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet jobs limits --region us-west-2
  drs-fleet jobs limits --servers 250             whether each account takes a recovery of 250 servers now

JOBS and IN JOBS are the jobs that run and the servers in them, each of its quota; BUSY are the servers that are known to
be in a job now, each of which AWS refuses to put into another one (ConflictException). With --servers, the answer is for
servers that are in no job. What began since the jobs were last swept counts as far as events told it.
Ends with 2 when a place refuses the servers even if they are split; with 1 where a place could not be read.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// Say whether a recovery or drill of so many servers would be refused
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    servers: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows what each place still takes, the fullest first.
pub(super) async fn limits(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let Found { found: mut rooms, unread } = places::each(places, |place| room(hub, &registry, place)).await;
    rooms.sort_by_key(|room| std::cmp::Reverse(fullness(&room.jobs).max(fullness(&room.servers_in_jobs))));
    let verdicts: Option<Vec<Verdict>> =
        arguments.servers.map(|servers| rooms.iter().map(|room| room.verdict(servers)).collect());
    let now = hub.io.now();
    if arguments.json {
        let place = |(n, room): (usize, &Room)| {
            let mut shown = json!(room);
            shown["verdict"] = json!(verdicts.as_ref().and_then(|all| all.get(n)));
            shown
        };
        let shown: Vec<_> = rooms.iter().enumerate().map(place).collect();
        let all = json!({ "read_at": now, "servers": arguments.servers, "places": shown, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        write!(out, "{}", print(&rooms, now))?;
        if let (Some(servers), Some(verdicts)) = (arguments.servers, &verdicts) {
            write!(out, "\n{}", print_verdicts(&rooms, servers, verdicts))?;
        }
        write!(out, "\n{}", footer(&rooms))?;
        writeln!(out, "Table {}, read at {}.", hub.table, second(now))?;
    }
    places::complain(&unread)?;
    let is_refused = verdicts.iter().flatten().any(|verdict| verdict.split.is_some());
    Ok(if is_refused { Outcome::Wanting } else { Outcome::Fine })
}

/// How full a quota is, in a thousandth; what is not known comes first.
fn fullness(used: &Use) -> u64 {
    let share = |n: u32| u64::from(n) * 1_000 / u64::from(used.quota.value.max(1));
    used.used.map_or(u64::MAX, share)
}

async fn room(hub: &Hub, registry: &Registry, place: Place) -> Result<Room, IoError> {
    let sweep = hub.row::<JobSweepRow>(keys::job_sweep(&place));
    let (sweep, quotas) = try_join(sweep, hub.row::<QuotasRow>(keys::quotas(&place))).await?;
    let account_name = registry.account_name(&place.account);
    let servers = busy(hub, &place).await?;
    let (sweep, quotas) = (sweep.as_ref(), quotas.as_ref());
    Ok(Room::of(&Stored { place: &place, account_name, sweep, quotas, servers: &servers }))
}

/// The servers of the jobs that run.
async fn busy(hub: &Hub, place: &Place) -> Result<Vec<JobServerRow>, IoError> {
    let jobs = hub.rows::<JobRow>(&keys::jobs(place)).await?;
    let active: Vec<_> =
        jobs.iter().filter(|job| job.is_active()).map(|job| keys::job_servers(place, &job.id)).collect();
    Ok(try_join_all(active.iter().map(|range| hub.rows(range))).await?.concat())
}

fn print(rooms: &[Room], now: Timestamp) -> String {
    let headings = ["ACCOUNT", "NAME", "REGION", "JOBS", "IN JOBS", "BUSY", "PER JOB", "SWEPT"];
    let line = |room: &Room| {
        [
            room.place.account.to_string(),
            plain(&room.account_name),
            room.place.region.to_string(),
            capacity::of_quota(&room.jobs),
            capacity::of_quota(&room.servers_in_jobs),
            room.busy.to_string(),
            room.servers_per_job.value.to_string(),
            ago_or_never(now, room.swept_at),
        ]
    };
    table(headings, &rooms.iter().map(line).collect::<Vec<_>>())
}

fn print_verdicts(rooms: &[Room], servers: u32, verdicts: &[Verdict]) -> String {
    let what = counted(servers as usize, "server");
    let line = |(room, verdict): (&Room, &Verdict)| {
        [plain(&room.account_name), room.place.region.to_string(), told(verdict)]
    };
    let lines: Vec<_> = rooms.iter().zip(verdicts).map(line).collect();
    format!(
        "A recovery of {what}; AWS refuses with {ERROR} (HTTP {ERROR_STATUS}) and the code of the quota:\n{}",
        table(["ACCOUNT", "REGION", "ANSWER"], &lines)
    )
}

/// What AWS would say, and what can be done instead.
fn told(verdict: &Verdict) -> String {
    let split = || format!("split into {}", counted(verdict.jobs as usize, "job"));
    match (&verdict.as_one_job, &verdict.split) {
        (None, _) => "taken as one job".to_owned(),
        (Some(Refusal::Unknown), _) => refusal(&Refusal::Unknown),
        (Some(one), None) => format!("taken {}; refused as one: {}", split(), refusal(one)),
        (Some(one), Some(whole)) if one == whole && verdict.jobs > 1 => {
            format!("refused, also {}: {}", split(), refusal(one))
        }
        (Some(one), Some(whole)) if one == whole => format!("refused: {}", refusal(one)),
        (Some(one), Some(whole)) => {
            format!("refused as one job: {}; {}: {}", refusal(one), split(), refusal(whole))
        }
    }
}

fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Quota { code, of, wanted, limit, .. } => {
            format!("{wanted} {of}, {limit} allowed ({code})")
        }
        Refusal::Unknown => "not known, for its jobs were never looked at".to_owned(),
    }
}

/// Where the values of the quotas come from.
fn footer(rooms: &[Room]) -> String {
    type Value = fn(&Room) -> QuotaValue;
    let quotas: [(Quota, &str, Value); 4] = [
        (Quota::Jobs, "jobs at a time", |room| room.jobs.quota),
        (Quota::ServersInJobs, "servers in all jobs", |room| room.servers_in_jobs.quota),
        (Quota::ServersPerJob, "servers in one job", |room| room.servers_per_job),
        (Quota::JobsPerServer, "jobs at a time with one server", |room| room.jobs_per_server),
    ];
    let line = |(quota, what, value): &(Quota, &str, Value)| {
        let values: BTreeSet<_> = rooms.iter().map(|room| value(room).value).collect();
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        let origins: Vec<_> = rooms.iter().map(|room| value(room).origin).collect();
        format!("Quota {}, {what}: {}, {}.\n", quota.code(), values.join(" or "), capacity::origins(&origins))
    };
    quotas.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(code: &'static str) -> Refusal {
        Refusal::Quota { code, of: "servers", wanted: 150, limit: 100, error: ERROR, status: ERROR_STATUS }
    }

    #[test]
    fn the_answer_leads_with_what_can_be_done() {
        let answer = |as_one_job, jobs, split| told(&Verdict { as_one_job, jobs, split });
        let (large, full) = (|| Some(quota("L-1")), || Some(quota("L-2")));
        let unknown = || Some(Refusal::Unknown);
        let lines = [
            answer(None, 1, None),
            answer(large(), 2, None),
            answer(full(), 1, full()),
            answer(full(), 2, full()),
            answer(large(), 2, full()),
            answer(unknown(), 1, unknown()),
            answer(large(), 2, unknown()),
        ];
        let expected = "taken as one job
taken split into 2 jobs; refused as one: 150 servers, 100 allowed (L-1)
refused: 150 servers, 100 allowed (L-2)
refused, also split into 2 jobs: 150 servers, 100 allowed (L-2)
refused as one job: 150 servers, 100 allowed (L-1); split into 2 jobs: 150 servers, 100 allowed (L-2)
not known, for its jobs were never looked at
refused as one job: 150 servers, 100 allowed (L-1); split into 2 jobs: not known, for its jobs were never looked at";
        assert_eq!(lines.join("\n"), expected);
    }
}
