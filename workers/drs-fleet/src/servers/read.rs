//! The servers of many places, as the table has them.

use std::collections::BTreeMap;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::RPO_TAG;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::remedy;
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::tags::{Freshness, ServerTagsRow, Skipped, TagSweepRow};
use jiff::Timestamp;
use serde::Serialize;

use crate::hub::Hub;
use crate::places::{self, Found};

/// A server and what surrounds it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) account_name: String,
    pub(super) row: ServerRow,
    /// Absent before a sweep saw the server.
    pub(super) details: Option<ServerDetailsRow>,
    pub(super) tags: TagStanding,
    /// The last complete sweep of its place, in AWS's time.
    pub(super) swept_at: Option<Timestamp>,
}

/// How the tags of a server stand against those of its machine.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct TagStanding {
    pub(super) freshness: Freshness,
    /// When they were last known to be in line.
    pub(super) in_line_at: Option<Timestamp>,
    /// Why nothing is copied.
    pub(super) skipped: Option<Skipped>,
}

/// What a place holds.
#[derive(Debug)]
pub(super) struct InPlace {
    pub(super) servers: Vec<Server>,
    pub(super) swept_at: Option<Timestamp>,
}

/// Reads the servers of `places`.
pub(super) async fn read(hub: &Hub, registry: &Registry, places: Vec<Place>) -> Found<InPlace> {
    places::each(places, |place| one(hub, registry.account_name(&place.account).to_owned(), place)).await
}

async fn one(hub: &Hub, account_name: String, place: Place) -> Result<InPlace, IoError> {
    let rows = hub.rows::<ServerRow>(&keys::servers(&place)).await?;
    let mut details =
        by_id(hub.rows(&keys::all_server_details(&place)).await?, |row: &ServerDetailsRow| &row.id);
    let tags = by_id(hub.rows(&keys::all_server_tags(&place)).await?, |row: &ServerTagsRow| &row.server);
    let sweep = hub.row::<TagSweepRow>(keys::tag_sweep(&place)).await?;
    let counted = hub.row::<PlaceRow>(keys::place(&place)).await?.and_then(|row| row.counted);
    let (swept_at, now) = (counted.map(|counted| counted.swept_at), hub.io.now());
    let server = |row: ServerRow| {
        let details = details.remove(&row.id);
        let machine = details.as_ref().and_then(|details| details.facts.origin());
        let tags = TagStanding::of(tags.get(&row.id), machine.as_ref(), sweep.as_ref(), now);
        Server { account_name: account_name.clone(), details, tags, row, swept_at }
    };
    Ok(InPlace { servers: rows.into_iter().map(server).collect(), swept_at })
}

fn by_id<R>(rows: Vec<R>, id: impl Fn(&R) -> &SourceServerId) -> BTreeMap<SourceServerId, R> {
    rows.into_iter().map(|row| (id(&row).clone(), row)).collect()
}

impl TagStanding {
    fn of(
        known: Option<&ServerTagsRow>,
        machine: Option<&Place>,
        sweep: Option<&TagSweepRow>,
        now: Timestamp,
    ) -> Self {
        let in_line_at = known.and_then(|known| known.in_line_at(machine, sweep));
        let freshness = Freshness::of(in_line_at, now);
        Self { freshness, in_line_at, skipped: known.and_then(|known| known.skipped) }
    }
}

/// By the short word that stands for it: what can be wrong with a server.
pub(super) const TROUBLES: [(&str, IncidentKind); 9] = [
    ("stalled", IncidentKind::ReplicationStalled),
    ("disconnected", IncidentKind::ServerDisconnected),
    ("lag", IncidentKind::ReplicationLag),
    ("backlog", IncidentKind::ReplicationBacklog),
    ("not-seen", IncidentKind::ServerNotSeen),
    ("sync-stuck", IncidentKind::InitialSyncStuck),
    ("rpo", IncidentKind::RpoGap),
    ("extension", IncidentKind::ExtensionError),
    ("resync", IncidentKind::FullResync),
];

impl Server {
    /// Its replication state, or that it is gone from AWS.
    pub(super) fn state(&self) -> &str {
        if self.row.gone_since.is_some() { "GONE" } else { &self.row.replication.state }
    }

    /// The words of its open incidents.
    pub(super) fn troubles(&self) -> Vec<&'static str> {
        let word = |kind| {
            TROUBLES
                .iter()
                .find(|(_, known)| *known == kind)
                .map_or(IncidentKind::as_str(kind), |(word, _)| word)
        };
        incident::open(&self.row.incidents).map(|(kind, _)| word(kind)).collect()
    }

    /// `ok`, or what is wrong with it, with the words for the error that DRS tells.
    pub(super) fn health(&self) -> String {
        let troubles = self.troubles().join(",");
        match self.row.replication.error.as_deref().map(remedy::words) {
            Some(error) if troubles.is_empty() => error,
            Some(error) => format!("{troubles}: {error}"),
            None if troubles.is_empty() => "ok".to_owned(),
            None => troubles,
        }
    }

    /// The recovery point objective by its tag, as it is written there.
    pub(super) fn rpo(&self) -> Option<&str> {
        self.row.inventory.as_ref()?.marks.get(RPO_TAG).map(String::as_str)
    }

    /// Its host name, where it is known.
    pub(super) fn hostname(&self) -> Option<&str> {
        self.details.as_ref()?.hostname.as_deref()
    }

    /// The EC2 machine that it protects.
    pub(super) fn instance(&self) -> Option<&str> {
        self.row.inventory.as_ref()?.instance.as_ref().map(InstanceId::as_str)
    }
}
