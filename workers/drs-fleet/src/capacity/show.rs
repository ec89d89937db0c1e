//! `capacity` without more: how full each place is.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::fleet::{PlaceView, Totals, Use};
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::quota::QuotaOrigin;
use jiff::Timestamp;

use super::chart::{bar, bar_or_unknown};
use super::read::{self, Seen};
use crate::hub::Hub;
use crate::places::{self, Where};
use crate::text::{ago, ago_or_never, counted, plain, second, table};

/// What `capacity` takes without a command.
#[derive(clap::Args)]
pub(crate) struct Which {
    #[command(flatten)]
    meant: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows places, worst first, and what they come to.
pub(super) async fn show(hub: &Hub, arguments: &Which, out: &mut dyn Write) -> anyhow::Result<()> {
    let seen = read::fleet(hub, &arguments.meant).await?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&seen)?)?;
    } else {
        write!(out, "{}", print(&seen, &hub.table))?;
    }
    places::complain(&seen.unread)
}

impl Which {
    /// Whether anything is asked for that is not the default.
    pub(super) fn is_given(&self) -> bool {
        self.json || self.meant.is_given()
    }
}

pub(super) fn print(seen: &Seen, table: &str) -> String {
    let Seen { read_at, view, .. } = seen;
    let parts = [
        of_places(&view.places, *read_at),
        of_regions(&view.regions, &view.fleet),
        what_is_not_known(&view.places, *read_at),
        footer(&view.places, &view.fleet),
        format!("Table {table}, read at {}.\n", second(*read_at)),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn of_places(places: &[PlaceView], now: Timestamp) -> String {
    let headings = [
        "ACCOUNT",
        "NAME",
        "REGION",
        "LEVEL",
        "SINCE",
        "REPLICATING",
        "TO TARGET",
        "EXTENDED",
        "SERVERS",
        "JOBS",
        "IN JOBS",
        "COUNTED",
    ];
    let row = |view: &PlaceView| {
        [
            view.place.account.to_string(),
            plain(&view.account_name),
            view.place.region.to_string(),
            level(view),
            view.since.map_or_else(|| "-".to_owned(), |since| ago(now, since)),
            bar_or_unknown(view.replicating.used, view.replicating.quota.value),
            number(view.headroom.map(|headroom| headroom.to_target)),
            number(view.extended),
            of_quota(&view.servers),
            of_quota(&view.jobs),
            of_quota(&view.servers_in_jobs),
            ago_or_never(now, view.counted_at),
        ]
    };
    table(headings, &places.iter().map(row).collect::<Vec<_>>())
}

/// What was counted of a place that is not known is old, and of one that was read in part is not whole.
fn level(view: &PlaceView) -> String {
    let partial = view.partial.is_some() && view.level != Level::Unknown;
    format!("{}{}", view.level, if partial { " (partial)" } else { "" })
}

fn number(known: Option<u32>) -> String {
    known.map_or_else(|| "?".to_owned(), |n| n.to_string())
}

/// How many of how many.
pub(crate) fn of_quota(of: &Use) -> String {
    format!("{}/{}", number(of.used), of.quota.value)
}

fn of_regions(regions: &BTreeMap<Region, Totals>, fleet: &Totals) -> String {
    let headings =
        ["REGION", "PLACES", "UNKNOWN", "REPLICATING", "TO TARGET", "TO LIMIT", "EXTENDED", "SERVERS"];
    let row = |(name, totals): (&str, &Totals)| {
        // Where nothing is known, a sum of nothing is not zero.
        let known = totals.unknown < totals.places;
        let sum = |n: u64| if known { n.to_string() } else { "?".to_owned() };
        [
            name.to_owned(),
            totals.places.to_string(),
            totals.unknown.to_string(),
            if known { bar(totals.replicating, totals.limit) } else { "?".to_owned() },
            sum(totals.to_target),
            sum(totals.to_limit),
            sum(totals.extended),
            sum(totals.servers),
        ]
    };
    let all = (regions.len() > 1).then_some(("all", fleet));
    let lines = regions.iter().map(|(region, totals)| (region.as_str(), totals)).chain(all);
    table(headings, &lines.map(row).collect::<Vec<_>>())
}

fn what_is_not_known(places: &[PlaceView], now: Timestamp) -> String {
    let told = |view: &PlaceView| {
        let who = format!("{} ({}) in {}", view.place.account, plain(&view.account_name), view.place.region);
        let since = |at: Timestamp| format!(", {}", ago(now, at));
        if let Some(why) = &view.unknown {
            let first =
                view.unreadable.as_ref().map(|unreadable| since(unreadable.since)).unwrap_or_default();
            return Some(format!("UNKNOWN  {who}: {}{first}\n", plain(why)));
        }
        let partial = view.partial.as_ref()?;
        let servers = counted(usize::try_from(partial.servers).unwrap_or_default(), "server");
        let (reason, at) = (plain(&partial.reason), since(partial.at));
        Some(format!("PARTIAL  {who}: the last sweep ended early after {servers}{at}: {reason}\n"))
    };
    places.iter().filter_map(told).collect()
}

fn footer(places: &[PlaceView], fleet: &Totals) -> String {
    let known = fleet.places - fleet.unknown;
    let mut text = match fleet.unknown {
        0 => format!("Sums are over all {known} places (an account in a Region).\n"),
        unknown => format!(
            "Sums are over the {known} places (an account in a Region) that are known; of {unknown} UNKNOWN nothing is \
             in them.\n"
        ),
    };
    text += "The quota is per account and Region: what one place has left helps no other.\n";
    let states: Vec<_> = fleet.by_state.iter().map(|(state, n)| format!("{n} {}", plain(state))).collect();
    if !states.is_empty() {
        text.extend([format!("States: {}.\n", states.join(", "))]);
    }
    let quotas: Vec<_> = places.iter().map(|view| view.replicating.quota.origin).collect();
    text + &format!("The quota of replicating servers is {}.\n", origins(&quotas))
}

/// Where the values of a quota come from, and of how many places each does.
pub(crate) fn origins(places: &[QuotaOrigin]) -> String {
    let of = |origin| places.iter().filter(|place| **place == origin).count();
    let origins = [
        (QuotaOrigin::Applied, "applied by Service Quotas"),
        (QuotaOrigin::AwsDefault, "AWS's default"),
        (QuotaOrigin::Documented, "as AWS documents it, for Service Quotas was not read"),
    ];
    let told = origins.iter().filter(|(origin, _)| of(*origin) > 0);
    told.map(|(origin, words)| format!("{words} (of {})", of(*origin))).collect::<Vec<_>>().join("; ")
}
