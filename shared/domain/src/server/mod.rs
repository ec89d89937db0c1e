//! A source server: its inventory, how its replication goes, and what is wrong with it. Written by the
//! capacity-tracker.
//!
//! Its row is made of facets, each of which takes what is newer than it knows: replication (events and sweeps),
//! inventory and health (sweeps), the last recovery point and the last call to disconnect it (events). The
//! conditions of its incidents are a function of the row, the thresholds and the time, so whatever order
//! observations arrive in, the row and what is open on it end the same.

mod conditions;
mod details;
mod health;
mod inventory;
mod replication;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::conditions::Sight;
pub use self::details::{ServerDetailsRow, fingerprint};
pub use self::health::{Health, Sync};
pub use self::inventory::Inventory;
use self::replication::UNKNOWN;
pub use self::replication::{Replication, STALLED};
use crate::event::ApiCall;
use crate::ids::SourceServerId;
use crate::incident::{self, Incidents, Subject, reconcile_late};
use crate::keys::{self, Key, Place};
use crate::policy::{Limits, Policy};
use crate::registry::Registry;
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::ServerSeen;
use crate::stamp::Stamp;

/// A recovery point is remembered to this many seconds: as often as DRS takes one.
const SNAPSHOT_STEP: i64 = 600;

/// A source server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRow {
    /// Where it is.
    pub place: Place,
    /// Its id.
    pub id: SourceServerId,
    /// What a sweep told of it; absent while only events did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// How its replication goes.
    pub replication: Replication,
    /// How far it is, as the sweep that saw a change of it told; absent while only events told of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The newest recovery point, where a spoke forwards `DRS PIT Snapshot Taken`; rounded down to ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_at: Option<Timestamp>,
    /// When somebody last called `DisconnectSourceServer`: then that it is disconnected is no incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect_called_at: Option<Timestamp>,
    /// Since when it reads its disks again from the beginning, after it had replicated continuously.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resync_since: Option<Timestamp>,
    /// Set when a complete sweep no longer found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// Set with `gone_since`, and cleared only by a sweep that lists the server. While an event alone says that
    /// it is back, what sweeps told of it before counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted_since: Option<Timestamp>,
    /// When the table may forget it, if it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_at: Option<Timestamp>,
    /// When time alone changes what is wrong with it, as the thresholds were at the last decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// What was observed of one server.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The Stalled Change event.
    Stalled {
        /// `STALLED` or `NOT_STALLED`.
        stalled: bool,
        /// The event's time.
        at: Timestamp,
    },
    /// `DRS PIT Snapshot Taken`.
    Snapshot {
        /// The event's time.
        at: Timestamp,
    },
    /// Somebody called `DisconnectSourceServer`.
    DisconnectCalled {
        /// The event's time.
        at: Timestamp,
    },
    /// A sweep listed it.
    Seen {
        /// As listed.
        seen: Box<ServerSeen>,
        /// AWS's time of the sweep.
        at: Timestamp,
    },
    /// A complete sweep did not list it.
    Gone {
        /// AWS's time of the sweep.
        at: Timestamp,
    },
}

/// What a decision on a server may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The last complete sweep of the place, in AWS's time. It confirmed every row it left alone, so what
    /// is older is stale, and what it did not list was gone. Never the sweep that is still being applied.
    pub swept_at: Option<Timestamp>,
    /// The thresholds.
    pub policy: &'a Policy,
    /// Our time.
    pub now: Timestamp,
    /// Whether messages reach this process in time, so that what it was not told did not happen. Otherwise what time
    /// alone changes counts only where a sweep has looked since.
    pub hears: bool,
    /// Who is watched. Without it every place is, and nobody else's.
    pub registry: Option<&'a Registry>,
}

impl<'a> Context<'a> {
    /// Of a process that hears well and knows of no sweep.
    pub fn new(account_name: &'a str, policy: &'a Policy, now: Timestamp) -> Self {
        Self { account_name, swept_at: None, policy, now, hears: true, registry: None }
    }

    /// Whether anything of the place is judged: servers of an account that was switched off or removed are not.
    fn is_watched(&self, place: &Place) -> bool {
        self.registry.is_none_or(|registry| registry.is_swept(place))
    }

    fn is_removed(&self, place: &Place) -> bool {
        self.registry.is_some_and(|registry| registry.account(&place.account).is_none())
    }

    /// Whether a server replicates in another account that is known, and so is judged there.
    fn is_judged_elsewhere(&self, row: &ServerRow) -> bool {
        let staging = row.inventory.as_ref().and_then(|i| i.staging.account.as_ref());
        let elsewhere = staging.filter(|account| row.is_extended() && **account != row.place.account);
        let is_known =
            |registry: &Registry| elsewhere.is_some_and(|a| registry.is_registered(a, &row.place.region));
        self.registry.is_some_and(is_known)
    }
}

