//! A plan for people and for programs.

use std::fmt;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::quota::{Quota, QuotaOrigin};
use drs_fleet_domain::seen::ExtensibleSeen;
use serde_json::{Value, json};

use super::plan::{Compared, Pair, Plan, Room};
use crate::text::{counted, plain};

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.map_or_else(|| "an unknown number".to_owned(), |n| n.to_string());
        let origin = match self.quota.origin {
            QuotaOrigin::Applied => "applied quota",
            QuotaOrigin::AwsDefault => "AWS's default",
            QuotaOrigin::Documented => "as AWS documents",
        };
        write!(f, "{servers} of {} source servers ({}, {origin})", self.quota.value, Quota::Total.code())
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { staging, staging_name, target, target_name } = self;
        let (from, to) = (plain(staging_name), plain(target_name));
        write!(f, "{staging} ({from}) → {} ({to}), {}", target.account, target.region)
    }
}

/// The id of a server in its staging account.
pub(super) fn id_of(server: &ExtensibleSeen) -> &str {
    server.arn.rsplit('/').next().unwrap_or(&server.arn)
}

/// Its name tag, else its host name, else its id.
pub(super) fn name_of(server: &ExtensibleSeen) -> String {
    let name = server.tags.get("Name").or(server.hostname.as_ref());
    name.map_or_else(|| id_of(server).to_owned(), |name| plain(name))
}

impl Plan {
    /// More than this is missing than fits, by target.
    fn excess(&self, target: &Place) -> Option<usize> {
        let of_target = self.pairs.iter().filter(|compared| compared.pair.target == *target);
        let missing: usize = of_target.flat_map(|compared| &compared.missing).map(Vec::len).sum();
        let left = usize::try_from(self.rooms.get(target)?.left()?).ok()?;
        missing.checked_sub(left).filter(|excess| *excess > 0)
    }

    pub(super) fn print(&self, compared: &Compared) -> String {
        let pair = &compared.pair;
        let missing = match &compared.missing {
            Err(why) => return format!("{pair}: not compared\n  {why}\n"),
            Ok(missing) => missing,
        };
        let mut text = format!("{pair}: {} not extended\n", counted(missing.len(), "server"));
        text.extend(self.rooms.get(&pair.target).map(|room| format!("  the target has {room}\n")));
        let excess = self.excess(&pair.target).filter(|_| !missing.is_empty());
        let too_many = |excess| format!("  {} more than that allows\n", counted(excess, "server"));
        text.extend(excess.map(too_many));
        text.extend(missing.iter().map(|server| format!("  + {}  {}\n", id_of(server), name_of(server))));
        text
    }

    pub(super) fn to_json(&self, compared: &Compared) -> Value {
        let Pair { staging, target, .. } = &compared.pair;
        let room = self.rooms.get(target);
        let server = |server: &ExtensibleSeen| json!({ "arn": server.arn, "name": name_of(server), "tags": server.tags });
        json!({
            "staging": staging,
            "target": target.account,
            "region": target.region,
            "target_servers": room.and_then(|room| room.servers),
            "quota": room.map(|room| room.quota),
            "excess": self.excess(target).unwrap_or_default(),
            "missing": compared.missing.as_ref().ok().map(|all| all.iter().map(server).collect::<Vec<_>>()),
            "error": compared.missing.as_ref().err(),
        })
    }
}
