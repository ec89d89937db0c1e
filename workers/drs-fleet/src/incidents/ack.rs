//! `incidents ack`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::ack::{Acknowledged, Acknowledger};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::notification::{Ack, IncidentRow};
use drs_fleet_domain::row::Row;

use super::read;
use super::show::acked;
use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{a_line, ago, counted, plain};

/// What `incidents ack` takes.
#[derive(clap::Args)]
#[command(
    after_help = "It holds until the incident is over: if the condition comes back later than ten minutes after \
its end, that is another incident.

Examples:
  drs-fleet incidents ack REPLICATION_STALLED/111122223333/us-west-2/s-1234567890abcdef0
  drs-fleet incidents ack erp-db-01 erp-db-02 --note 'disk is being replaced, ticket 4711'"
)]
pub(crate) struct Arguments {
    /// The incidents as `incidents list` names them, the beginnings of that, or the ids or names of their subjects
    #[arg(value_name = "INCIDENT", required = true)]
    incidents: Vec<String>,
    /// What you say to it
    #[arg(long, value_parser = a_line)]
    note: Option<String>,
    /// Who acknowledges them [default: you, as AWS or this machine knows you]
    #[arg(long, value_parser = a_line)]
    by: Option<String>,
}

/// Acknowledges incidents.
pub(super) async fn acknowledge(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let Found { found, unread } = read::read(hub, read::everywhere(hub, &registry).await?).await;
    let acknowledger = Acknowledger::new(hub.io.clone(), WriteToken::for_command_of_a_person());
    let by = match &arguments.by {
        Some(by) => by.clone(),
        None => hub.who().await,
    };
    let ack = Ack { by, at: hub.io.now(), note: arguments.note.clone() };
    let mut failed = Vec::new();
    for given in &arguments.incidents {
        match one(hub, &acknowledger, (&found, given), &ack).await {
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

async fn one<I: Io>(
    hub: &Hub,
    acknowledger: &Acknowledger<I>,
    (found, given): (&[IncidentRow], &str),
    ack: &Ack,
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
            format!("{name} is acknowledged already {by}")
        }
        Acknowledged::Over(row) => {
            format!("{name} is not acknowledged: it ended {}.", ago(hub.io.now(), row.latest.at))
        }
        Acknowledged::Unknown => bail!("it is not in the table any more"),
    })
}
