//! `policy show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::{policy, registry};
use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::policy::{Limits, Override, Policy, PolicyRow, SetBy, Thresholds};
use drs_fleet_domain::registry::AccountRow;
use jiff::Timestamp;
use serde::Serialize;

use crate::hub::Hub;
use crate::places;
use crate::text::{ago, bytes, plain, second, table};

/// What `policy show` takes.
#[derive(clap::Args)]
#[command(after_help = "Example: drs-fleet policy show --account Payments --json")]
pub(crate) struct Arguments {
    /// What applies to this account: its id, alias or name
    #[arg(long)]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What scripts read.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    /// None when no policy was ever set.
    set_by: Option<&'a str>,
    set_at: Option<Timestamp>,
    /// As it is stored.
    policy: &'a Policy,
    /// All that applies, defaults included.
    effective: Thresholds,
}

/// Shows the policy.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let stored =
        policy::load::<PolicyRow>(&hub.io).await.with_context(|| hub.unreadable())?.map(|stored| stored.row);
    let registry = registry::load(&hub.io).await.with_context(|| hub.unreadable())?;
    let account = arguments.account.as_ref().map(|given| places::account(&registry, given)).transpose()?;
    if arguments.json {
        writeln!(out, "{}", json(stored.as_ref(), account)?)?;
    } else {
        write!(out, "{}", print(stored.as_ref(), account, hub.io.now()))?;
        writeln!(out, "Table {}, read at {}.", hub.table, second(hub.io.now()))?;
    }
    Ok(())
}

fn json(stored: Option<&PolicyRow>, account: Option<&AccountRow>) -> serde_json::Result<String> {
    let none = Policy::default();
    let policy = stored.map_or(&none, |row| &row.policy);
    serde_json::to_string_pretty(&Shown {
        account: account.map(|row| row.id.as_str()),
        set_by: stored.map(|row| row.set_by.as_str()),
        set_at: stored.map(|row| row.set_at),
        policy,
        effective: limits(policy, account).written(),
    })
}

/// What applies to an account, or to one that no override names.
fn limits(policy: &Policy, account: Option<&AccountRow>) -> Limits {
    account.map_or_else(|| policy.of_new_account(), |row| policy.of_account(&row.id))
}

pub(super) fn print(stored: Option<&PolicyRow>, account: Option<&AccountRow>, now: Timestamp) -> String {
    let none = Policy::default();
    let policy = stored.map_or(&none, |row| &row.policy);
    let whose = account.map_or_else(|| "accounts that no override names".to_owned(), places::who);
    let default = if policy.application_tag.is_none() { " (default)" } else { "" };
    let tag = plain(policy.application_tag());
    let of_it = |each: &Override| {
        account.is_none_or(|row| each.accounts.is_empty() || each.accounts.contains(&row.id))
    };
    let overrides = policy.overrides.iter().enumerate().filter(|(_, each)| of_it(each));
    let overrides = overrides.map(|(n, each)| format!("Override {}: {}\n", n + 1, in_words(each)));
    let set = stored.map_or_else(
        || "No policy was ever set: all is as by default.".to_owned(),
        |row| format!("Set by {}, {} ({}).", plain(&row.set_by), ago(now, row.set_at), second(row.set_at)),
    );
    format!(
        "What applies to {whose}:\n\n{}\nThe tag {tag}{default} names the application of a server.\n{}\n{set} ",
        effective(policy, account),
        overrides.collect::<String>(),
    )
}

fn effective(policy: &Policy, account: Option<&AccountRow>) -> String {
    let defaults = Limits::default().written().each_set();
    let all = limits(policy, account).written().each_set();
    let row = |((name, value), (_, default)): (&(&str, String), &(&str, String))| {
        let from = account.map_or_else(|| of_fleet(policy, name), |row| policy.origin(&row.id, name));
        [(*name).to_owned(), readable(name, value), from.to_string(), readable(name, default)]
    };
    table(["THRESHOLD", "VALUE", "FROM", "DEFAULT"], &all.iter().zip(&defaults).map(row).collect::<Vec<_>>())
}

/// Nobody reads ten digits.
fn readable(name: &str, value: &str) -> String {
    match value.parse() {
        Ok(number) if name == "backlog_above" => format!("{value} ({})", bytes(number)),
        _ => value.to_owned(),
    }
}

fn of_fleet(policy: &Policy, name: &str) -> SetBy {
    let is_set = policy.fleet.each_set().iter().any(|(set, _)| *set == name);
    if is_set { SetBy::Fleet } else { SetBy::Default }
}

fn in_words(each: &Override) -> String {
    let accounts: Vec<_> = each.accounts.iter().map(AccountId::as_str).collect();
    let accounts = (!accounts.is_empty()).then(|| format!("accounts {}", accounts.join(", ")));
    let tag = each.tag.as_ref().map(|tag| format!("servers with {}={}", plain(&tag.key), plain(&tag.value)));
    let whom: Vec<_> = tag.into_iter().chain(accounts).collect();
    let set: Vec<_> = each.set.each_set().iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("{}: {}", whom.join(" in "), set.join(", "))
}
