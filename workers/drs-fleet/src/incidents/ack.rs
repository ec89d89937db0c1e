//! `incidents ack`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, bail};
use drs_fleet_aws::ack::{Acknowledged, Acknowledger};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::keys;
use drs_fleet_domain::notification::{Ack, IncidentRow};
use drs_fleet_domain::notify::{GroupRow, MemberRow};
use drs_fleet_domain::row::Row;
use futures::future::try_join_all;

use super::read::{self, Which};
use super::show::acked;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{a_line, ago, counted, plain};

/// What stands in the place of names: all that is open and as asked.
const FILTERS: [&str; 5] = ["account", "region", "kind", "severity", "group"];

/// What `incidents ack` takes.
#[derive(clap::Args)]
#[command(
    after_help = "It holds until the incident is over, and where it is back within five minutes of its end: what is back \
later waits for somebody again. Of a group, what people were told of is acknowledged, and what joins it later is told.

Examples:
  drs-fleet incidents ack REPLICATION_STALLED/111122223333/us-west-2/s-1234567890abcdef0
  drs-fleet incidents ack erp-db-01 erp-db-02 --note 'disk is being replaced, ticket 4711'
  drs-fleet incidents ack --group 'default|kind=REPLICATION_STALLED|region=us-west-2'      all that a message tells of
  drs-fleet incidents ack --kind REPLICATION_STALLED --account Payments
  drs-fleet incidents ack --severity HIGH,CRITICAL --take-over      the next shift begins"
)]
pub(crate) struct Arguments {
    /// The incidents as `incidents list` names them, the beginnings of that, or the ids or names of their subjects
    #[arg(value_name = "INCIDENT", required_unless_present_any = FILTERS, conflicts_with_all = FILTERS)]
    incidents: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// What you say to it
    #[arg(long, value_parser = a_line)]
    note: Option<String>,
    /// Relieve those who acknowledged them before, as at the end of a shift
    #[arg(long)]
    take_over: bool,
    /// Who acknowledges them [default: you, as AWS or this machine knows you]
    #[arg(long, value_parser = a_line)]
    by: Option<String>,
}

/// Acknowledges incidents.
pub(super) async fn acknowledge(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Found { found, unread } = arguments.which.read(hub).await?;
    let acknowledger = Acknowledger::new(hub.io.clone(), WriteToken::for_command_of_a_person())
        .taking_over(arguments.take_over);
    let by = match &arguments.by {
        Some(by) => by.clone(),
        None => hub.who().await,
    };
    let ack = Ack { by, at: hub.io.now(), note: arguments.note.clone() };
    if arguments.incidents.is_empty() {
        let open: Vec<_> = found.iter().filter(|row| row.is_open()).collect();
        let told = match arguments.which.group() {
            Some(group) => {
                let told = told_open(hub, group).await?;
                open.iter().filter(|row| told.contains(&row.latest.incident)).copied().collect()
            }
            None => open.clone(),
        };
        let keys: Vec<_> = told.iter().map(|row| row.key()).collect();
        let came_to = acknowledger.acknowledge(&keys, &ack).await.with_context(|| hub.unreadable())?;
        let untold = open.len() - told.len();
        if untold == 0 || !came_to.is_empty() {
            writeln!(out, "{}", sum(&came_to, &ack))?;
        }
        if untold > 0 {
            let verb = if untold == 1 { "is" } else { "are" };
            let incidents = counted(untold, "incident");
            writeln!(out, "{incidents} of which nobody was told here yet {verb} left as before.")?;
        }
        return places::complain(&unread);
    }
    let mut failed = Vec::new();
    for given in &arguments.incidents {
        match one(hub, &acknowledger, (&found, given), (&ack, arguments.take_over)).await {
            Ok(said) => writeln!(out, "{said}")?,
            Err(error) => failed.push(format!("\n  {given}: {error:#}")),
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let unread = places::complain(&unread).err().map(|error| format!("\n{error}")).unwrap_or_default();
    let number = failed.len();
    bail!(
        "{number} of {} not acknowledged:{}{unread}",
        counted(arguments.incidents.len(), "incident"),
        failed.concat()
    )
}

/// The incidents of a group that people know to be open.
async fn told_open(hub: &Hub, group: &str) -> anyhow::Result<BTreeSet<String>> {
    let ranges: Vec<_> = keys::members(group).collect();
    let parts = try_join_all(ranges.iter().map(|range| hub.io.query::<MemberRow>(range))).await;
    let members: Vec<_> = parts.with_context(|| hub.unreadable())?.into_iter().flatten().collect();
    let is_known = || hub.row::<GroupRow>(keys::group(group));
    if members.is_empty() && is_known().await.with_context(|| hub.unreadable())?.is_none() {
        bail!(
            "there is no group {group:?}; messages and `drs-fleet incidents show INCIDENT` name those that there are"
        );
    }
    let told = members.into_iter().map(|stored| stored.row).filter(MemberRow::is_told_open);
    Ok(told.map(|member| member.event.incident).collect())
}

/// What came of all that was asked for.
fn sum(came_to: &[Acknowledged], ack: &Ack) -> String {
    let count = |is: fn(&Acknowledged) -> bool| came_to.iter().filter(|each| is(each)).count();
    let now = count(|each| matches!(each, Acknowledged::Now(_)));
    let already = count(|each| matches!(each, Acknowledged::Already(_)));
    let verb = if now == 1 { "is" } else { "are" };
    let done = format!("{} {verb} acknowledged by {}", counted(now, "incident"), plain(&ack.by));
    match (now, already) {
        (0, 0) => "No open incident is as asked.".to_owned(),
        (_, 0) => format!("{done}."),
        (_, already) => format!("{done}; {} had been before.", counted(already, "other")),
    }
}

async fn one<I: Io>(
    hub: &Hub,
    acknowledger: &Acknowledger<I>,
    (found, given): (&[IncidentRow], &str),
    (ack, takes_over): (&Ack, bool),
) -> anyhow::Result<String> {
    let open: Vec<_> = found.iter().filter(|row| row.is_open()).cloned().collect();
    // What is open is meant; that the only one is over is told.
    let row = read::meant(&open, given).or_else(|error| read::meant(found, given).map_err(|_| error))?;
    let name = plain(&row.latest.incident);
    let came_to = acknowledger.acknowledge(&[row.key()], ack).await?.pop();
    Ok(match came_to.unwrap_or(Acknowledged::Unknown) {
        Acknowledged::Now(_) => format!("{name} is acknowledged by {}.", plain(&ack.by)),
        Acknowledged::Already(row) => {
            let by = row.ack.as_ref().map(|ack| acked(ack, hub.io.now())).unwrap_or_default();
            let hint = if takes_over { "" } else { "; --take-over relieves whoever it is" };
            format!("{name} is acknowledged already {by}{hint}")
        }
        Acknowledged::Over(row) => {
            format!("{name} is not acknowledged: it ended {}.", ago(hub.io.now(), row.latest.at))
        }
        Acknowledged::Unknown => bail!("it is not in the table any more"),
    })
}
