//! `extended apply`: one call for each server that is missing, a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::ExtensibleSeen;
use drs_fleet_domain::tags;
use futures::{StreamExt, stream};

use super::patience::unhurried;
use super::plan::{self, Chosen, Plan};
use super::told::{id_of, name_of};
use crate::hub::{self, Hub};
use crate::text::{counted, plain};

/// How many calls are under way at a time: DRS publishes no rates, and nobody waits for this.
const SIDE_BY_SIDE: usize = 4;

/// What `extended apply` takes.
#[derive(clap::Args)]
#[command(
    after_help = "Their tags are copied, but none of AWS's own. If it is stopped or a call fails, run it again: what is \
extended is not listed any more.

Examples:
  drs-fleet extended apply --yes --limit 1 --staging 444455556666
  drs-fleet extended apply --yes

It is done with the role drs-fleet-extend of the target account, which infra/spoke.yaml makes with AllowExtend=true and
which only the hub's role drs-fleet-operator may assume.
Exits with 1 unless all that was meant is extended."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Really create extended source servers
    #[arg(long)]
    yes: bool,
    /// Extend at most so many
    #[arg(long)]
    limit: Option<usize>,
}

/// A server to extend.
struct Work {
    target: Place,
    server: ExtensibleSeen,
}

/// Targets that will take no server whatever is tried, and why.
type Closed = Mutex<BTreeMap<Place, &'static str>>;

/// AWS knows better than the last sweep.
const FULL: &str = "its quota of source servers is reached";
const NOT_ALLOWED: &str = "role drs-fleet-extend of that account refuses: deploy infra/spoke.yaml there with \
                           AllowExtend=true, and use the hub's role drs-fleet-operator";

/// Extends what is missing.
pub(super) async fn apply(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let plan = plan::compare(hub, &arguments.chosen).await?;
    if !arguments.yes {
        bail!(
            "{} would be created in AWS; nothing was done. See them: drs-fleet extended plan; do it: add --yes",
            counted(plan.missing(), "extended source server")
        );
    }
    for compared in &plan.pairs {
        if let Err(why) = &compared.missing {
            writeln!(out, "{}: not compared, so nothing of it is extended\n  {why}", compared.pair)?;
        }
    }
    let (work, mut left_out) = chosen(&plan, arguments.limit.unwrap_or(usize::MAX));
    if work.is_empty() && left_out.is_empty() {
        writeln!(out, "Nothing is missing.")?;
        return plan.complain();
    }
    let touched: BTreeSet<_> = work.iter().map(|work| work.target.clone()).collect();
    let (all, failed) = (work.len(), extend_all(hub, work, out).await?);
    writeln!(out, "{} extended.", counted(all - failed, "server"))?;
    if failed < all {
        writeln!(out, "{}", ask_sweeps(hub, touched).await)?;
    }
    if failed > 0 {
        left_out.insert(0, format!("{} could not be extended; run it again", counted(failed, "server")));
    }
    if left_out.is_empty() { plan.complain() } else { bail!(left_out.join("\n  ")) }
}

/// What is to be done within the quotas and the limit, and what the quotas leave out.
fn chosen(plan: &Plan, limit: usize) -> (Vec<Work>, Vec<String>) {
    let mut left: BTreeMap<_, _> = plan.rooms.iter().map(|(place, room)| (place, room.left())).collect();
    let (mut work, mut left_out) = (Vec::new(), Vec::new());
    for compared in &plan.pairs {
        let target = &compared.pair.target;
        let missing = compared.missing.as_deref().unwrap_or_default();
        let (Some(room), Some(left)) = (plan.rooms.get(target), left.get_mut(target)) else { continue };
        let Some(left) = left else {
            if !missing.is_empty() {
                left_out.push(format!(
                    "{} of account {} stay: no sweep has counted the source servers of {target} yet",
                    counted(missing.len(), "server"),
                    compared.pair.staging,
                ));
            }
            continue;
        };
        let wanted = missing.len().min(limit.saturating_sub(work.len()));
        let taken = wanted.min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left = left.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
        let one = |server: &ExtensibleSeen| Work { target: target.clone(), server: server.clone() };
        work.extend(missing.iter().take(taken).map(one));
        if taken < wanted {
            left_out.push(format!(
                "{} of account {} stay: {target} has {room}; ask Service Quotas for more",
                counted(wanted - taken, "server"),
                compared.pair.staging,
            ));
        }
    }
    (work, left_out)
}

/// Tells of each server as it is done; answers how many failed.
async fn extend_all(hub: &Hub, work: Vec<Work>, out: &mut dyn Write) -> anyhow::Result<usize> {
    let (all, closed) = (work.len(), Closed::default());
    let one = |work: Work| async {
        let done = extend(hub, &closed, &work).await;
        (work, done)
    };
    let mut running = stream::iter(work).map(one).buffer_unordered(SIDE_BY_SIDE);
    let (mut number, mut failed) = (0, 0);
    while let Some((Work { target, server }, done)) = running.next().await {
        number += 1;
        let head = format!("[{number}/{all}] {} ({}) → {target}", name_of(&server), id_of(&server));
        match done {
            Ok(id) => writeln!(out, "{head}: {id}")?,
            Err(why) => {
                failed += 1;
                writeln!(out, "{head}: failed: {}", plain(&why))?;
            }
        }
    }
    Ok(failed)
}

async fn extend(
    hub: &Hub,
    closed: &Closed,
    Work { target, server }: &Work,
) -> Result<SourceServerId, String> {
    let held = || closed.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = held().get(target) {
        return Err(format!("not tried, for {why}"));
    }
    let tags = tags::copied(&server.tags);
    let done = unhurried(&hub.io, || hub.io.extend(target, &server.arn, &tags)).await;
    done.map_err(|error| {
        let why = why_closed(&error);
        if let Some(why) = why {
            held().insert(target.clone(), why);
        }
        why.map_or_else(|| error.to_string(), |why| format!("{why} ({error})"))
    })
}

/// Why no other server of the same target would be taken either.
pub(super) fn why_closed(error: &IoError) -> Option<&'static str> {
    match error.verdict {
        Verdict::Denied => Some(NOT_ALLOWED),
        _ if error.message.contains("ServiceQuotaExceeded") => Some(FULL),
        _ => None,
    }
}

/// The table knows of the new servers after the next sweep of their place.
async fn ask_sweeps(hub: &Hub, places: BTreeSet<Place>) -> String {
    match hub.ask_sweeps(&places.into_iter().collect::<Vec<_>>()).await {
        Ok(asked) if asked.is_empty() => {
            format!("The next sweep, within 5 minutes, shows them (sooner with {}).", hub::queue_variables())
        }
        Ok(asked) => format!("{} sweep their places now.", asked.join(" and ")),
        Err(error) => {
            format!("The next sweep shows them; to ask for one now failed: {}", plain(&error.to_string()))
        }
    }
}
