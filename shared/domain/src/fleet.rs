//! The fleet as people see it: how full each place is, and what the places of a Region come to.
//!
//! The quotas of DRS are per account *and Region*, so what one place has left helps no other, and every sum here is over
//! places. A place whose count is not known is counted apart: it is never taken for empty.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::capacity::{self, Level};
use crate::ids::Region;
use crate::job::JobRow;
use crate::keys::Place;
use crate::place::{Counted, Partial, PlaceRow, Unreadable};
use crate::policy::Limits;
use crate::quota::{self, Quota, QuotaValue, QuotasRow};
use crate::registry::{AccountRow, AccountStatus};

/// What the table holds of a place.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Whose it is.
    pub account: &'a AccountRow,
    /// Which.
    pub place: &'a Place,
    /// What the capacity-tracker knows; none before it saw anything of it.
    pub row: Option<&'a PlaceRow>,
    /// Its quotas; documented ones are taken where they were never read.
    pub quotas: Option<&'a QuotasRow>,
    /// Its jobs of any status.
    pub jobs: &'a [JobRow],
    /// The thresholds of its account.
    pub limits: &'a Limits,
}

/// A place as people see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaceView {
    /// Which.
    pub place: Place,
    /// Name of its account.
    pub account_name: String,
    /// Only ACTIVE accounts are swept.
    pub account_status: AccountStatus,
    /// How full it is.
    pub level: Level,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why the level is UNKNOWN. What was counted is what was so before.
    pub unknown: Option<String>,
    /// When the last complete sweep counted, in AWS's time.
    pub counted_at: Option<Timestamp>,
    /// False where DRS was never initialised, and so has no servers.
    pub initialized: Option<bool>,
    /// Servers that take a slot of quota L-C1D14A2B.
    pub replicating: Use,
    /// What placement fills up to: the threshold of INFO, scaled to the quota.
    pub target: u32,
    /// What may still come; absent where the count is not known or DRS is not initialised.
    pub headroom: Option<Headroom>,
    /// Servers that replicate in another account.
    pub extended: Option<u32>,
    /// All source servers.
    pub servers: Use,
    /// Jobs that are not COMPLETED, as far as the job-monitor knows.
    pub jobs: Use,
    /// Servers in these jobs, as far as sweeps told them.
    pub servers_in_jobs: Use,
    /// Servers by replication state, those of unknown states too.
    pub by_state: BTreeMap<String, u32>,
    /// The last sweep, where it ended early.
    pub partial: Option<Partial>,
    /// Why it cannot be swept.
    pub unreadable: Option<Unreadable>,
}

/// How much of a quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Absent where it was never counted.
    pub used: Option<u32>,
    /// The quota, and where its value comes from.
    pub quota: QuotaValue,
}

/// Servers that may still come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Headroom {
    /// Up to the target.
    pub to_target: u32,
    /// Up to the quota.
    pub to_limit: u32,
}

/// Sums over places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many places.
    pub places: u64,
    /// How many of them are UNKNOWN: nothing of these is in the sums.
    pub unknown: u64,
    /// Servers that take a slot.
    pub replicating: u64,
    /// The targets of the places.
    pub target: u64,
    /// The quotas of the places.
    pub limit: u64,
    /// What may still come up to the targets.
    pub to_target: u64,
    /// What may still come up to the quotas.
    pub to_limit: u64,
    /// Servers that replicate in another account.
    pub extended: u64,
    /// All source servers.
    pub servers: u64,
    /// Servers by replication state.
    pub by_state: BTreeMap<String, u64>,
}

/// All places, and what they come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetView {
    /// Worst first.
    pub places: Vec<PlaceView>,
    /// By Region.
    pub regions: BTreeMap<Region, Totals>,
    /// Over all places.
    pub fleet: Totals,
}

