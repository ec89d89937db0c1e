//! `capacity history`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, bail};
use drs_fleet_domain::counts::{CountsOfDay, CountsOfHour};
use drs_fleet_domain::fleet::PlaceView;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::trend::{DAYS_NEEDED, Trend};
use futures::future::try_join;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::chart::{bar, line};
use super::read;
use crate::hub::Hub;
use crate::places::{self, Where};
use crate::text::{counted, plain, second, table};

/// Hours of the fine series.
const HOURS: i64 = 48;
/// A forecast beyond this says nothing.
const FAR: f64 = 3.0 * 365.0;

/// What `capacity history` takes.
#[derive(clap::Args)]
#[command(
    after_help = "The trend is the median of the slopes between all days shown, so that a few odd days do not \
move it; it\nneeds 7 days of data. The Region may be left out where the account has DRS in one only.\n\nExample: drs-fleet capacity history --account Payments --region us-west-2 \
--days 90"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// How many days back
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How the count of a place went.
#[derive(Debug, Serialize)]
pub(super) struct Past {
    pub(super) read_at: Timestamp,
    #[serde(flatten)]
    pub(super) view: PlaceView,
    /// Oldest first; days without a complete sweep are missing.
    pub(super) days: Vec<CountsOfDay>,
    /// What was counted when it changed, within the last 48 hours.
    pub(super) points: Vec<Point>,
    pub(super) trend: Option<Trend>,
    pub(super) days_to_target: Option<f64>,
    pub(super) days_to_limit: Option<f64>,
}

/// A count and its time.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    pub(super) at: Timestamp,
    pub(super) replicating: u32,
}

/// Shows how the count of a place went.
pub(super) async fn history(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let past = read(hub, arguments).await?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&past)?)?;
    } else {
        write!(out, "{}", print(&past))?;
        writeln!(out, "\nTable {}, read at {}.", hub.table, second(past.read_at))?;
    }
    Ok(())
}

async fn read(hub: &Hub, arguments: &Arguments) -> anyhow::Result<Past> {
    let seen = read::fleet(hub, &arguments.meant).await?;
    places::complain(&seen.unread)?;
    let view = the_only(seen.view.places)?;
    let place = &view.place;
    let (days, hours) = (keys::counts_of_days(place), keys::counts_of_hours(place));
    let days = hub.rows::<CountsOfDay>(&days);
    let hours = hub.rows::<CountsOfHour>(&hours);
    let (days, hours) = try_join(days, hours).await.with_context(|| hub.unreadable())?;
    Ok(past(view, days, &hours, arguments.days, seen.read_at))
}

fn the_only(places: Vec<PlaceView>) -> anyhow::Result<PlaceView> {
    let of = |name: fn(&Place) -> String| places.iter().map(|v| name(&v.place)).collect::<BTreeSet<_>>();
    let accounts = of(|place| place.account.to_string());
    let regions = of(|place| place.region.to_string()).into_iter().collect::<Vec<_>>().join(" or ");
    let number = counted(places.len(), "place");
    match (accounts.first(), <[PlaceView; 1]>::try_from(places)) {
        (_, Ok([view])) => Ok(view),
        (Some(account), Err(_)) if accounts.len() == 1 => {
            bail!("account {account} has DRS in several Regions: add --region {regions}")
        }
        _ => bail!(
            "a history is that of one account in one Region, and {number} are meant: add --account ACCOUNT"
        ),
    }
}

/// Cuts to what was asked for, and finds the trend.
pub(super) fn past(
    view: PlaceView,
    mut days: Vec<CountsOfDay>,
    hours: &[CountsOfHour],
    asked: u16,
    now: Timestamp,
) -> Past {
    let today = day_of(now);
    days.retain(|row| row.day > today.saturating_sub(i32::from(asked).days()));
    days.sort_by_key(|row| row.day);
    let trend = Trend::of(&days);
    let to = |servers| trend.and_then(|trend| trend.days_to(servers));
    Past {
        read_at: now,
        days_to_target: to(view.target),
        days_to_limit: to(view.replicating.quota.value),
        points: points(hours, now),
        view,
        days,
        trend,
    }
}

