//! What is held back: muted, expected in a drill, or a consequence of something that people are told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::hold::{self, Hold};
use drs_fleet_domain::notify::{Labels, MemberRow, MuteRow, WindowRow};
use drs_fleet_domain::registry::Registry;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{Notifier, drills};

/// So many places are asked at once.
const READS: usize = 16;

/// All that may hold members of one group back.
pub(crate) struct Holding {
    registry: Arc<Registry>,
    mutes: Vec<MuteRow>,
    windows: Vec<WindowRow>,
    silent: BTreeSet<Place>,
    stalled: BTreeMap<Region, usize>,
    now: Timestamp,
}

impl Holding {
    /// Reads what matters to these members.
    pub(crate) async fn of<I: Io>(
        worker: &Notifier,
        io: &I,
        members: impl Iterator<Item = &MemberRow>,
    ) -> Result<Self, IoError> {
        let registry = worker.registry.current(io).await?;
        let (mut places, mut regions) = (BTreeSet::new(), BTreeSet::new());
        for event in members.filter(|member| member.news().is_some()).map(|member| &member.event) {
            if hold::ends_with_its_spoke(event.kind) {
                places.insert(event.place());
            }
            if hold::follows_a_stall(event.kind) {
                regions.insert(event.region.clone());
            }
        }
        let mutes = io.query::<MuteRow>(&keys::mutes()).await?;
        let mut stalled = BTreeMap::new();
        for region in regions {
            let many = stalled_in(io, &registry, &region).await?;
            stalled.insert(region, many);
        }
        Ok(Self {
            mutes: mutes.into_iter().map(|stored| stored.row).collect(),
            windows: drills::windows(io).await?,
            silent: silent(io, places).await?,
            stalled,
            now: io.now(),
            registry,
        })
    }

    /// Why a member is held back, if it is.
    pub(crate) fn holds(&self, member: &MemberRow) -> Option<Hold> {
        let event = &member.event;
        if !member.standing().open {
            return None;
        }
        let labels = Labels::of(event, self.registry.account(&event.account_id));
        let is_muted = self.mutes.iter().any(|mute| mute.matches(&labels, self.now));
        let in_window = self.windows.iter().any(|window| window.covers(&labels, self.now));
        let stalled = self.stalled.get(&event.region).copied().unwrap_or_default();
        hold::of(event, is_muted, in_window, self.silent.contains(&event.place()), stalled)
    }
}

/// Those of the places that are silent.
async fn silent<I: Io>(io: &I, places: BTreeSet<Place>) -> Result<BTreeSet<Place>, IoError> {
    let places: Vec<Place> = places.into_iter().collect();
    let mut silent = BTreeSet::new();
    for chunk in places.chunks(READ_AT_ONCE) {
        let key = |place: &Place| keys::incident(place, IncidentKind::SpokeSilent, place.account.as_str());
        let keys: Vec<Key> = chunk.iter().map(key).collect();
        let rows = io.read::<IncidentRow>(&keys).await?;
        let open = rows.into_iter().flatten().filter(|stored| stored.row.is_open());
        silent.extend(open.map(|stored| stored.row.latest.place()));
    }
    Ok(silent)
}

/// How many servers of a Region are stalled, over all accounts.
async fn stalled_in<I: Io>(io: &I, registry: &Registry, region: &Region) -> Result<usize, IoError> {
    let places: Vec<Place> =
        registry.drs_places().into_iter().filter(|place| place.region == *region).collect();
    let counts = stream::iter(places).map(|place| async move {
        let range = keys::incidents_of(&place, IncidentKind::ReplicationStalled);
        let rows = io.query::<IncidentRow>(&range).await?;
        Ok::<_, IoError>(rows.iter().filter(|stored| stored.row.is_open()).count())
    });
    counts.buffer_unordered(READS).try_fold(0, async |sum, count| Ok(sum + count)).await
}
