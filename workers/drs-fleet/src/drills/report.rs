//! `drills report`.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::drills::{self, Count, Drilled, Known, Last, Report, Standing};
use drs_fleet_domain::policy::PolicyRow;
use jiff::Timestamp;

use super::{export, read};
use crate::accounts::load;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Unread, Where};
use crate::text::{
    ago, ago_or_never, counted, length, of_objective, plain, second, short, table, typed_length,
};

/// What `drills report` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// A server is due when its last drill is older than this, whatever the policy says (`drill_every`, by default 90 days)
    #[arg(long, value_name = "TIME", value_parser = typed_length)]
    older_than: Option<Duration>,
    #[command(flatten)]
    meant: Where,
    /// Only servers of this application: the value of the tag that the policy names
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// List those too that were drilled in time
    #[arg(long)]
    in_time: bool,
    #[command(flatten)]
    paging: Paging,
    /// How to print: a table for people lists the servers that are due; json and csv hold all servers
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet drills report
  drs-fleet drills report --older-than 180d --account Payments
  drs-fleet drills report --application Ledger --in-time
  drs-fleet drills report --format csv > drills.csv

A server is due for a drill when no drill launched it within the time that the policy sets for its account and tags.
Real recoveries are shown and do not count as drills. Where drs-fleet has no record, DRS's own of the last launch is
taken, which does not say by whom and how long. RTO is from the start of the job until the server was launched, beside
its objective: the tag drs-fleet:rto. A server that is extended into another account is drilled there.
Ends with 2 when a server is due; with 1 where a place could not be read: the rest is shown.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// One JSON object
    Json,
    /// Comma-separated values for spreadsheets
    Csv,
}

/// What was asked for.
pub(super) struct Answer {
    pub(super) report: Report,
    /// Servers that are drilled in the account that they are extended into.
    pub(super) extended: usize,
    pub(super) unread: Vec<Unread>,
    pub(super) read_at: Timestamp,
}

/// Reports drills.
pub(super) async fn report(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let answer = answer(hub, arguments).await?;
    let format = if arguments.json { Format::Json } else { arguments.format };
    match format {
        Format::Json => export::json(&answer, out)?,
        Format::Csv => export::csv(&answer.report.servers, out)?,
        Format::Table => {
            write!(out, "{}", print(&answer, arguments))?;
            writeln!(out, "Table {}, read at {}.", hub.table, second(answer.read_at))?;
        }
    }
    places::complain(&answer.unread)?;
    Ok(if answer.report.fleet.due() > 0 { Outcome::Wanting } else { Outcome::Fine })
}

async fn answer(hub: &Hub, arguments: &Arguments) -> anyhow::Result<Answer> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let policy = policy::current::<PolicyRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let Found { found, unread } = read::read(hub, &registry, &places).await;
    let read_at = hub.io.now();
    let all: Vec<Known<'_>> = found.iter().flat_map(read::InPlace::known).collect();
    let arns = drills::extended(all.iter().map(|known| known.server));
    let is_meant = |known: &&Known<'_>| {
        known.server.gone_since.is_none()
            && places.contains(&known.server.place)
            && arguments.wants(known.application(&policy))
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        all.iter().filter(is_meant).partition(|known| known.is_drilled_here(&arns));
    let drilled = |known: &&Known<'_>| Drilled::of(known, &policy, arguments.older_than, read_at);
    let report = Report::of(here.iter().map(drilled).collect());
    Ok(Answer { report, extended: elsewhere.len(), unread, read_at })
}

impl Arguments {
    fn wants(&self, application: Option<&str>) -> bool {
        let is_it = |name: &String| application.is_some_and(|is| is.eq_ignore_ascii_case(name));
        self.application.as_ref().is_none_or(is_it)
    }
}

