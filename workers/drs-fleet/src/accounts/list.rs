//! `accounts list`.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_domain::place::Counted;
use drs_fleet_domain::registry::{AccountRegion, AccountRow};
use jiff::Timestamp;

use super::seen::{self, Account, Known, Seen};
use super::{load, unregistered};
use crate::hub::Hub;
use crate::text::{ago, ago_or_never, counted, plain, second, table};

/// What `accounts list` takes.
#[derive(Clone, Copy, clap::Args)]
#[command(
    after_help = "SERVERS and REPLICATING are what the last complete sweep counted: ? where none was, + \
where that of a Region is missing."
)]
pub(crate) struct Arguments {
    /// Instead, the accounts and Regions whose events come in without being registered
    #[arg(long)]
    unregistered: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists accounts.
pub(super) async fn list(hub: &Hub, arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    if arguments.unregistered {
        return unregistered::list(hub, &registry, arguments.json, out).await;
    }
    let seen = seen::read(hub, registry.accounts().cloned().collect()).await?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&seen)?)?;
    } else if seen.accounts.is_empty() {
        writeln!(out, "No account is registered in table {}.", hub.table)?;
        writeln!(out, "Register one: drs-fleet accounts add ACCOUNT --name NAME --drs-region REGION")?;
    } else {
        write!(out, "{}", print(&seen))?;
        writeln!(out, "\n{}", footer(&seen, &hub.table))?;
    }
    Ok(())
}

fn print(seen: &Seen) -> String {
    let headings = [
        "ACCOUNT",
        "NAME",
        "STATUS",
        "DRS",
        "SOURCE",
        "SERVERS",
        "REPLICATING",
        "COUNTED",
        "VALIDATED",
        "HEARD",
    ];
    let row = |seen_account: &Account| {
        let account = &seen_account.account;
        [
            account.id.to_string(),
            name(account),
            account.status.to_string(),
            regions(account, |r| r.drs),
            regions(account, |r| r.source),
            sum(seen_account, |c| c.servers),
            sum(seen_account, |c| c.replicating),
            oldest(seen.read_at, seen_account.drs(), |k| k.counted().map(|c| c.swept_at)),
            ago_or_never(seen.read_at, account.last_validated),
            oldest(seen.read_at, seen_account.regions.iter(), Known::heard_at),
        ]
    };
    table(headings, &seen.accounts.iter().map(row).collect::<Vec<_>>())
}

/// The name for people, with the alias behind it.
pub(super) fn name(account: &AccountRow) -> String {
    let alias = account.alias.as_ref().map(|alias| format!(" ({})", plain(alias))).unwrap_or_default();
    plain(&account.name) + &alias
}

fn regions(account: &AccountRow, is_meant: impl Fn(&AccountRegion) -> bool) -> String {
    let names: Vec<_> =
        account.regions.iter().filter(|r| is_meant(r)).map(|r| r.region.as_str().to_owned()).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(",") }
}

/// A `?` where no sweep has counted, a `+` where one is missing: a sum of what is known is not the whole.
fn sum(account: &Account, number: impl Fn(&Counted) -> u32) -> String {
    let known: Vec<_> = account.drs().filter_map(Known::counted).map(number).collect();
    match (account.drs().count(), known.len()) {
        (0, _) => "-".to_owned(),
        (_, 0) => "?".to_owned(),
        (all, some) => format!("{}{}", known.iter().sum::<u32>(), if some < all { "+" } else { "" }),
    }
}

/// The age of the Region that was longest without, for that is how old the line is.
fn oldest<'a>(
    now: Timestamp,
    regions: impl Iterator<Item = &'a Known>,
    time: impl Fn(&Known) -> Option<Timestamp>,
) -> String {
    let times: Vec<_> = regions.map(time).collect();
    let never = times.iter().filter(|time| time.is_none()).count();
    match times.iter().flatten().min() {
        None if times.is_empty() => "-".to_owned(),
        None => "never".to_owned(),
        Some(_) if never > 0 => format!("never ({never} of {})", times.len()),
        Some(oldest) => ago(now, *oldest),
    }
}

fn footer(seen: &Seen, table: &str) -> String {
    let mut by_status = BTreeMap::<String, usize>::new();
    for seen in &seen.accounts {
        *by_status.entry(seen.account.status.to_string()).or_default() += 1;
    }
    let statuses: Vec<_> = by_status.iter().map(|(status, number)| format!("{number} {status}")).collect();
    format!(
        "{}: {}. Table {table}, read at {}.\nCOUNTED is the last complete sweep, HEARD the last heartbeat; of \
         several Regions the oldest is shown.",
        counted(seen.accounts.len(), "account"),
        statuses.join(", "),
        second(seen.read_at),
    )
}
