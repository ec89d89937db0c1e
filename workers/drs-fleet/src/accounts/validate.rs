//! `accounts validate`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::registry::{Check, EditError, Outcome, Report, What};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::{editor, load};
use crate::hub::{self, Hub};
use crate::places;
use crate::text::{counted, plain};

/// How many accounts are validated side by side. STS and DRS allow each account far more than its share of it.
const SIDE_BY_SIDE: usize = 16;

/// What `accounts validate` takes.
#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").args(["accounts", "all"]).required(true),
    after_help = "Exits with 1 unless every account is ACTIVE afterwards."
)]
pub(crate) struct Arguments {
    /// Ids or aliases
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// All accounts that are not switched off
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How an account was validated.
struct Validated {
    before: AccountRow,
    report: Result<Report, EditError>,
    /// What became of the wish for a sweep; none where there is nothing new to sweep.
    sweep: Option<String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Every check passed.
    Passed,
    /// A check failed.
    Failed,
    /// None failed, and not all could be made.
    Unknown,
}

/// Validates accounts.
pub(super) async fn validate(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let is_off = |row: &AccountRow| row.status == AccountStatus::Inactive;
    let mut chosen = Vec::new();
    if arguments.all {
        chosen.extend(registry.accounts().filter(|row| !is_off(row)).cloned());
    }
    for given in &arguments.accounts {
        let row = places::account(&registry, given)?;
        if is_off(row) {
            // To validate it would switch it on, which somebody did not want.
            bail!(
                "account {} is INACTIVE; validate it and switch it on: drs-fleet accounts activate {0}",
                row.id
            );
        }
        chosen.push(row.clone());
    }
    each(hub, chosen, arguments.json, out).await
}

/// Validates each of `rows`, tells of each as it is done, and fails when any of them is not ACTIVE then.
pub(super) async fn each(
    hub: &Hub,
    rows: Vec<AccountRow>,
    as_json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let all = rows.len();
    let mut running = stream::iter(rows).map(|row| one(hub, row)).buffer_unordered(SIDE_BY_SIDE);
    let mut done = Vec::new();
    while let Some(validated) = running.next().await {
        done.push(validated);
        if let (false, Some(validated)) = (as_json, done.last()) {
            let progress = if all > 1 { format!("[{}/{all}] ", done.len()) } else { String::new() };
            write!(out, "{progress}{}", validated.print())?;
        }
    }
    if as_json {
        done.sort_by(|a, b| a.before.id.cmp(&b.before.id));
        let all: Vec<_> = done.iter().map(Validated::json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    }
    conclude(&done)
}

async fn one(hub: &Hub, before: AccountRow) -> Validated {
    let report = editor(hub).validate(&before.id).await;
    let is_new = report.as_ref().is_ok_and(|r| r.status == AccountStatus::Active)
        && before.status != AccountStatus::Active;
    let places: Vec<_> = before.drs_places().collect();
    let sweep = if is_new && !places.is_empty() { Some(sweep(hub, &places).await) } else { None };
    Validated { before, report, sweep }
}

/// A sweep restores the truth of what was not known of the account before.
async fn sweep(hub: &Hub, places: &[Place]) -> String {
    const TICK: &str = "the next sweep, within 5 minutes, counts its servers";
    match hub.ask_sweeps(places).await {
        Ok(asked) if asked.is_empty() => format!("{TICK} (sooner with {})", hub::queue_variables()),
        Ok(asked) => format!("{} sweep it now", asked.join(" and ")),
        Err(error) => format!("{TICK}; to ask for one now failed: {error}"),
    }
}

/// The exit code follows from this: a script must not take "not known" for "well".
fn conclude(done: &[Validated]) -> anyhow::Result<()> {
    let number = |end: End| done.iter().filter(|validated| validated.end() == end).count();
    let parts: Vec<_> = [(End::Failed, "failed validation"), (End::Unknown, "could not be checked")]
        .into_iter()
        .map(|(end, text)| (number(end), text))
        .filter(|(number, _)| *number > 0)
        .map(|(number, text)| format!("{number} of {} {text}", counted(done.len(), "account")))
        .collect();
    if parts.is_empty() { Ok(()) } else { bail!(parts.join("; ")) }
}

impl Validated {
    fn end(&self) -> End {
        let Ok(report) = &self.report else { return End::Unknown };
        let any = |is_meant: fn(&Outcome) -> bool| report.checks.iter().any(|c| is_meant(&c.outcome));
        if any(|outcome| matches!(outcome, Outcome::Failed(_))) {
            End::Failed
        } else if any(|outcome| matches!(outcome, Outcome::Unknown(_))) {
            End::Unknown
        } else {
            End::Passed
        }
    }

    fn print(&self) -> String {
        let who = places::who(&self.before);
        let report = match &self.report {
            Ok(report) => report,
            Err(error) => {
                return format!("{who} could not be validated: {}\n", plain(&error.to_string()));
            }
        };
        let status = match self.end() {
            End::Unknown => format!("stays {}, for not all could be checked", self.before.status),
            End::Passed | End::Failed => format!("is {}", report.status),
        };
        let mut text = format!("{who} {status}\n");
        text.extend(report.checks.iter().map(|check| print_check(check, &self.before)));
        text.extend(self.sweep.iter().map(|sweep| format!("  → {sweep}\n")));
        text
    }

    fn json(&self) -> Value {
        let checks = self.report.as_ref().map_or(&[][..], |report| report.checks.as_slice());
        json!({
            "account": self.before.id,
            "name": self.before.name,
            "status": self.report.as_ref().map_or(&self.before.status, |report| &report.status),
            "end": self.end().as_str(),
            "error": self.report.as_ref().err().map(ToString::to_string),
            "checks": checks.iter().map(|check| json_check(check, &self.before)).collect::<Vec<_>>(),
            "sweep": self.sweep,
        })
    }
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

fn print_check(check: &Check, row: &AccountRow) -> String {
    let what = &check.what;
    match &check.outcome {
        Outcome::Passed(None) => format!("  ✓ {what}\n"),
        Outcome::Passed(Some(remark)) => format!("  ✓ {what}\n      {}\n", plain(remark)),
        Outcome::Unknown(why) => format!("  ? {what}\n      {}\n      Try again later.\n", plain(why)),
        Outcome::Failed(why) => {
            format!("  ✗ {what}\n      {}\n      {}\n", plain(why), advice(&check.what, row))
        }
    }
}

fn json_check(check: &Check, row: &AccountRow) -> Value {
    let (end, why) = match &check.outcome {
        Outcome::Passed(remark) => (End::Passed, remark.as_deref()),
        Outcome::Failed(why) => (End::Failed, Some(why.as_str())),
        Outcome::Unknown(why) => (End::Unknown, Some(why.as_str())),
    };
    let advice = (end == End::Failed).then(|| advice(&check.what, row));
    json!({ "what": check.what.to_string(), "end": end.as_str(), "why": why, "advice": advice })
}

/// What to do when a check failed.
fn advice(what: &What, row: &AccountRow) -> String {
    let AccountRow { id, role_arn, external_id_secret: secret, .. } = row;
    match what {
        What::ExternalId => format!(
            "Create secret {secret} in the hub's account and Region, with the ExternalId of the spoke's stack as \
             its text."
        ),
        What::Role => format!(
            "Deploy infra/spoke.yaml in account {id}, with the text of secret {secret} as ExternalId; it makes \
             {role_arn}."
        ),
        What::WrongExternalId | What::NoExternalId => format!(
            "Deploy infra/spoke.yaml in account {id} again, or mend the trust policy of {role_arn} by hand."
        ),
        What::Servers(region) => format!(
            "Allow {role_arn} drs:DescribeSourceServers; look at the organisation's service control policies for \
             {region}, and whether the account has enabled that Region."
        ),
    }
}