fn print(answer: &Answer, arguments: &Arguments) -> String {
    let Answer { report, extended, read_at, .. } = answer;
    if report.servers.is_empty() {
        return "No server is as asked.\n".to_owned();
    }
    let mut text =
        format!("{}\n{}\n{}\n", verdict(&report.fleet), of_accounts(report), of_applications(report));
    let listed: Vec<_> =
        report.servers.iter().filter(|server| arguments.in_time || server.is_due()).collect();
    if !listed.is_empty() {
        let shown = arguments.paging.shown(&listed, Reader::Person);
        text += &of_servers(shown, *read_at);
        text.extend(["\n", &arguments.paging.told("server", shown.len(), listed.len()), "\n"]);
    }
    if *extended > 0 {
        let are = if *extended == 1 { "server is" } else { "servers are" };
        text.extend([format!("{extended} more {are} extended into another account, and drilled there.\n")]);
    }
    text
}

fn verdict(fleet: &Count) -> String {
    let Count { servers, overdue, never, .. } = *fleet;
    let all = counted(servers as usize, "server");
    match fleet.due() {
        0 => format!("None of {all} is due for a drill.\n"),
        due => format!("Due for a drill: {due} of {all}; {overdue} overdue, {never} never drilled.\n"),
    }
}

fn numbers(count: &Count) -> [String; 5] {
    [count.servers, count.in_time, count.overdue, count.never, count.late].map(|n| n.to_string())
}

fn of_accounts(report: &Report) -> String {
    let headings = ["ACCOUNT", "NAME", "SERVERS", "IN TIME", "OVERDUE", "NEVER", "LATE"];
    let line = |of: &drills::OfAccount| {
        let [servers, in_time, overdue, never, late] = numbers(&of.count);
        [of.account.to_string(), plain(&of.name), servers, in_time, overdue, never, late]
    };
    table(headings, &report.accounts.iter().map(line).collect::<Vec<_>>())
}

fn of_applications(report: &Report) -> String {
    let headings = ["APPLICATION", "SERVERS", "IN TIME", "OVERDUE", "NEVER", "LATE"];
    let line = |of: &drills::OfApplication| {
        let [servers, in_time, overdue, never, late] = numbers(&of.count);
        [application(of.application.as_deref()), servers, in_time, overdue, never, late]
    };
    table(headings, &report.applications.iter().map(line).collect::<Vec<_>>())
}

fn application(name: Option<&str>) -> String {
    name.map_or_else(|| "(none)".to_owned(), plain)
}

fn of_servers(servers: &[&Drilled], now: Timestamp) -> String {
    let headings = [
        "ACCOUNT",
        "APPLICATION",
        "NAME",
        "SERVER",
        "REGION",
        "STANDING",
        "LAST DRILL",
        "BY",
        "RTO",
        "LAST RECOVERY",
        "LAST FAILURE",
        "EVERY",
    ];
    let at = |last: &Option<Last>| last.as_ref().map(|last| last.at);
    let line = |server: &&Drilled| {
        let drill = server.drill.as_ref();
        [
            plain(&server.account_name),
            application(server.application.as_deref()),
            plain(&server.name),
            server.id.to_string(),
            server.place.region.to_string(),
            standing(server),
            ago_or_never(now, at(&server.drill)),
            drill.map_or_else(|| "-".to_owned(), by),
            of_objective(
                drill.and_then(|drill| drill.took).map(Duration::from),
                drill.and_then(|drill| drill.objective).map(Duration::from),
            ),
            at(&server.recovery).map_or_else(|| "-".to_owned(), |at| ago(now, at)),
            at(&server.failed).map_or_else(|| "-".to_owned(), |at| ago(now, at)),
            length(server.every.into()),
        ]
    };
    table(headings, &servers.iter().map(line).collect::<Vec<_>>())
}

fn standing(server: &Drilled) -> String {
    match server.standing {
        Standing::InTime => "in time".to_owned(),
        due => due.to_string(),
    }
}

/// Who drilled it; DRS's own record does not say.
fn by(drill: &Last) -> String {
    drill.by.as_deref().map_or_else(|| "?".to_owned(), |by| plain(short(by)))
}
