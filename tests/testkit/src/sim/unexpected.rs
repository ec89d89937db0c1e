//! What nothing in a history asks for: a row, an incident or an own event besides those that it comes to.

use std::collections::BTreeSet;

use drs_fleet_aws::io::Notice;
use drs_fleet_aws::memory::MemoryIo;
use serde_json::Value;

use super::bodies::{job_id, server_id};
use super::check::{Checked, Rows};
use super::draw::{PLACES, SERVERS, SPEAKER};
use super::history::{Event, History, Job, Step, Tells, Trouble, What};
use super::may;
use super::model::Model;
use super::told::Published;
use super::wrong::SMALL;
use crate::company::place;

/// Kinds of rows that the capacity-tracker keeps, or people.
const ALWAYS: [&str; 10] = [
    "account",
    "policy",
    "place",
    "server",
    "server-details",
    "unhandled",
    "counts-day",
    "counts-hour",
    "quotas",
    "instance-server",
];

/// Those that the other workers keep.
const WHOLE: [&str; 17] = [
    "heard",
    "job",
    "job-server",
    "job-sweep",
    "launches",
    "pace",
    "instance-tags",
    "server-tags",
    "tag-history",
    "tag-sweep",
    "incident",
    "group",
    "group-member",
    "delivery",
    "drill",
    "channel",
    "recovery-instance",
];

/// What may be there.
struct Expected {
    accounts: BTreeSet<String>,
    servers: BTreeSet<(String, String)>,
    jobs: BTreeSet<String>,
    incidents: BTreeSet<String>,
}

pub(super) fn check(
    history: &History,
    rows: &Rows,
    (world, published): (&MemoryIo, &[Published]),
    checked: &mut Checked,
) {
    let expected = Expected::of(history);
    for (kind, row) in rows.iter().flat_map(|(kind, rows)| rows.iter().map(move |row| (*kind, row))) {
        let may_be = ALWAYS.contains(&kind) || (history.whole && WHOLE.contains(&kind));
        if !may_be || !expected.has(kind, row) {
            checked.problem(format!("nothing asks for this {kind}: {row}"));
        }
    }
    for Published { kind, detail, .. } in published {
        if !expected.tells(kind, detail) {
            checked.problem(format!("nothing asks for this {kind}: {detail}"));
        }
    }
    for notice in world.notices() {
        if !matches!(notice, Notice::Topic { arn: None, .. } | Notice::SlackWebhook { secret: None, .. }) {
            checked.problem(format!("went to a channel that nobody has: {notice:?}"));
        }
    }
}

impl Expected {
    fn of(history: &History) -> Self {
        let model = Model::of(history);
        let is_refused = history.weather.has(Trouble::RoleRefused);
        let all = (0..PLACES).flat_map(|n| (0..SERVERS).map(move |server| (n, server)));
        let account = |n: u8| place(n.into()).account.to_string();
        let jobs = jobs(history);
        Self {
            accounts: (0..=SPEAKER).map(account).collect(),
            servers: all
                .filter(|server| !is_refused || model.spoken_of.contains(server))
                .map(|(n, server)| (account(n), server_id(server)))
                .collect(),
            jobs: jobs.iter().map(|(n, number)| job_id(&place((*n).into()), *number)).collect(),
            incidents: may::incidents(history, &model),
        }
    }

    /// Whether a row is about something that is there, and nothing else was ever wrong with it.
    fn has(&self, kind: &str, row: &Value) -> bool {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let account =
            text(row["place"]["account"].as_str().map_or(&row["account"], |_| &row["place"]["account"]));
        let of_account = self.accounts.contains(&account);
        match kind {
            // Which strangers are set aside is judged elsewhere.
            "unhandled" | "policy" | "group" | "delivery" | "drill" | "pace" | "channel" => true,
            "account" => self.accounts.contains(&text(&row["id"])),
            "server" | "server-details" => self.servers.contains(&(account, text(&row["id"]))),
            "job" => of_account && self.jobs.contains(&text(&row["id"])),
            "job-server" => of_account && self.jobs.contains(&text(&row["job"])),
            "incident" => self.incidents.contains(&text(&row["latest"]["incident"])),
            "group-member" => self.incidents.contains(&text(&row["event"]["incident"])),
            _ => of_account,
        }
    }

    fn tells(&self, kind: &str, detail: &Value) -> bool {
        let is_of =
            |all: &BTreeSet<String>, name: &str| detail[name].as_str().is_some_and(|of| all.contains(of));
        match kind {
            "Incident Opened" | "Incident Escalated" | "Incident Reopened" | "Incident Resolved" => {
                is_of(&self.incidents, "incident")
            }
            "Failback State Changed" => is_of(&self.accounts, "accountId"),
            "Job Started" | "Job Completed" | "Job Stuck" => is_of(&self.jobs, "jobId"),
            "Capacity Status Changed" => {
                let is_small = detail["accountId"] == place(SMALL.into()).account.as_str();
                is_of(&self.accounts, "accountId")
                    && (detail["status"] == "OK" || (is_small && detail["status"] == "CRITICAL"))
            }
            _ => false,
        }
    }
}

/// Account and number of all jobs that a history speaks of.
fn jobs(history: &History) -> BTreeSet<(u8, u8)> {
    let of = |step: &Step| match &step.what {
        What::Runs(Job { place, number, .. })
        | What::Comes(Event { place, tells: Tells::Started(number) | Tells::Launched(number, ..), .. }) => {
            Some((*place, *number))
        }
        _ => None,
    };
    history.steps.iter().filter_map(of).collect()
}