impl Row for ServerRow {
    const KIND: &'static str = "server";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::server(&self.place, &self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.look_at
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.forget_at
    }
}

impl ServerRow {
    /// A server of which nothing is known yet. A place that was swept and brought no row of it did not list it.
    fn new((place, id): (&Place, &SourceServerId), at: Timestamp, swept_at: Option<Timestamp>) -> Self {
        Self {
            place: place.clone(),
            id: id.clone(),
            inventory: None,
            replication: Replication::unknown(at),
            health: None,
            snapshot_at: None,
            disconnect_called_at: None,
            resync_since: None,
            gone_since: swept_at,
            unlisted_since: swept_at,
            forget_at: None,
            look_at: None,
            incidents: Incidents::new(),
        }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        self.inventory.as_ref().map_or(self.id.as_str(), |i| &i.name)
    }

    /// Whether it takes one of the 300 slots (quota L-C1D14A2B) of this account and Region: every state but
    /// stopped and disconnected, unknown ones included, unless it replicates in another account.
    pub fn is_replicating_here(&self) -> bool {
        self.gone_since.is_none() && !self.is_extended() && !self.replication.is_off()
    }

    /// Whether it replicates in another account.
    fn is_extended(&self) -> bool {
        let extension = self.inventory.as_ref().and_then(|i| i.staging.status.as_deref());
        !matches!(extension, None | Some("NOT_EXTENDED"))
    }

    /// What sweeps told of it, unless the last one no longer listed it.
    fn listed(&self) -> Option<(&Inventory, &Health)> {
        self.inventory.as_ref().zip(self.health.as_ref()).filter(|_| self.unlisted_since.is_none())
    }

    /// The thresholds that apply to it.
    fn limits(&self, policy: &Policy) -> Limits {
        let none = BTreeMap::new();
        policy.of_server(&self.place.account, self.listed().map_or(&none, |(inventory, _)| &inventory.marks))
    }
}

impl Observation {
    /// What a successful API call tells of each server that it names.
    pub fn called(call: &ApiCall, at: Timestamp) -> Option<Self> {
        let disconnects = call.name == "DisconnectSourceServer" && call.error.is_none();
        disconnects.then_some(Self::DisconnectCalled { at })
    }

    /// The event's time, or AWS's time of the sweep.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Stalled { at, .. }
            | Self::Snapshot { at }
            | Self::DisconnectCalled { at }
            | Self::Seen { at, .. }
            | Self::Gone { at } => *at,
        }
    }

    fn swept_at(&self) -> Option<Timestamp> {
        matches!(self, Self::Seen { .. } | Self::Gone { .. }).then(|| self.time())
    }
}

/// Decides what observations of one server mean; without observations, what the time means.
pub fn decide(
    (place, id): (&Place, &SourceServerId),
    observations: &[Observation],
    stored: Option<&ServerRow>,
    context: &Context<'_>,
) -> Option<Change<ServerRow>> {
    let mut row = stored.cloned();
    let mut swept_at = context.swept_at;
    let mut at = None;
    for observation in observations {
        let time = observation.time();
        let is_known = row.is_some() || !matches!(observation, Observation::Gone { .. });
        if is_known {
            let before = row.take().unwrap_or_else(|| ServerRow::new((place, id), time, swept_at));
            let after = before.after(observation, swept_at, context.policy);
            at = at.max((after != before).then_some(time));
            row = Some(after);
        }
        swept_at = swept_at.max(observation.swept_at());
    }
    // What tells nothing new changes nothing, but time and thresholds may have.
    let at = at.unwrap_or(context.now);
    let mut row = row?;
    let limits = row.limits(context.policy);
    row.resync_since = row.replication.resync(swept_at).map(|seen| row.resync_since.unwrap_or(seen));
    row.forget_at = row.forget_at(&limits, context);
    let sight = Sight {
        now: context.now,
        hears: context.hears,
        swept_at,
        judged_elsewhere: context.is_judged_elsewhere(&row),
    };
    let is_watched = context.is_watched(place);
    let holding = if is_watched { conditions::holding(&row, &limits, sight) } else { Vec::new() };
    let name = row.name().to_owned();
    let subject =
        Subject { place, account_name: context.account_name, id: id.as_str(), name: &name, job: None };
    let tell = reconcile_late(&mut row.incidents, &holding, &subject, (at, context.now));
    let will_hold = conditions::next(&row, &limits, sight).filter(|_| is_watched);
    row.look_at = will_hold.into_iter().chain(incident::wake_at(&row.incidents)).min();
    Change::between(stored, row, tell.into_iter().map(Into::into).collect())
}