fn points(hours: &[CountsOfHour], now: Timestamp) -> Vec<Point> {
    let from = now.saturating_sub(HOURS.hours()).unwrap_or(Timestamp::MIN);
    let of_hour = |row: &CountsOfHour| {
        let (day, hour) = (row.day, row.hour);
        let point = move |(minute, replicating): (i8, u32)| {
            let at = day.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp();
            Some(Point { at, replicating })
        };
        row.points.clone().into_iter().filter_map(point)
    };
    let mut points: Vec<_> = hours.iter().flat_map(of_hour).filter(|point| point.at > from).collect();
    points.sort_by_key(|point| point.at);
    points
}

pub(super) fn print(past: &Past) -> String {
    let Past { view, days, .. } = past;
    let PlaceView { place, replicating, level, target, .. } = view;
    let used = replicating.used.map_or_else(|| "?".to_owned(), |used| used.to_string());
    let mut text = format!(
        "{} ({}) in {}: {level}, {used} of {} replicating, target {target}\n\n",
        place.account,
        plain(&view.account_name),
        place.region,
        replicating.quota.value,
    );
    if days.is_empty() && past.points.is_empty() {
        return text
            + "Nothing was counted in this time. Each complete sweep counts; the first comes within minutes of\n\
            `drs-fleet accounts validate`.\n";
    }
    let of_days = by_day(days);
    text += &series("days", &of_days, &format!("{} with data", counted(days.len(), "day")));
    text += &series("hours", &by_hour(&past.points, past.read_at), "the last 48 hours");
    text.extend([format!("  {:<7}{}\n\n", "trend", trend(past))]);
    text + &table_of(days)
}

/// A line with a letter for each value.
fn series(what: &str, values: &[Option<u32>], whole: &str) -> String {
    let known = || values.iter().flatten();
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return String::new() };
    format!("  {what:<7}{}  {least} to {most}, {whole}\n", line(values))
}

/// The last count of each day from the first to the last with data.
fn by_day(days: &[CountsOfDay]) -> Vec<Option<u32>> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Vec::new() };
    let all = first.day.series(1.day()).take_while(|day| *day <= last.day);
    all.map(|day| days.iter().find(|row| row.day == day).map(|row| row.last)).collect()
}

/// The most that was counted in each of the last 48 hours.
fn by_hour(points: &[Point], now: Timestamp) -> Vec<Option<u32>> {
    let hours_ago = |point: &Point| now.duration_since(point.at).as_hours();
    let most = |ago: i64| points.iter().filter(|p| hours_ago(p) == ago).map(|p| p.replicating).max();
    (0..HOURS).rev().map(most).collect()
}

fn trend(past: &Past) -> String {
    let Some(trend) = past.trend else {
        let days = past.days.len();
        return format!("no forecast: it needs {DAYS_NEEDED} days of data, of which there are {days} so far");
    };
    let Trend { servers_a_day, days, .. } = trend;
    let rise = format!("{servers_a_day:+.1} servers a day, by {days} days of data");
    let to = |what: &str, servers: u32, days: Option<f64>| match days {
        None => format!("never at the {what} of {servers}"),
        Some(0.0) => format!("at the {what} of {servers} already"),
        Some(days) if days > FAR => format!("the {what} of {servers} is years away"),
        Some(days) => format!("at the {what} of {servers} in {:.0} days", days.ceil()),
    };
    let target = to("target", past.view.target, past.days_to_target);
    let limit = to("limit", past.view.replicating.quota.value, past.days_to_limit);
    format!("{rise}: {target}, {limit}")
}

fn table_of(days: &[CountsOfDay]) -> String {
    let row = |day: &CountsOfDay| {
        let (min, max) = (day.min.to_string(), day.max.to_string());
        [day.day.to_string(), min, max, bar(day.last.into(), day.limit.into())]
    };
    table(["DAY", "MIN", "MAX", "LAST"], &days.iter().map(row).collect::<Vec<_>>())
}

fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}
