//! `jobs show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::cached::Held;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident;
use drs_fleet_domain::job::{JobServerRow, Progress};
use drs_fleet_domain::pace::History;
use drs_fleet_domain::policy::RTO_TAG;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::{self, Job};
use super::{list, servers, words};
use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{ago, counted, fact, length, plain, second};

/// What `jobs show` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet jobs show drsjob-04ca7d0d3fb6afa3e
  drs-fleet jobs show 04ca                        the only one whose id begins so
  drs-fleet jobs show 04ca --failed               only its servers that failed, with the reasons

RTO of a server is from the start of the job until the server was launched, beside its objective: the tag \
drs-fleet:rto.")]
pub(crate) struct Arguments {
    /// Its id, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Only the servers that failed
    #[arg(long)]
    failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A job and all that is known of it.
struct Shown<'a> {
    job: &'a Job,
    servers: Vec<JobServerRow>,
    progress: Progress,
    history: History,
    read_at: Timestamp,
}

/// Shows a job.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let Found { found, unread } = read::all(hub, &registry, places::drs(&registry).collect()).await;
    let job = match read::one(&found, &arguments.job) {
        Ok(job) => job,
        Err(unknown) => return places::complain(&unread).and(Err(unknown)),
    };
    let servers = read::servers(hub, &job.row).await.with_context(|| hub.unreadable())?;
    let history = History::load(&hub.io).await.with_context(|| hub.unreadable())?;
    let progress = job.row.progress(&servers, &history);
    let shown = Shown { job, servers, progress, history, read_at: hub.io.now() };
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown.to_json(arguments.failed))?)?;
    } else {
        write!(out, "{}", shown.print(arguments.failed))?;
        writeln!(out, "\nTable {}, read at {}.", hub.table, second(shown.read_at))?;
    }
    Ok(())
}

impl Shown<'_> {
    fn servers(&self, only_failed: bool) -> Vec<&JobServerRow> {
        self.servers.iter().filter(|server| !only_failed || server.launch_status == "FAILED").collect()
    }

    fn to_json(&self, only_failed: bool) -> Value {
        let row = &self.job.row;
        let server = |server: &&JobServerRow| {
            json!({
                "server": server,
                "recovery_seconds": server.recovery_time(row).map(|time| time.as_secs()),
                "late": server.is_late(row),
                "phase": server.phase().filter(|_| row.is_active() && !server.is_done()).map(|(phase, _)| phase),
                "reason": servers::reason(server),
            })
        };
        let mut all = list::to_json(self.job);
        all["read_at"] = json!(self.read_at);
        all["progress"] = json!(self.progress);
        all["servers"] = self.servers(only_failed).iter().map(server).collect();
        all
    }

    fn print(&self, only_failed: bool) -> String {
        let mut text = format!("{}  {}\n", self.job.row.id, plain(&self.job.row.label()));
        text += &self.identity();
        text += &self.times();
        text += &self.standing();
        for (kind, incident) in incident::open(&self.job.row.incidents) {
            let opened = ago(self.read_at, incident.opened_at);
            let told = format!("{} {kind}, opened {opened}: {}", incident.severity, plain(&incident.reason));
            text += &fact("incident", &told);
        }
        let servers = self.servers(only_failed);
        text + "\n"
            + &match (servers.is_empty(), only_failed) {
                (false, _) => servers::print(&self.job.row, &servers, self.read_at),
                (true, true) => "No server of it failed.\n".to_owned(),
                (true, false) => "Its servers are not known.\n".to_owned(),
            }
    }

    /// What it is, and who started it.
    fn identity(&self) -> String {
        let Job { account_name, row } = self.job;
        let mut text = fact(
            "account",
            &format!("{} ({}), {}", row.place.account, plain(account_name), row.place.region),
        );
        let by = |by: &String| format!(", initiated by {}", plain(by));
        let kind = row.kind.as_deref().map_or_else(|| "not known yet".to_owned(), plain);
        text += &fact("type", &format!("{kind}{}", row.initiated_by.as_ref().map(by).unwrap_or_default()));
        if let Some(plan) = &row.plan {
            text += &fact("plan", &plain(plan));
        }
        let Some(call) = &row.call else {
            return text + &fact("started by", "not known: CloudTrail told of no call");
        };
        let who = call.by.principal.as_deref().map_or_else(|| "somebody".to_owned(), plain);
        text += &fact("started by", &format!("{who} ({})", plain(&call.name)));
        let more = [("role", &call.by.role), ("from", &call.by.ip)];
        let told = more.into_iter().filter_map(|(what, value)| Some(fact(what, &plain(value.as_ref()?))));
        text + &told.collect::<String>()
    }

    fn times(&self) -> String {
        let (row, now) = (&self.job.row, self.read_at);
        let when =
            |at: Option<Timestamp>| at.map_or_else(|| "not known".to_owned(), |at| words::when(at, now));
        let mut text = fact("started", &when(row.started_at()));
        if let Some(over) = row.over_at() {
            let gone = if row.gone_at.is_some() { ": found gone from AWS, its end was not seen" } else { "" };
            text += &fact("ended", &format!("{}{gone}", words::when(over, now)));
        }
        if let Some(deleted) = row.deleted_at {
            text += &fact("deleted", &words::when(deleted, now));
        }
        let so_far = if row.is_active() { " so far" } else { "" };
        if let Some(takes) = words::takes(row, now) {
            text += &fact("takes", &format!("{takes}{so_far}"));
        }
        if let Some(end) = self.progress.expected_end {
            let usual = self.history.usual(row.purpose()).map(length).unwrap_or_default();
            let ahead = words::ahead(end, now);
            text += &fact("expected end", &format!("{}, {ahead}: such jobs take {usual}", second(end)));
        }
        text
    }

    /// How far it is, or what came of it.
    fn standing(&self) -> String {
        let (row, now) = (&self.job.row, self.read_at);
        let state = row.outcome().map_or_else(|| plain(&row.status), |outcome| outcome.to_string());
        let mut text = fact("state", &format!("{state}: {}", words::counts(row, &self.progress)));
        if let Some(slowest) = &self.progress.slowest {
            let told = format!("{}, first {}", words::slowest(slowest, now), plain(&slowest.server));
            text += &fact("slowest", &told);
        }
        if let Some(step) = row.step.as_ref().filter(|_| row.is_active()) {
            text += &fact("last step", &format!("{}, {}", plain(&step.event), ago(now, step.at)));
        }
        if let Some(time) = row.recovery_time() {
            text += &fact("RTO", &format!("{} to the last server that was launched", length(time)));
        }
        let judged: Vec<_> = self.servers.iter().filter_map(|server| server.is_late(row)).collect();
        let late = judged.iter().filter(|late| **late).count();
        if !judged.is_empty() {
            let told = format!(
                "{late} of {} took longer than their tag {RTO_TAG} allows",
                counted(judged.len(), "server")
            );
            text += &fact("objectives", &told);
        }
        if row.networks > 0 {
            text += &fact("networks", &row.networks.to_string());
        }
        if let Some(running) = row.running.filter(|running| running.instances > 0) {
            let told = counted(running.instances as usize, "instance");
            text += &fact("running", &format!("{told} of it, counted {}", ago(now, running.at)));
        }
        if let Some(failures) =
            row.failures.as_ref().filter(|failures| failures.servers < self.progress.failed)
        {
            let made_up = self.progress.failed - failures.servers;
            text += &fact("made up for", &format!("{made_up} of those that failed were launched since"));
        }
        text
    }
}