impl ServerRow {
    /// When the table may forget it: when it is gone, or nobody watches it any more, for long enough.
    fn forget_at(&self, limits: &Limits, context: &Context<'_>) -> Option<Timestamp> {
        let kept = |since: Timestamp| since.checked_add(limits.gone_kept).ok();
        match self.gone_since {
            Some(gone) => kept(gone),
            None if context.is_removed(&self.place) => self.forget_at.or_else(|| kept(context.now)),
            None => None,
        }
    }

    /// Whether it must be brought in line when its place is not watched any more.
    pub fn is_to_be_dismissed(&self) -> bool {
        self.look_at.is_some() || self.forget_at.is_none() || incident::open(&self.incidents).next().is_some()
    }

    /// The row after one observation; the same when that tells nothing new.
    fn after(&self, observation: &Observation, swept_at: Option<Timestamp>, policy: &Policy) -> Self {
        let mut next = self.clone();
        let told = Replication::told(observation);
        if let Some(told) = told.clone().filter(|told| told.stamp > self.believed(swept_at)) {
            next.replication = self.replication.after(told, self.gone_since.is_some());
            next.gone_since = None;
        }
        match observation {
            Observation::Stalled { .. } => {}
            Observation::Snapshot { at } => next.snapshot_at = next.snapshot_at.max(Some(rounded(*at))),
            Observation::DisconnectCalled { at } => {
                next.disconnect_called_at = next.disconnect_called_at.max(Some(*at));
            }
            Observation::Seen { seen, at } => next.list(seen, *at, swept_at, policy),
            Observation::Gone { at } => next.miss(*at, swept_at),
        }
        next.keep_states(self, told.as_ref(), (swept_at, swept_at.max(observation.swept_at())));
        next
    }

    /// The newest thing known: what the row was last told, or the sweep that confirmed it, or that it is gone.
    fn believed(&self, swept_at: Option<Timestamp>) -> Stamp {
        let confirmed = match (swept_at, self.gone_since) {
            (Some(swept), None) => Some(self.replication.confirmed(swept)),
            (swept, gone) => swept.max(gone).map(Stamp::swept),
        };
        confirmed.map_or(self.replication.stamp, |confirmed| confirmed.max(self.replication.stamp))
    }

    /// A sweep listed it: inventory and health take what is newer.
    fn list(&mut self, seen: &ServerSeen, at: Timestamp, swept_at: Option<Timestamp>, policy: &Policy) {
        if self.unlisted_since.is_some_and(|missed| at < swept_at.map_or(missed, |swept| swept.max(missed))) {
            return;
        }
        let is_back = self.unlisted_since.take().is_some();
        let told = Inventory::told(seen, at, policy);
        let limits = policy.of_server(&self.place.account, &told.marks);
        let health = Health::told(seen, (at, self.health.as_ref()), &limits, inventory::rpo(&told.marks));
        if self.inventory.as_ref().is_none_or(|known| is_back || told.is_news(known, swept_at)) {
            self.inventory = Some(told);
        }
        if self.health.as_ref().is_none_or(|known| is_back || health.is_news(known, swept_at, &limits)) {
            self.health = Some(health);
        }
    }

    /// A complete sweep did not list it. An event may be newer, and then it is not gone.
    fn miss(&mut self, at: Timestamp, swept_at: Option<Timestamp>) {
        let seen_at = self.inventory.as_ref().map(|i| i.seen_at).max(self.health.as_ref().map(|h| h.seen_at));
        if self.unlisted_since.is_none() && Some(at) > seen_at.max(swept_at) {
            self.unlisted_since = Some(at);
        }
        if self.gone_since.is_none() && Stamp::swept(at) > self.believed(swept_at) {
            self.gone_since = Some(at);
        }
    }

    /// Nothing that decisions look at is forgotten of when a state was last seen, neither of the one that was left nor
    /// of a stale one.
    fn keep_states(
        &mut self,
        before: &Self,
        told: Option<&Replication>,
        (swept_before, swept_at): (Option<Timestamp>, Option<Timestamp>),
    ) {
        let old = before.replication.state.clone();
        let known = before.last_in(&old, swept_before);
        let told = told.map(|told| (told.state.clone(), Some(told.stamp.time())));
        for (state, seen_at) in [(old, known)].into_iter().chain(told) {
            if state != UNKNOWN && seen_at > self.last_in(&state, swept_at) {
                self.replication.before.extend(seen_at.map(|at| (state, at)));
            }
        }
        self.replication.forget_states();
    }

    /// When it was last seen in a state; the place's last sweep confirmed the present one.
    fn last_in(&self, state: &str, swept_at: Option<Timestamp>) -> Option<Timestamp> {
        let is_listed = self.gone_since.is_none() && self.unlisted_since.is_none();
        self.replication.last_in(state, swept_at.filter(|_| is_listed))
    }
}

fn rounded(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(SNAPSHOT_STEP)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
