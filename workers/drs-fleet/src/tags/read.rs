//! Source servers with the tags of their machines, as the table has them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::policy;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::tags::rules::TagPolicyRow;
use drs_fleet_domain::tags::{
    self, CopyTags, Freshness, InstanceTagsRow, Plan, Refused, Rules, ServerTagsRow, Skipped, TagPolicy,
    TagSweepRow,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::hub::Hub;
use crate::places::{self, Found};

/// A source server and how it stands.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) account_name: String,
    pub(super) place: Place,
    pub(super) id: SourceServerId,
    pub(super) name: String,
    #[serde(skip)]
    pub(super) hostname: Option<String>,
    /// Its own, and those of its machine.
    #[serde(skip)]
    pub(super) tags: [BTreeMap<String, String>; 2],
    /// The machine that it protects.
    pub(super) instance: Option<InstanceId>,
    /// Where that runs.
    pub(super) machine: Option<Place>,
    pub(super) standing: Standing,
    /// The values on the server, and those that it should have, of what the plan names.
    pub(super) before: BTreeMap<String, String>,
    pub(super) wanted: BTreeMap<String, String>,
    /// When it was last known to be in line.
    pub(super) in_line_at: Option<Timestamp>,
    pub(super) freshness: Freshness,
    pub(super) refused: Option<Refused>,
    pub(super) copy_tags: Option<CopyTags>,
}

/// How a server stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// Nothing is copied to it.
    Skipped(Skipped),
    /// It was brought in line after the sweep that told its tags.
    Written,
    /// What would be written, if anything.
    Compared(Plan),
}

/// What a place holds.
#[derive(Debug)]
pub(super) struct InPlace {
    pub(super) place: Place,
    pub(super) servers: Vec<Server>,
    /// The last complete sweep of its source servers.
    pub(super) swept_at: Option<Timestamp>,
    pub(super) sweep: Option<TagSweepRow>,
}

impl Server {
    /// Whether a person means it: by a part of its name, id, host name or instance.
    pub(super) fn is_meant(&self, given: &str) -> bool {
        let instance = self.instance.as_ref().map(InstanceId::as_str);
        let names = [Some(self.name.as_str()), Some(self.id.as_str()), self.hostname.as_deref(), instance];
        contains(names, given)
    }

    /// What would be written, if it was compared.
    pub(super) fn plan(&self) -> Option<&Plan> {
        if let Standing::Compared(plan) = &self.standing { Some(plan) } else { None }
    }

    /// Whether anything would be written.
    pub(super) fn differs(&self) -> bool {
        self.plan().is_some_and(|plan| !plan.is_empty())
    }
}

/// Whether a text is in any of the names, in any case.
pub(super) fn contains<'a>(names: impl IntoIterator<Item = Option<&'a str>>, given: &str) -> bool {
    let given = given.to_lowercase();
    names.into_iter().flatten().any(|name| name.to_lowercase().contains(&given))
}

/// Reads the servers of `places`, and compares them by the rules that are stored.
pub(super) async fn read(
    hub: &Hub,
    registry: &Registry,
    places: Vec<Place>,
) -> anyhow::Result<Found<InPlace>> {
    let policy = policy::current::<TagPolicyRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let (policy, now) = (&policy, hub.io.now());
    Ok(places::each(places, |place| one(hub, registry, policy, (place, now))).await)
}

async fn one(
    hub: &Hub,
    registry: &Registry,
    policy: &TagPolicy,
    (place, now): (Place, Timestamp),
) -> Result<InPlace, IoError> {
    let rows = hub.rows::<ServerRow>(&keys::servers(&place)).await?;
    let details = hub.rows::<ServerDetailsRow>(&keys::all_server_details(&place)).await?;
    let mut details: BTreeMap<_, _> = details.into_iter().map(|row| (row.id.clone(), row)).collect();
    let known = hub.rows::<ServerTagsRow>(&keys::all_server_tags(&place)).await?;
    let known: BTreeMap<_, _> = known.into_iter().map(|row| (row.server.clone(), row)).collect();
    let counted = hub.row::<PlaceRow>(keys::place(&place)).await?.and_then(|row| row.counted);
    let sweep = hub.row::<TagSweepRow>(keys::tag_sweep(&place)).await?;
    let told = told(hub, &rows).await?;
    let around = Around {
        account_name: registry.account_name(&place.account),
        rules: &policy.of(&place.account),
        swept_at: counted.map(|counted| counted.swept_at),
        sweep: sweep.as_ref(),
        now,
    };
    let listed = rows.into_iter().filter(|row| row.gone_since.is_none());
    let server = |row: ServerRow| {
        let details = details.remove(&row.id)?;
        let told = instance(&row).and_then(|id| told.get(id));
        let known = known.get(&row.id);
        Some(around.server(&row, details, (told, known)))
    };
    let servers = listed.filter_map(server).collect();
    let swept_at = around.swept_at;
    Ok(InPlace { place, servers, swept_at, sweep })
}

