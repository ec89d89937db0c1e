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
use drs_fleet_domain::notify::{Labels, MemberRow, MuteRow, Plan, Routes, WindowRow};
use drs_fleet_domain::own_event::IncidentEvent;
use drs_fleet_domain::registry::Registry;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::drills;

/// So many places are asked at once.
pub(crate) const READS: usize = 16;

/// All that may hold some incidents of one route back.
pub struct Holding {
    registry: Arc<Registry>,
    mutes: Vec<MuteRow>,
    windows: Vec<WindowRow>,
    audience: Audience,
    /// Places that are silent, as these people are told.
    silent: BTreeSet<Place>,
    /// Places with stalls, as these people are told, in Regions that have stalled all over.
    stalled: BTreeSet<Place>,
    now: Timestamp,
}

/// The people whom one route tells, at once or when nobody sees to something. What only others are told of explains nothing to
/// them, and holds back nothing of theirs.
struct Audience {
    plan: Plan,
    /// How all routes tell that there are.
    plans: BTreeMap<String, Plan>,
    now: Timestamp,
}

impl Audience {
    fn of(route: &str, routes: &Routes, now: Timestamp) -> Self {
        let plans = routes.all().into_iter().map(|(route, _)| (route.clone(), routes.plan(&route)));
        Self { plan: routes.plan(route), plans: plans.collect(), now }
    }

    /// Whether all of them are told of it by now, on whichever of its routes.
    fn hears_of(&self, row: &IncidentRow) -> bool {
        let IncidentEvent { at, severity, .. } = row.latest;
        let plans = || row.groups.iter().filter_map(|taken| self.plans.get(&taken.route));
        let is_told = |plan: &Plan| plan.tells_at(at, severity) <= self.now;
        let tells = |plan: &Plan, channel| plan.channels.contains(channel) && is_told(plan);
        let escalates =
            |plan: &Plan, channel| plan.escalate.iter().any(|step| step.channels.contains(channel));
        let mut later = self.plan.escalate.iter().flat_map(|step| &step.channels);
        self.plan.channels.iter().all(|channel| plans().any(|plan| tells(plan, channel)))
            && later.all(|channel| plans().any(|plan| tells(plan, channel) || escalates(plan, channel)))
    }
}

impl Holding {
    /// Reads what matters to these incidents on a route.
    ///
    /// # Errors
    ///
    /// The table could not be read: for a person to try again.
    pub async fn of<I: Io>(
        io: &I,
        registry: Arc<Registry>,
        (route, routes): (&str, &Routes),
        events: impl Iterator<Item = &IncidentEvent>,
    ) -> Result<Self, IoError> {
        let (mut places, mut regions) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            if hold::ends_with_its_spoke(event.kind) {
                places.insert(event.place());
            }
            if hold::follows_a_stall(event.kind) {
                regions.insert(event.region.clone());
            }
        }
        let mutes = io.query::<MuteRow>(&keys::mutes()).await?;
        let mut holding = Self {
            registry,
            mutes: mutes.into_iter().map(|stored| stored.row).collect(),
            windows: drills::windows(io).await?,
            audience: Audience::of(route, routes, io.now()),
            silent: BTreeSet::new(),
            stalled: BTreeSet::new(),
            now: io.now(),
        };
        for region in regions {
            let stalled = holding.stalled_in(io, &region, routes.region_wide_stalls()).await?;
            holding.stalled.extend(stalled);
        }
        holding.silent = holding.silent_of(io, places).await?;
        Ok(holding)
    }

    /// Why a member is held back, if it is.
    pub(crate) fn holds(&self, member: &MemberRow) -> Option<Hold> {
        if member.came_and_went() {
            let by_people = self.by_people(&member.event, member.event.opened_at);
            return hold::of(&member.event, by_people, false, false);
        }
        if member.standing().open { self.holds_back(&member.event) } else { None }
    }

    /// Why an open incident is held back, if it is.
    pub fn holds_back(&self, event: &IncidentEvent) -> Option<Hold> {
        let place = event.place();
        hold::of(
            event,
            self.by_people(event, self.now),
            self.silent.contains(&place),
            self.stalled.contains(&place),
        )
    }

    /// Whether somebody muted it at that time, or opened a drill's window that covered it.
    fn by_people(&self, event: &IncidentEvent, at: Timestamp) -> Option<Hold> {
        let labels = Labels::of(event, self.registry.account(&event.account_id));
        let is_muted = self.mutes.iter().any(|mute| mute.matches(&labels, at));
        let in_window = || self.windows.iter().any(|window| window.covers(&labels, at));
        is_muted.then_some(Hold::Muted).or_else(|| in_window().then_some(Hold::Drill))
    }

    /// Whether the people of this route are told of it.
    fn is_told(&self, row: &IncidentRow) -> bool {
        row.is_open() && self.audience.hears_of(row) && self.by_people(&row.latest, self.now).is_none()
    }

    /// Those of the places that are silent.
    async fn silent_of<I: Io>(&self, io: &I, places: BTreeSet<Place>) -> Result<BTreeSet<Place>, IoError> {
        let places: Vec<Place> = places.into_iter().collect();
        let mut silent = BTreeSet::new();
        for chunk in places.chunks(READ_AT_ONCE) {
            let key =
                |place: &Place| keys::incident(place, IncidentKind::SpokeSilent, place.account.as_str());
            let keys: Vec<Key> = chunk.iter().map(key).collect();
            let rows = io.read::<IncidentRow>(&keys).await?;
            let told = rows.into_iter().flatten().filter(|stored| self.is_told(&stored.row));
            silent.extend(told.map(|stored| stored.row.latest.place()));
        }
        Ok(silent)
    }

    /// The places of a Region that have stalled servers, if there are so many of these in all: then they are one event of
    /// that Region.
    async fn stalled_in<I: Io>(
        &self,
        io: &I,
        region: &Region,
        region_wide: u32,
    ) -> Result<Vec<Place>, IoError> {
        let places = self.registry.drs_places().into_iter().filter(|place| place.region == *region);
        let counts = stream::iter(places).map(|place| async move {
            let range = keys::incidents_of(&place, IncidentKind::ReplicationStalled);
            let rows = io.query::<IncidentRow>(&range).await?;
            let told = rows.iter().filter(|stored| self.is_told(&stored.row)).count();
            Ok::<_, IoError>((place, told))
        });
        let mut counts: Vec<(Place, usize)> = counts.buffer_unordered(READS).try_collect().await?;
        counts.retain(|(_, stalled)| *stalled > 0);
        let all: usize = counts.iter().map(|(_, stalled)| stalled).sum();
        let is_region_wide = all >= usize::try_from(region_wide).unwrap_or(usize::MAX);
        Ok(if is_region_wide { counts.into_iter().map(|(place, _)| place).collect() } else { Vec::new() })
    }
}
