//! `extended plan`: what the staging accounts offer and their target accounts lack.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::quota::{self, Quota, QuotaValue, QuotasRow};
use drs_fleet_domain::registry::{AccountRow, Registry};
use drs_fleet_domain::seen::ExtensibleSeen;
use futures::{StreamExt, stream};
use serde_json::json;

use super::patience::unhurried;
use crate::accounts::load;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::places;
use crate::text::{counted, plain, second};

/// How many pairs are asked at a time.
const SIDE_BY_SIDE: usize = 8;

/// What `extended plan` takes.
#[derive(clap::Args)]
#[command(after_help = "Example: drs-fleet extended plan --target Payments --region us-west-2

Exits with 2 when servers are missing, and with 1 when a pair of accounts could not be compared.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which pairs are meant.
#[derive(clap::Args)]
pub(super) struct Chosen {
    /// Only of this staging account: its id, alias or name
    #[arg(long)]
    staging: Option<String>,
    /// Only into this target account: its id, alias or name
    #[arg(long)]
    target: Option<String>,
    /// Only in this Region
    #[arg(long)]
    region: Option<Region>,
}

/// A staging account and where its servers are to be extended into.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) staging: AccountId,
    pub(super) staging_name: String,
    pub(super) target: Place,
    pub(super) target_name: String,
}

/// A pair, and what is missing.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) pair: Pair,
    pub(super) missing: Result<Vec<ExtensibleSeen>, String>,
}

/// How many source servers a target account may still take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// What the last complete sweep counted; none before one.
    pub(super) servers: Option<u32>,
    pub(super) quota: QuotaValue,
}

/// All that was compared.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) pairs: Vec<Compared>,
    pub(super) rooms: BTreeMap<Place, Room>,
}

/// Says what is missing.
pub(super) async fn plan(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let plan = compare(hub, &arguments.chosen).await?;
    if arguments.json {
        let pairs: Vec<_> = plan.pairs.iter().map(|compared| plan.to_json(compared)).collect();
        let all = json!({ "read_at": hub.io.now(), "missing": plan.missing(), "pairs": pairs });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        plan.pairs.iter().try_for_each(|compared| writeln!(out, "{}", plan.print(compared)))?;
        if plan.pairs.iter().any(|compared| compared.missing.is_ok()) {
            let missing = counted(plan.missing(), "server");
            writeln!(out, "{missing} not extended, as AWS told; read at {}.", second(hub.io.now()))?;
        }
        if plan.missing() > 0 {
            writeln!(out, "Extend them: drs-fleet extended apply --yes")?;
        }
    }
    plan.complain()?;
    Ok(if plan.missing() > 0 { Outcome::Wanting } else { Outcome::Fine })
}

/// Asks AWS what each pair lacks.
pub(super) async fn compare(hub: &Hub, chosen: &Chosen) -> anyhow::Result<Plan> {
    let registry = load(hub).await?;
    let pairs = chosen.pairs(&registry)?;
    if pairs.is_empty() {
        bail!(
            "no account as asked names a target account; a staging account is registered with one: \
             drs-fleet accounts add ACCOUNT --name NAME --drs-region REGION --target-account TARGET"
        );
    }
    let places: Vec<_> = pairs.iter().map(|pair| pair.target.clone()).collect();
    let rooms = rooms(hub, &places).await.with_context(|| hub.unreadable())?;
    let one = |pair: Pair| async {
        let missing = missing(hub, &registry, &pair).await;
        Compared { pair, missing }
    };
    let pairs = stream::iter(pairs).map(one).buffered(SIDE_BY_SIDE).collect().await;
    Ok(Plan { pairs, rooms })
}

impl Chosen {
    fn pairs(&self, registry: &Registry) -> anyhow::Result<Vec<Pair>> {
        let staging = self.staging.as_ref().map(|given| places::account(registry, given)).transpose()?;
        let target = self.target.as_ref().map(|given| target(registry, given)).transpose()?;
        let is_meant = |pair: &Pair| {
            staging.is_none_or(|row| row.id == pair.staging)
                && target.is_none_or(|id| *id == pair.target.account)
                && self.region.as_ref().is_none_or(|region| *region == pair.target.region)
        };
        let of_account = |row| pairs(registry, row).collect::<Vec<_>>();
        Ok(registry.accounts().flat_map(of_account).filter(is_meant).collect())
    }
}

