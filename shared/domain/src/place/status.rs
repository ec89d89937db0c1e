//! How full a place is, and what is told of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Context, Counted, PlaceRow, Status, overdue};
use crate::capacity::{Ladder, Level};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::own_event::CapacityEvent;

/// A rung of the ladder, by the last complete sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Which.
    pub level: Level,
    /// Since which sweep, in AWS's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Of how many, by the applied quota then.
    pub limit: u32,
}

/// The rungs of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rungs {
    /// Of replicating servers.
    pub replicating: Rung,
    /// Of all servers.
    pub total: Rung,
}

impl Rungs {
    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// After a newer sweep.
    pub(super) fn after(self, counted: &Counted, context: &Context<'_>) -> Self {
        let at = counted.swept_at;
        let climb = |rung: Rung, limit, count| {
            let level = Ladder::new(&context.limits, limit).level(rung.level, count);
            let since = rung.since.filter(|_| level == rung.level).unwrap_or(at);
            Rung { level, since: Some(since), limit }
        };
        Self {
            replicating: climb(self.replicating, context.replicating, counted.replicating),
            total: context.total.map_or(self.total, |limit| climb(self.total, limit, counted.servers)),
        }
    }
}

/// Brings the status in line with the row, and says what to tell. What cannot be read is unknown, and its rung is
/// remembered: that it cannot be read is no sign that there is room again.
pub(super) fn judge(row: &mut PlaceRow, context: &Context<'_>, at: Timestamp) -> Option<CapacityEvent> {
    let (before, rung) = (row.status, row.rungs.replicating);
    let refused_since = row.unreadable.as_ref().map(|refusal| refusal.since).or(overdue::since(row, context));
    let level = if refused_since.is_some() { Level::Unknown } else { rung.level };
    let limit = rung.since.map(|_| rung.limit).or(before.limit);
    if level == before.level {
        let since = before.since.or(refused_since).or(row.known_since);
        row.status = Status { level, since, limit };
        return None;
    }
    let counted_at = row.counted.as_ref().map(|counted| counted.swept_at);
    let since = match level {
        Level::Unknown => refused_since.unwrap_or(at),
        _ => counted_at.unwrap_or(at),
    };
    row.status = Status { level, since: Some(since), limit };
    let place = &row.place;
    Some(CapacityEvent {
        event_id: format!("CAPACITY/{}/{}@{since}#{level}", place.account, place.region),
        account_id: place.account.clone(),
        account_name: context.account_name.to_owned(),
        region: place.region.clone(),
        before: before.level,
        status: level,
        replicating: row.counted.as_ref().map_or(0, |counted| counted.replicating),
        limit: limit.unwrap_or(context.replicating),
        at: since,
    })
}

/// What is wrong with its capacity.
pub(super) fn conditions(row: &PlaceRow) -> impl Iterator<Item = Condition> {
    let (replicating, servers) = row.counted.as_ref().map_or((0, 0), |c| (c.replicating, c.servers));
    let Rungs { replicating: slots, total } = row.rungs;
    let region = &row.place.region;
    let all = [
        (
            IncidentKind::CapacityReplicating,
            slots,
            format!("{replicating} servers of {} replicate", slots.limit),
        ),
        (
            IncidentKind::CapacityTotal,
            total,
            format!("there are {servers} source servers of {}", total.limit),
        ),
    ];
    all.map(|(kind, rung, words)| {
        let (severity, words) = match rung.level {
            Level::Warning => (Severity::High, format!("{words} in {region}: nearly full")),
            Level::Critical => (Severity::Critical, format!("{words} in {region}: full")),
            Level::Unknown | Level::Ok | Level::Info => return None,
        };
        Some(Condition { kind, since: rung.since?, severity, reason: words })
    })
    .into_iter()
    .flatten()
}
