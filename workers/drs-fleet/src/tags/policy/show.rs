//! `tags policy show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::tags::rules::{TagPolicyRow, Written};
use drs_fleet_domain::tags::{Rules, TagPolicy};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::accounts::load;
use crate::hub::Hub;
use crate::places;
use crate::text::{ago, plain, second, table};

/// What `tags policy show` takes.
#[derive(clap::Args)]
#[command(after_help = "Example: drs-fleet tags policy show --account Payments --json")]
pub(crate) struct Arguments {
    /// What applies to source servers of this account: its id, alias or name
    #[arg(long)]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows the rules.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let stored = policy::load::<TagPolicyRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let stored = stored.map(|stored| stored.row);
    let registry = load(hub).await?;
    let account = arguments.account.as_ref().map(|given| places::account(&registry, given)).transpose()?;
    if arguments.json {
        let policy = stored.as_ref().map(|row| row.policy.clone()).unwrap_or_default();
        let all = json!({
            "account": account.map(|row| &row.id),
            "set_by": stored.as_ref().map(|row| &row.set_by),
            "set_at": stored.as_ref().map(|row| row.set_at),
            "policy": policy,
            "effective": effective(&policy, account),
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        write!(out, "{}", print(stored.as_ref(), account, hub.io.now())?)?;
        writeln!(out, "Table {}, read at {}.", hub.table, second(hub.io.now()))?;
    }
    Ok(())
}

/// What applies to an account, or to one that no override names.
fn effective(policy: &TagPolicy, account: Option<&AccountRow>) -> Rules {
    account.map_or_else(|| policy.of_new_account(), |row| policy.of(&row.id))
}

pub(crate) fn print(
    stored: Option<&TagPolicyRow>,
    account: Option<&AccountRow>,
    now: Timestamp,
) -> anyhow::Result<String> {
    let policy = stored.map(|row| row.policy.clone()).unwrap_or_default();
    let whose = account.map_or_else(|| "accounts that no override names".to_owned(), places::who);
    let (all, defaults) = (members(&effective(&policy, account))?, members(&Rules::default())?);
    let mut rows = Vec::new();
    for ((name, value), (_, default)) in all.iter().zip(&defaults) {
        let from = origin(&policy, account, name)?;
        rows.push([name.clone(), in_words(value), from, in_words(default)]);
    }
    let mut overrides = Vec::new();
    for (n, each) in policy.overrides.iter().enumerate() {
        if account.is_none_or(|row| each.accounts.contains(&row.id)) {
            let accounts: Vec<_> = each.accounts.iter().map(ToString::to_string).collect();
            let set = members(&each.set)?;
            let set: Vec<_> = set.iter().map(|(name, value)| format!("{name} {}", in_words(value))).collect();
            let (n, accounts) = (n + 1, accounts.join(", "));
            overrides.push(format!("Override {n}: accounts {accounts}: {}\n", set.join("; ")));
        }
    }
    let set = stored.map_or_else(
        || "No rules were ever set: all is as by default.".to_owned(),
        |row| format!("Set by {}, {} ({}).", plain(&row.set_by), ago(now, row.set_at), second(row.set_at)),
    );
    let table = table(["RULE", "VALUE", "FROM", "DEFAULT"], &rows);
    Ok(format!("What applies to source servers of {whose}:\n\n{table}{}\n{set} ", overrides.concat()))
}

/// Where a rule is set that applies to an account.
fn origin(policy: &TagPolicy, account: Option<&AccountRow>, name: &str) -> anyhow::Result<String> {
    let is_set = |written: &Written| Ok::<_, anyhow::Error>(members(written)?.iter().any(|(n, _)| n == name));
    for (n, each) in policy.overrides.iter().enumerate().rev() {
        if account.is_some_and(|row| each.accounts.contains(&row.id)) && is_set(&each.set)? {
            return Ok(format!("override {}", n + 1));
        }
    }
    Ok(if is_set(&policy.fleet)? { "fleet".to_owned() } else { "default".to_owned() })
}

/// Names and values, by name.
fn members(rules: &impl Serialize) -> anyhow::Result<Vec<(String, Value)>> {
    let Value::Object(members) = serde_json::to_value(rules)? else { return Ok(Vec::new()) };
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(members)
}

/// Nobody likes to read JSON.
fn in_words(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(all) if all.is_empty() => "-".to_owned(),
        Value::Array(all) => all.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(all) if all.is_empty() => "-".to_owned(),
        Value::Object(all) => {
            let pair = |(key, value): (&String, &Value)| match value {
                Value::Object(_) => format!("{}: ({})", plain(key), in_words(value)),
                _ => format!("{} becomes {}", plain(key), in_words(value)),
            };
            all.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
