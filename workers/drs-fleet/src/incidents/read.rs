//! The incidents of many places, and which of them a person means.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use anyhow::{Context, bail};
use capacity_tracker::CapacityTracker;
use clap::builder::PossibleValuesParser;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::ChannelRow;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::unhandled::{Reason, UnhandledRow};
use futures::future::try_join_all;

use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found, Where};
use crate::text::{among, begins_with, counted};

/// How many candidates an error names.
const NAMED: usize = 10;

/// Which incidents are meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Which {
    #[command(flatten)]
    meant: Where,
    /// Only of these kinds
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = kinds())]
    kind: Vec<String>,
    /// Only of these severities
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = ["LOW", "MEDIUM", "HIGH", "CRITICAL"])]
    severity: Vec<String>,
    /// Only those that are told together, in the group that a message names
    #[arg(long)]
    group: Option<String>,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(IncidentKind::ALL.map(IncidentKind::as_str))
}

impl Which {
    /// Those that are meant, the worst first.
    pub(super) async fn read(&self, hub: &Hub) -> anyhow::Result<Found<IncidentRow>> {
        let registry = load(hub).await?;
        let everywhere = everywhere(hub, &registry).await?;
        let places = self.meant.of(&registry, everywhere.into_iter())?;
        let Found { mut found, unread } = read(hub, places).await;
        found.retain(|row| self.wants(row));
        Ok(Found { found, unread })
    }

    /// The group that is meant, if one is.
    pub(super) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    fn wants(&self, row: &IncidentRow) -> bool {
        let is_in = |group: &String| row.groups.iter().any(|taken| taken.group == *group);
        among(&self.kind, row.latest.kind.as_str())
            && among(&self.severity, &row.latest.severity.to_string())
            && self.group.as_ref().is_none_or(is_in)
    }
}

/// Where incidents may be: the Regions of registered accounts, those from which accounts send that are not, and the hub's,
/// where channels fail.
pub(crate) async fn everywhere(hub: &Hub, registry: &Registry) -> anyhow::Result<Vec<Place>> {
    let ranges = keys::all_unhandled(CapacityTracker::NAME);
    let parts = try_join_all(ranges.iter().map(|range| hub.io.query::<UnhandledRow>(range))).await;
    let heard = parts.with_context(|| hub.unreadable())?.into_iter().flatten().map(|stored| stored.row);
    let place = |row: UnhandledRow| Some(Place { account: row.account, region: row.subject.parse().ok()? });
    let heard = heard.filter(|row| row.reason == Reason::Unregistered).filter_map(place);
    let registered = registry.accounts().flat_map(|row| {
        row.regions.iter().map(|r| Place { account: row.id.clone(), region: r.region.clone() })
    });
    let channels = hub.rows::<ChannelRow>(&keys::channels()).await.with_context(|| hub.unreadable())?;
    let of_hub = channels.into_iter().map(|row| row.place);
    let all: BTreeSet<_> = registered.chain(heard).chain(of_hub).collect();
    Ok(all.into_iter().collect())
}

/// Reads the incidents of `places`, the worst and oldest first, and what is over after what is open.
pub(crate) async fn read(hub: &Hub, places: Vec<Place>) -> Found<IncidentRow> {
    let one = async |place: Place| hub.io.query::<IncidentRow>(&keys::incidents(&place)).await;
    let Found { found, unread } = places::each(places, one).await;
    let mut found: Vec<_> = found.into_iter().flatten().map(|stored| stored.row).collect();
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    Found { found, unread }
}

fn order(row: &IncidentRow) -> impl Ord {
    let event = &row.latest;
    // Of what is over, the newest is looked for.
    let age = if row.is_open() { event.opened_at.as_second() } else { -event.at.as_second() };
    (!row.is_open(), Reverse(event.severity), age, event.incident.clone())
}

/// The one incident that `given` means: its key, the beginning of it, or the id or name of its subject.
pub(crate) fn meant<'a>(incidents: &'a [IncidentRow], given: &str) -> anyhow::Result<&'a IncidentRow> {
    if let Some(exact) = incidents.iter().find(|row| row.latest.incident == given) {
        return Ok(exact);
    }
    let is_meant = |row: &&IncidentRow| {
        let event = &row.latest;
        begins_with(&event.incident, given) || event.subject == given || event.subject_name == given
    };
    let all: Vec<_> = incidents.iter().filter(is_meant).collect();
    match all[..] {
        [] => bail!(
            "no incident begins with {given:?} or has a subject of that id or name; `drs-fleet incidents list --all` \
             shows all"
        ),
        [one] => Ok(one),
        ref several => {
            let named: Vec<_> =
                several.iter().take(NAMED).map(|row| format!("\n  {}", row.latest.incident)).collect();
            let more = if several.len() > NAMED { "\n  …" } else { "" };
            let number = counted(several.len(), "incident");
            bail!("{given:?} may mean any of {number}:{}{more}", named.concat())
        }
    }
}