fn instance(row: &ServerRow) -> Option<&InstanceId> {
    row.inventory.as_ref()?.instance.as_ref()
}

async fn told(hub: &Hub, rows: &[ServerRow]) -> Result<BTreeMap<InstanceId, InstanceTagsRow>, IoError> {
    let instances: BTreeSet<_> = rows.iter().filter_map(instance).collect();
    let keys: Vec<_> = instances.into_iter().map(keys::instance_tags).collect();
    let mut told = BTreeMap::new();
    for keys in keys.chunks(READ_AT_ONCE) {
        let found = hub.io.read::<InstanceTagsRow>(keys).await?.into_iter().flatten();
        told.extend(found.map(|stored| (stored.row.instance.clone(), stored.row)));
    }
    Ok(told)
}

/// What the servers of a place have in common.
struct Around<'a> {
    account_name: &'a str,
    rules: &'a Rules,
    swept_at: Option<Timestamp>,
    sweep: Option<&'a TagSweepRow>,
    now: Timestamp,
}

impl Around<'_> {
    fn server(
        &self,
        row: &ServerRow,
        details: ServerDetailsRow,
        (told, known): (Option<&InstanceTagsRow>, Option<&ServerTagsRow>),
    ) -> Server {
        let machine = told.map(|told| told.place.clone()).or_else(|| details.facts.origin());
        let in_line_at = known.and_then(|known| known.in_line_at(machine.as_ref(), self.sweep));
        let standing = self.standing(row, &details, (told, known));
        let named = |tags: &BTreeMap<String, String>| match &standing {
            Standing::Compared(plan) => {
                let names = |key: &String| {
                    plan.set.contains_key(key) || plan.remove.contains(key) || plan.left.contains_key(key)
                };
                tags.iter().filter(|(key, _)| names(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
            }
            Standing::Skipped(_) | Standing::Written => BTreeMap::new(),
        };
        Server {
            account_name: self.account_name.to_owned(),
            place: row.place.clone(),
            id: row.id.clone(),
            name: row.name().to_owned(),
            instance: instance(row).cloned(),
            before: named(&details.tags),
            wanted: told.map(|told| named(&told.wanted(self.rules).tags)).unwrap_or_default(),
            tags: [details.tags, told.map(|told| told.tags.clone()).unwrap_or_default()],
            hostname: details.hostname,
            machine,
            standing,
            in_line_at,
            freshness: Freshness::of(in_line_at, self.now),
            refused: known.and_then(|known| known.refused.clone()),
            copy_tags: known.and_then(|known| known.copy_tags),
        }
    }

    fn standing(
        &self,
        row: &ServerRow,
        details: &ServerDetailsRow,
        (told, known): (Option<&InstanceTagsRow>, Option<&ServerTagsRow>),
    ) -> Standing {
        let is_disconnected = row.replication.state == "DISCONNECTED";
        if let Some(why) = tags::reason_to_skip(instance(row), is_disconnected, told, self.rules) {
            return Standing::Skipped(why);
        }
        let Some(told) = told else { return Standing::Skipped(Skipped::TagsUnknown) };
        let owned = known.map(|known| known.owned(&details.tags)).unwrap_or_default();
        let plan = told.plan(&details.tags, &owned, self.rules);
        let written_at = known.filter(|known| known.doing.is_none() && known.refused.is_none());
        let written_at = written_at.and_then(|known| known.synced_at);
        // What the table has of it is older than what was written since.
        let is_newer = written_at > self.swept_at && written_at > Some(told.changed_at);
        if is_newer && !plan.is_empty() { Standing::Written } else { Standing::Compared(plan) }
    }
}
