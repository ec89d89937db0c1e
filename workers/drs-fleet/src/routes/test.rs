//! `routes test`.

use std::io::Write;
use std::iter;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::hold::Hold;
use drs_fleet_domain::notify::routes::{Asked, Outcome};
use drs_fleet_domain::notify::{Labels, MuteRow, Plan, Routes, RoutesRow, Taken, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_domain::span;
use jiff::Timestamp;
use notifier::holding::Holding;
use serde_json::{Value, json};

use super::given::Given;
use super::{file, words};
use crate::accounts::load;
use crate::explain;
use crate::hub::Hub;
use crate::incidents::read;
use crate::places::{self, Found};
use crate::spells;
use crate::text::{fact, plain, second};

/// What `routes test` takes.
#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").args(["file", "incident"]).required(true),
    after_help = "Examples:
  drs-fleet routes test --incident REPLICATION_STALLED/111122223333
  drs-fleet routes test events/drs-fleet/incident-opened/replication-stalled.json
  drs-fleet routes test events/drs-fleet/job-completed/succeeded.json      over which routes a drill's lines are told
  drs-fleet routes test --incident erp-db-01 --routes routes.yaml      with routes that are not stored yet"
)]
pub(crate) struct Arguments {
    /// An event of an incident or of a drill's job, as it is on the bus, or its detail alone; - for standard input
    file: Option<PathBuf>,
    /// An incident as `incidents list` names it, the beginning of that, or the id or name of its subject
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<String>,
    /// Routes in a file in the place of those that are stored
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Says what an incident takes, and why.
pub(super) async fn test(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let routes = match &arguments.routes {
        Some(file) => file::usable(file)?,
        None => policy::current::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?,
    };
    let registry = load(hub).await?;
    let Given { event, is_job, failure } = match (&arguments.file, &arguments.incident) {
        (Some(file), _) => Given::read(&explain::read(file)?).with_context(|| file.display().to_string())?,
        (None, Some(given)) => {
            let Found { found, unread } = read::read(hub, read::everywhere(hub, &registry).await?).await;
            match read::meant(&found, given) {
                Ok(row) => row.latest.clone().into(),
                // It may be where nothing could be read.
                Err(unknown) => return places::complain(&unread).and(Err(unknown)),
            }
        }
        (None, None) => bail!("give an event or an incident"),
    };
    let labels = Labels::of(&event, registry.account(&event.account_id));
    let now = hub.io.now();
    let mutes = spells::all::<MuteRow>(hub).await?.into_iter().filter(|row| row.matches(&labels, now));
    let windows = spells::all::<WindowRow>(hub).await?.into_iter().filter(|row| row.covers(&labels, now));
    let held = Held { mutes: mutes.collect(), windows: windows.collect() };
    let (why, mut taken) = (routes.why(&labels), routes.taken(&labels));
    if let Some(failure) = failure.filter(|_| held.windows.is_empty()) {
        let labels = Labels::of(&failure, registry.account(&failure.account_id));
        let others =
            routes.taken(&labels).into_iter().filter(|other| !taken.iter().any(|it| it.route == other.route));
        taken.extend(others.collect::<Vec<_>>());
    }
    let registry = Arc::new(registry.clone());
    let mut ways = Vec::new();
    for taken in taken {
        let route = (taken.route.as_str(), &routes);
        let reading = Holding::of(&hub.io, Arc::clone(&registry), route, iter::once(&event));
        let held = reading.await.with_context(|| hub.unreadable())?.holds_back(&event);
        // That something is over is not held back, and a drill's lines are not either.
        ways.push((taken, held.filter(|_| event.happened != Happened::Resolved && !is_job)));
    }
    if arguments.json {
        let taken: Vec<_> = ways.iter().map(|way| to_json(&routes, way)).collect();
        let mutes: Vec<_> = held.mutes.iter().map(|row| &row.id).collect();
        let windows: Vec<_> = held.windows.iter().map(|row| &row.id).collect();
        let all = json!({ "event": event, "asked": why, "taken": taken, "mutes": mutes, "windows": windows });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    let (name, incident) = (plain(&event.subject_name), plain(&event.incident));
    let what = if is_job { "a job of a drill" } else { event.severity.as_str() };
    writeln!(out, "{incident} ({name}), {what}, would go through the routes like this:\n")?;
    write!(out, "{}", way(&why))?;
    for way in &ways {
        let text = if is_job { lines(&routes, &way.0) } else { told(&routes, way, (now, &event)) };
        write!(out, "\n{text}")?;
    }
    write!(out, "{}", held.print())?;
    Ok(())
}

/// What people have set that holds an incident back now, on all routes.
struct Held {
    mutes: Vec<MuteRow>,
    windows: Vec<WindowRow>,
}

impl Held {
    fn print(&self) -> String {
        let mutes = self.mutes.iter().map(|row| {
            let (by, until, why) = (plain(&row.author), second(row.ends_at()), plain(&row.reason));
            format!("Held back until {until} by mute {} of {by}: {why}\n", row.id)
        });
        let windows = self.windows.iter().map(|row| {
            let (name, until) = (plain(&row.name), second(row.closes_at()));
            format!("Expected until {until} in the window {} for {name:?}: it pages nobody\n", row.id)
        });
        let held: String = mutes.chain(windows).collect();
        if held.is_empty() { held } else { format!("\n{held}") }
    }
}

/// A route that is taken, and what holds the incident back there.
type Way = (Taken, Option<Hold>);

fn held_by(hold: Hold) -> &'static str {
    match hold {
        Hold::Muted => "it is muted",
        Hold::Drill => "it is of a drill, whose lines and summary tell of it",
        Hold::SpokeSilent => {
            "its spoke is silent, as is told here, so that what is known of the server is old"
        }
        Hold::RegionStalled => {
            "replication has stalled all over the Region and in its account, as is told here: it is a consequence"
        }
    }
}

/// The routes that were asked, each below the one above it.
pub(super) fn way(why: &[Asked]) -> String {
    let line = |asked: &Asked| {
        let depth = asked.route.matches('/').count();
        let name = asked.route.rsplit('/').next().filter(|_| !asked.route.starts_with("people/"));
        let name = plain(name.unwrap_or(&asked.route));
        let depth = if asked.route.starts_with("people/") { 0 } else { depth };
        let said = match asked.outcome {
            Outcome::Taken => "TAKEN",
            Outcome::Deeper => "matches",
            Outcome::NotMatched => "no",
            Outcome::NotAsked => "not asked",
        };
        let why = match asked.outcome {
            Outcome::NotAsked => "one before it matches, and does not continue".to_owned(),
            _ if asked.because.is_empty() => "it takes everything".to_owned(),
            _ => because(asked),
        };
        format!("{:<28}{said:<11}{why}\n", format!("{}{name}", "  ".repeat(depth)))
    };
    why.iter().map(line).collect()
}

/// Of what does not match only what does not.
fn because(asked: &Asked) -> String {
    let wanted = asked.outcome != Outcome::NotMatched;
    let told = asked.because.iter().filter(|compared| compared.fits == wanted).map(|compared| {
        let has = if compared.has.is_empty() { "unknown".to_owned() } else { compared.has.join(" or ") };
        let is = if compared.fits { "is" } else { "is not" };
        plain(&if compared.fits && compared.wanted.to_string() == has {
            format!("{} is {has}", compared.label)
        } else {
            format!("{} {is} {} ({has})", compared.label, compared.wanted)
        })
    });
    told.collect::<Vec<_>>().join(", ")
}

/// How a route that is taken tells of a drill.
fn lines(routes: &Routes, taken: &Taken) -> String {
    let plan = routes.plan(&taken.route);
    let told =
        "a start, a line with the end of each job, and a summary, of the drill that the job belongs to";
    let hours = fact("hours", &words::hours(&plan.hours));
    format!("{}\n{}{}{hours}", plain(&taken.route), channels(routes, &plan), fact("told", told))
}

fn channels(routes: &Routes, plan: &Plan) -> String {
    let channel = |name| {
        let [sort, leads] = routes.channel(name).map(words::channel).unwrap_or_default();
        fact("channel", &format!("{name}: {sort}, {leads}"))
    };
    plan.channels.iter().map(channel).collect()
}

/// How a route that is taken tells.
fn told(routes: &Routes, (taken, held): &Way, (now, event): (Timestamp, &IncidentEvent)) -> String {
    let plan = routes.plan(&taken.route);
    let mut text = format!("{}\n", plain(&taken.route));
    text += &fact("group", &plain(&taken.group));
    text += &channels(routes, &plan);
    text += &fact("told", &when(&plan, event));
    text += &held.map(|hold| fact("held back", held_by(hold))).unwrap_or_default();
    text += &fact("escalation", &words::escalation(&plan));
    text += &fact("hours", &words::hours(&plan.hours));
    let tells_at = plan.tells_at(now, event.severity);
    if tells_at > now {
        text += &fact("", &format!("now it would wait until {}", second(tells_at)));
    }
    text
}

fn when(plan: &Plan, event: &IncidentEvent) -> String {
    let (interval, repeat) = (span::show(plan.group_interval), span::show(plan.repeat_interval));
    if event.happened == Happened::Resolved {
        return format!("where it was told that it is open, with what else is new, at most every {interval}");
    }
    let first = if event.severity == Severity::Critical {
        "at once, for it is CRITICAL".to_owned()
    } else {
        format!("{} after the first of the group", span::show(plan.group_wait))
    };
    format!("{first}; what is new at most every {interval}; while it stays open every {repeat}")
}

fn to_json(routes: &Routes, (taken, held): &Way) -> Value {
    let plan = words::to_json(&taken.route, &routes.plan(&taken.route), &routes.group_by(&taken.route));
    json!({ "route": taken.route, "group": taken.group, "labels": taken.labels, "plan": plan,
        "held": held })
}
