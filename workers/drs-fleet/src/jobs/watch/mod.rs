//! `jobs watch`: how far jobs are, until they are over.

mod bars;
mod lines;
mod round;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::job;
use indicatif::ProgressDrawTarget;
use jiff::Timestamp;

use self::bars::Bars;
use self::lines::Lines;
use self::round::{Rounds, Watched};
use super::read;
use super::words;
use crate::accounts::load;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::places::Where;
use crate::text::{length, plain, typed_length};

/// How often the table is read.
const EVERY: Duration = Duration::from_secs(2);
/// A table that cannot be read so often in a row is given up.
const PATIENCE: u32 = 15;

/// What `jobs watch` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet jobs watch                            all jobs that run, and those that begin meanwhile
  drs-fleet jobs watch drsjob-04ca7d0d3fb6afa3e   this one; also if it is not known yet
  drs-fleet jobs watch --plan quarterly --timeout 10m
  drs-fleet jobs watch --plain >> drill.log

A bar for each job in a terminal; else a line whenever something changes. Where no job runs yet, it waits for the first.
Ends when all that it watches are over: with 0 when all of them succeeded, with 2 when one of them did not.")]
pub(crate) struct Arguments {
    /// Only these, by id or the beginning of it; all that run unless given
    #[arg(value_name = "JOB", conflicts_with = "plan")]
    jobs: Vec<String>,
    /// Only those with this tag drs-fleet:plan
    #[arg(long)]
    plan: Option<String>,
    #[command(flatten)]
    meant: Where,
    /// Wait at most so long for the first job; ends with 1 when none began
    #[arg(long, value_name = "TIME", value_parser = typed_length)]
    timeout: Option<Duration>,
    /// Print lines in a terminal too
    #[arg(long)]
    plain: bool,
}

/// Watches jobs until they are over.
pub(super) async fn watch(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut rounds = rounds(hub, arguments).await?;
    let mut screen = Screen::on(out, arguments.plain)?;
    let (began, mut failures) = (hub.io.now(), 0);
    loop {
        let read = rounds.next(hub).await;
        let now = hub.io.now();
        failures = if read.is_ok() { 0 } else { failures + 1 };
        match read {
            Ok(()) => screen.show(rounds.watched(), now)?,
            Err(error) if failures >= PATIENCE => return Err(error).with_context(|| hub.unreadable()),
            Err(error) if failures == 1 => screen.say(&trouble(&error))?,
            Err(_) => {}
        }
        if failures == 0 && rounds.are_over() {
            return end(&mut screen, rounds.watched());
        }
        if rounds.watched().is_empty() {
            wait(&mut screen, arguments, began, now)?;
        }
        hub.io.sleep(EVERY).await;
    }
}

async fn rounds(hub: &Hub, arguments: &Arguments) -> anyhow::Result<Rounds> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    if arguments.jobs.is_empty() {
        return Ok(Rounds::of_active(registry, places, arguments.plan.clone()));
    }
    let known = read::all(hub, &registry, places.clone()).await;
    let mut named = Vec::new();
    for given in &arguments.jobs {
        named.push(match (read::one(&known.found, given), given.parse()) {
            (Ok(job), _) => job.row.id.clone(),
            // Whoever just started it knows its id before anybody told us of it.
            (Err(_), Ok(id)) => id,
            (Err(unknown), Err(_)) => return crate::places::complain(&known.unread).and(Err(unknown)),
        });
    }
    Ok(Rounds::of_named(registry, places, named))
}

/// Says once that there is nothing to watch yet; fails when that lasts too long.
fn wait(
    screen: &mut Screen<'_>,
    arguments: &Arguments,
    began: Timestamp,
    now: Timestamp,
) -> anyhow::Result<()> {
    let waited = Duration::try_from(now.duration_since(began)).unwrap_or_default();
    if let Some(timeout) = arguments.timeout.filter(|timeout| waited >= *timeout) {
        bail!("no such job began within {}", length(timeout));
    }
    let what = match (&arguments.plan, arguments.jobs.is_empty()) {
        (Some(plan), _) => format!("No job of plan {} runs yet", plain(plan)),
        (None, true) => "No job runs yet".to_owned(),
        (None, false) => "It is not known yet".to_owned(),
    };
    screen.wait(&format!("{what}; waiting for the first one."))
}

fn trouble(error: &IoError) -> String {
    format!("The table cannot be read now, trying again: {}", plain(&error.to_string()))
}

/// Says what came of them all.
fn end(screen: &mut Screen<'_>, watched: &[Watched]) -> anyhow::Result<Outcome> {
    let rows = || watched.iter().map(|watched| &watched.job.row);
    let succeeded = |row: &job::JobRow| row.outcome() == Some(job::Outcome::Succeeded);
    let mut text = format!("All over: {}", words::sum(rows()));
    for row in rows().filter(|row| !succeeded(row)) {
        text.extend(["\n  drs-fleet jobs show ", row.id.as_str(), " --failed"]);
    }
    screen.say(&text)?;
    Ok(if rows().all(succeeded) { Outcome::Fine } else { Outcome::Wanting })
}

/// Where progress is shown.
struct Screen<'a> {
    on: On<'a>,
    waits: bool,
}

enum On<'a> {
    Terminal(Bars),
    Paper(Lines<'a>),
}

impl<'a> Screen<'a> {
    fn on(out: &'a mut dyn Write, plain: bool) -> anyhow::Result<Self> {
        let on = if plain || !std::io::stdout().is_terminal() {
            On::Paper(Lines::to(out))
        } else {
            On::Terminal(Bars::on(ProgressDrawTarget::stdout())?)
        };
        Ok(Self { on, waits: false })
    }

    fn show(&mut self, watched: &[Watched], now: Timestamp) -> anyhow::Result<()> {
        match &mut self.on {
            On::Terminal(bars) => {
                bars.show(watched, now);
                Ok(())
            }
            On::Paper(lines) => lines.show(watched, now),
        }
    }

    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        match &mut self.on {
            On::Terminal(bars) => bars.say(text),
            On::Paper(lines) => lines.say(text),
        }
    }

    /// Says that it waits, the first time.
    fn wait(&mut self, text: &str) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.waits, true) { Ok(()) } else { self.say(text) }
    }
}
