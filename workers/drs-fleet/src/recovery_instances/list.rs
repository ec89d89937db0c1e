//! `recovery-instances list`.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::recovery::cost::{self, Sum};
use drs_fleet_domain::recovery::{CostClass, RecoveryRow};
use drs_fleet_domain::registry::Registry;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::{self, Instance};
use crate::accounts::load;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Where};
use crate::text::{lasting, plain, second, table, typed_length};

/// What every state of a failback begins with; a person may leave it out.
const PREFIX: &str = "FAILBACK_";

/// What `recovery-instances list` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// Only those of drills
    #[arg(long)]
    drill: bool,
    /// Only those launched longer ago than this
    #[arg(long, value_name = "TIME", value_parser = typed_length)]
    older_than: Option<Duration>,
    /// Only those in this state of failback, such as ERROR or `FAILBACK_ERROR`; several with commas
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    failback: Vec<String>,
    /// Also those that are gone from AWS; they are kept for 90 days
    #[arg(long)]
    gone: bool,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet recovery-instances list --drill --older-than 24h       what drills left running
  drs-fleet recovery-instances list --failback error,in_progress
  drs-fleet recovery-instances list --account Payments --json

CLASS is by cores and memory, for DRS does not tell the instance type: SMALL up to 2 cores and 8 GiB, MEDIUM up to 8 and
32, LARGE up to 32 and 128, HUGE above. The sums are over those that are shown and run.
Exits with 1 where a place could not be read; the rest is shown.";

/// Lists recovery instances.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let Found { mut found, unread } = read::read(hub, &registry, places).await;
    let now = hub.io.now();
    found.retain(|instance| arguments.wants(&instance.row, now));
    let reader = if arguments.json { Reader::Program } else { Reader::Person };
    let shown = arguments.paging.shown(&found, reader);
    let sums = cost::sums(found.iter().map(|instance| &instance.row), now);
    let footer = format!("Table {}, read at {}.", hub.table, second(now));
    if arguments.json {
        let instances: Vec<_> = shown.iter().map(to_json).collect();
        let sums: Vec<_> = sums.iter().map(|(of, sum)| sum_to_json(&registry, of, sum)).collect();
        let all = json!({
            "read_at": now, "total": found.len(), "instances": instances, "running": sums, "unread": unread,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if found.is_empty() {
        writeln!(out, "No recovery instance is as asked. {footer}")?;
    } else {
        write!(out, "{}", print(shown, now))?;
        writeln!(out, "\n{}", arguments.paging.told("instance", shown.len(), found.len()))?;
        write!(out, "\n{}", print_sums(&registry, &sums))?;
        writeln!(out, "\n{footer}")?;
    }
    places::complain(&unread)
}

impl Arguments {
    fn wants(&self, row: &RecoveryRow, now: Timestamp) -> bool {
        let is_old = |least: Duration| {
            let since = now.checked_sub(least).unwrap_or(Timestamp::MIN);
            row.since().is_some_and(|launched| launched <= since)
        };
        (self.gone || row.gone_since.is_none())
            && (!self.drill || row.drill == Some(true))
            && self.older_than.is_none_or(is_old)
            && (self.failback.is_empty() || self.failback.iter().any(|asked| is_in(row, asked)))
    }
}

fn is_in(row: &RecoveryRow, asked: &str) -> bool {
    let state = row.failback.as_ref().map(|failback| failback.state.as_str());
    state.is_some_and(|state| {
        state.eq_ignore_ascii_case(asked) || without_prefix(state).eq_ignore_ascii_case(asked)
    })
}

fn without_prefix(state: &str) -> &str {
    state.strip_prefix(PREFIX).unwrap_or(state)
}

/// The row as it is stored, and what follows from it.
fn to_json(instance: &Instance) -> Value {
    let Instance { account_name, row, incidents } = instance;
    json!({
        "account_name": account_name,
        "label": row.label(),
        "runs": row.runs(),
        "since": row.since(),
        "cost_class": row.cost_class(),
        "incidents": incidents,
        "instance": row,
    })
}

fn sum_to_json(registry: &Registry, (account, class): &(AccountId, CostClass), sum: &Sum) -> Value {
    json!({
        "account": account,
        "account_name": registry.account_name(account),
        "cost_class": class,
        "instances": sum.instances,
        "cores": sum.cores,
        "core_hours": sum.core_hours(),
    })
}

fn print(instances: &[Instance], now: Timestamp) -> String {
    let headings = [
        "SERVER", "INSTANCE", "ACCOUNT", "REGION", "KIND", "JOB", "PLAN", "AGE", "STATE", "CLASS",
        "FAILBACK", "INCIDENT",
    ];
    let none = || "-".to_owned();
    let line = |instance: &Instance| {
        let row = &instance.row;
        let kinds: Vec<_> = instance.incidents.iter().map(|kind| kind.as_str()).collect();
        [
            plain(row.label()),
            row.id.to_string(),
            plain(&instance.account_name),
            row.place.region.to_string(),
            row.drill.map_or("?", |drill| if drill { "drill" } else { "recovery" }).to_owned(),
            row.job.as_ref().map_or_else(none, ToString::to_string),
            row.plan.as_deref().map_or_else(none, plain),
            row.since().map_or_else(|| "?".to_owned(), |since| lasting(since, row.gone_since.unwrap_or(now))),
            state(row),
            class(row),
            row.failback.as_ref().map_or_else(none, |failback| plain(without_prefix(&failback.state))),
            if kinds.is_empty() { none() } else { kinds.join(",") },
        ]
    };
    table(headings, &instances.iter().map(line).collect::<Vec<_>>())
}

/// The state of its machine, or that it is gone from AWS.
fn state(row: &RecoveryRow) -> String {
    match (&row.gone_since, &row.machine) {
        (Some(_), _) => "GONE".to_owned(),
        (None, Some(machine)) => plain(&machine.state),
        (None, None) => "?".to_owned(),
    }
}

/// `MEDIUM (4 cores, 16 GiB)`.
fn class(row: &RecoveryRow) -> String {
    let class = row.cost_class();
    let size = row.machine.as_ref().map(|machine| machine.size).unwrap_or_default();
    match class {
        CostClass::Unknown => class.to_string(),
        _ => format!("{class} ({} cores, {} GiB)", size.cores, size.ram.div_ceil(1 << 30)),
    }
}

/// What runs, by account and class.
fn print_sums(registry: &Registry, sums: &BTreeMap<(AccountId, CostClass), Sum>) -> String {
    if sums.is_empty() {
        return "None of them runs.\n".to_owned();
    }
    let headings = ["ACCOUNT", "NAME", "CLASS", "RUNNING", "CORES", "CORE HOURS"];
    let line = |[account, name, class]: [String; 3], sum: &Sum| {
        [account, name, class, sum.instances.to_string(), sum.cores.to_string(), sum.core_hours().to_string()]
    };
    let each = sums.iter().map(|((account, class), sum)| {
        line([account.to_string(), plain(registry.account_name(account)), class.to_string()], sum)
    });
    let all = line(["all".to_owned(), String::new(), String::new()], &cost::total(sums.values()));
    table(headings, &each.chain([all]).collect::<Vec<_>>())
}