impl PlaceView {
    /// A place by what the table holds.
    pub fn of(stored: &Stored<'_>) -> Self {
        let Stored { account, place, row, quotas, limits, .. } = *stored;
        let counted = row.and_then(|row| row.counted.as_ref());
        let unknown = unknown(account, row);
        let used = |quota, used| Use { used, quota: quota::value(quota, quotas) };
        let replicating = used(Quota::Replicating, counted.map(|c| c.replicating));
        let servers = used(Quota::Total, counted.map(|c| c.servers));
        let target = target(limits, replicating.quota.value);
        // Before the first sweep, no job is no sign that there is none.
        let told = (counted.is_some() || !stored.jobs.is_empty()).then(|| active(stored.jobs));
        Self {
            place: place.clone(),
            account_name: account.name.clone(),
            account_status: account.status.clone(),
            level: if unknown.is_some() {
                Level::Unknown
            } else {
                row.map_or(Level::Unknown, |r| r.status.level)
            },
            since: row.and_then(|row| row.status.since),
            counted_at: counted.map(|c| c.swept_at),
            initialized: counted.map(|c| c.initialized),
            headroom: counted
                .filter(|c| unknown.is_none() && c.initialized)
                .map(|c| headroom(c, target, replicating.quota.value, servers.quota.value)),
            unknown,
            replicating,
            target,
            extended: counted.map(|c| c.extended),
            servers,
            jobs: used(Quota::Jobs, told.map(|(jobs, _)| jobs)),
            servers_in_jobs: used(Quota::ServersInJobs, told.map(|(_, servers)| servers)),
            by_state: counted.map(|c| c.by_state.clone()).unwrap_or_default(),
            partial: row.and_then(|row| row.partial.clone()),
            unreadable: row.and_then(|row| row.unreadable.clone()),
        }
    }

    /// For people, worst first: what is full, what is not known, what is not full, each by how full it is.
    fn badness(&self) -> impl Ord + use<> {
        let rank = match self.level {
            Level::Critical => 4,
            Level::Warning => 3,
            Level::Unknown => 2,
            Level::Info => 1,
            Level::Ok => 0,
        };
        let Use { used, quota } = self.replicating;
        let share = u64::from(used.unwrap_or_default()) * 1_000_000 / u64::from(quota.value.max(1));
        (Reverse((rank, share)), self.place.clone())
    }
}

impl FleetView {
    /// Sorts and sums.
    pub fn of(mut places: Vec<PlaceView>) -> Self {
        places.sort_by_cached_key(PlaceView::badness);
        let mut regions = BTreeMap::<Region, Totals>::new();
        let mut fleet = Totals::default();
        for view in &places {
            regions.entry(view.place.region.clone()).or_default().add(view);
            fleet.add(view);
        }
        Self { places, regions, fleet }
    }
}

impl Totals {
    fn add(&mut self, view: &PlaceView) {
        self.places += 1;
        if view.level == Level::Unknown {
            self.unknown += 1;
            return;
        }
        let number = |known: Option<u32>| u64::from(known.unwrap_or_default());
        self.replicating += number(view.replicating.used);
        self.target += u64::from(view.target);
        self.limit += u64::from(view.replicating.quota.value);
        self.to_target += number(view.headroom.map(|h| h.to_target));
        self.to_limit += number(view.headroom.map(|h| h.to_limit));
        self.extended += number(view.extended);
        self.servers += number(view.servers.used);
        for (state, servers) in &view.by_state {
            *self.by_state.entry(state.clone()).or_default() += u64::from(*servers);
        }
    }
}

/// What placement fills a place up to: the threshold of INFO at its quota.
pub fn target(limits: &Limits, quota: u32) -> u32 {
    capacity::scaled(limits.info_at, quota)
}

/// Why it is not known how full a place is.
fn unknown(account: &AccountRow, row: Option<&PlaceRow>) -> Option<String> {
    if account.status != AccountStatus::Active {
        return Some(format!("its account is {}, so it is not swept", account.status));
    }
    let Some(row) = row else { return Some("it was never swept".to_owned()) };
    if let Some(unreadable) = &row.unreadable {
        return Some(format!("it cannot be read: {}", unreadable.reason));
    }
    match (&row.counted, row.status.level) {
        (None, _) => Some("no sweep of it was ever complete".to_owned()),
        (Some(_), Level::Unknown) => Some("it is not judged until its next sweep".to_owned()),
        _ => None,
    }
}

/// A server that comes takes a slot and is one more source server.
fn headroom(counted: &Counted, target: u32, limit: u32, total: u32) -> Headroom {
    let more = total.saturating_sub(counted.servers);
    let up_to = |most: u32| most.saturating_sub(counted.replicating).min(more);
    Headroom { to_target: up_to(target.min(limit)), to_limit: up_to(limit) }
}

fn active(jobs: &[JobRow]) -> (u32, u32) {
    let active = || jobs.iter().filter(|job| job.is_active());
    let servers = active().filter_map(|job| job.counts).map(|counts| counts.servers).sum();
    (u32::try_from(active().count()).unwrap_or(u32::MAX), servers)
}

#[cfg(test)]
mod tests;