/// A target may be named by staging accounts and not be registered itself.
fn target<'a>(registry: &'a Registry, given: &str) -> anyhow::Result<&'a AccountId> {
    let named = registry.accounts().filter_map(|row| row.target.as_ref()).find(|id| id.as_str() == given);
    named.map_or_else(|| places::account(registry, given).map(|row| &row.id), Ok)
}

/// Servers are extended within their Region.
fn pairs<'a>(registry: &'a Registry, staging: &'a AccountRow) -> impl Iterator<Item = Pair> + 'a {
    let pair = |(target, place): (&AccountId, Place)| Pair {
        staging: staging.id.clone(),
        staging_name: staging.name.clone(),
        target: Place { account: target.clone(), region: place.region },
        target_name: registry.account_name(target).to_owned(),
    };
    let pairs =
        staging.target.iter().flat_map(|target| staging.drs_places().map(move |place| (target, place)));
    pairs.map(pair)
}

async fn rooms(hub: &Hub, places: &[Place]) -> Result<BTreeMap<Place, Room>, IoError> {
    let keys: Vec<_> = places.iter().map(keys::quotas).collect();
    let quotas = hub.io.read::<QuotasRow>(&keys).await?;
    let keys: Vec<_> = places.iter().map(keys::place).collect();
    let counted = hub.io.read::<PlaceRow>(&keys).await?;
    let room = |(quotas, stored): (Option<QuotasRow>, Option<PlaceRow>)| Room {
        servers: stored.and_then(|row| row.counted).map(|counted| counted.servers),
        quota: quota::value(Quota::Total, quotas.as_ref()),
    };
    let quotas = quotas.into_iter().map(|stored| stored.map(|s| s.row));
    let counted = counted.into_iter().map(|stored| stored.map(|s| s.row));
    Ok(places.iter().cloned().zip(quotas.zip(counted).map(room)).collect())
}

async fn missing(hub: &Hub, registry: &Registry, pair: &Pair) -> Result<Vec<ExtensibleSeen>, String> {
    let Place { account, region } = &pair.target;
    let Some(row) = registry.account(account) else {
        return Err(format!("account {account} is not registered: drs-fleet accounts add {account} …"));
    };
    if !row.drs_places().any(|place| place == pair.target) {
        return Err(format!("{region} is no DRS Region of account {account} in the registry"));
    }
    let mut all = Vec::new();
    let mut page = None;
    loop {
        let ask = || hub.io.extensible_servers(&pair.target, &pair.staging, page.clone());
        let answer = unhurried(&hub.io, ask).await.map_err(|error| refused(pair, &error))?;
        if !answer.initialized {
            return Err(format!("DRS is not initialised in {}", pair.target));
        }
        all.extend(answer.items);
        match answer.next {
            Some(next) => page = Some(next),
            None => return Ok(all),
        }
    }
}

fn refused(pair: &Pair, error: &IoError) -> String {
    let Pair { staging, target, .. } = pair;
    let account = &target.account;
    let advice = match error.verdict {
        Verdict::Denied => format!(
            "\n  Account {staging} must trust {account} in its DRS settings, and role drs-fleet-spoke of {account} needs \
             drs:ListExtensibleSourceServers (infra/spoke.yaml)."
        ),
        _ => String::new(),
    };
    format!("{}{advice}", plain(&error.to_string()))
}

impl Room {
    /// How many more servers fit; none when that is not known.
    pub(super) fn left(self) -> Option<u32> {
        self.servers.map(|servers| self.quota.value.saturating_sub(servers))
    }
}

impl Plan {
    /// How many servers are not extended.
    pub(super) fn missing(&self) -> usize {
        self.pairs.iter().flat_map(|compared| &compared.missing).map(Vec::len).sum()
    }

    /// The error to end with when a pair could not be compared.
    pub(super) fn complain(&self) -> anyhow::Result<()> {
        let failed = self.pairs.iter().filter(|compared| compared.missing.is_err()).count();
        if failed > 0 {
            bail!("{failed} of {} could not be compared", counted(self.pairs.len(), "pair"));
        }
        Ok(())
    }
}
