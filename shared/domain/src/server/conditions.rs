//! What is wrong with a server: conditions on its row, the thresholds that apply to it, and the time.

use std::time::Duration;

use jiff::Timestamp;

use super::health::{GIB, Sync};
use super::replication::DISCONNECTED;
use super::{Health, Inventory, STALLED, ServerRow, inventory};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::policy::{Limits, RPO_TAG};
use crate::remedy;
use crate::span::{self, Length};

/// `snapshot_at` is rounded down by up to this much.
const SNAPSHOT_STEP: Duration = Duration::from_secs(super::facets::SNAPSHOT_STEP.unsigned_abs());

/// A sweep sees that a server is disconnected before the record of the call that did it arrives. AWS does not say how
/// late records come, so this is generous: a server that was lost is told that much later.
const CALLS_COME_WITHIN: Duration = Duration::from_mins(10);

/// What is not known by then is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// What a decision sees besides the row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// Our time.
    pub(super) now: Timestamp,
    /// Whether messages reach this process in time.
    pub(super) hears: bool,
    /// The newest sweep known, in AWS's time.
    pub(super) swept_at: Option<Timestamp>,
    /// It replicates in another account, where its replication is judged.
    pub(super) judged_elsewhere: bool,
}

impl Sight {
    /// Whether the time has come and what happened until then is known: by events, or by a sweep made since.
    fn is_past(self, time: Timestamp) -> bool {
        (self.hears && self.now >= time) || self.swept_since(time)
    }

    /// Whether a sweep was made since.
    fn swept_since(self, time: Timestamp) -> bool {
        self.swept_at.is_some_and(|swept| swept >= time)
    }
}

/// The conditions that hold. A server that is gone has none.
pub(super) fn holding(row: &ServerRow, limits: &Limits, sight: Sight) -> Vec<Condition> {
    if row.gone_since.is_some() {
        return Vec::new();
    }
    if sight.judged_elsewhere {
        return row.listed().and_then(|(inventory, _)| extension(inventory)).into_iter().collect();
    }
    let mut holding: Vec<_> =
        [stalled(row, limits, sight), disconnected(row, sight), resync(row)].into_iter().flatten().collect();
    if let Some((inventory, health)) = row.listed() {
        let replicates = !row.replication.is_off();
        let extended = row.is_extended();
        holding.extend(extension(inventory));
        holding.extend(health.sync.filter(|_| !extended).and_then(|sync| stuck(health, sync, limits, sight)));
        if replicates {
            holding.extend(lag(health, limits));
            holding.extend(backlog(health, limits));
            holding.extend(rpo_gap(row, (inventory, health), sight));
        }
        // The agent of an extended server reports to the account in which it replicates.
        if replicates && !extended {
            holding.extend(not_seen(health, limits));
        }
    }
    holding
}

/// When time alone will next make a condition hold, or worse; a minute from now where its time has come and what
/// happened until then is not known. That a sync is stuck is found by sweeps alone.
pub(super) fn next(row: &ServerRow, limits: &Limits, sight: Sight) -> Option<Timestamp> {
    if row.gone_since.is_some() || sight.judged_elsewhere {
        return None;
    }
    let stall = (row.replication.state == STALLED)
        .then(|| after(row.replication.since, limits.stalled_critical_after));
    let listed = row.listed().filter(|_| !row.replication.is_off());
    let gap = listed.and_then(|listed| snapshot_gap_from(row, listed)).map(|(from, _)| from);
    let open = [stall, disconnected_from(row), gap].into_iter().flatten().filter(|at| !sight.is_past(*at));
    open.map(|at| if at > sight.now { at } else { again(row, sight.now) }).min()
}

/// What is decided meanwhile does not put it off.
fn again(row: &ServerRow, now: Timestamp) -> Timestamp {
    let again = after(now, LOOK_AGAIN);
    row.look_at.filter(|at| *at > now).map_or(again, |at| at.min(again))
}

fn stalled(row: &ServerRow, limits: &Limits, sight: Sight) -> Option<Condition> {
    let since = row.replication.since;
    let lasts = sight.is_past(after(since, limits.stalled_critical_after));
    (row.replication.state == STALLED).then(|| Condition {
        kind: IncidentKind::ReplicationStalled,
        since,
        severity: if lasts { Severity::Critical } else { Severity::High },
        reason: match &row.replication.error {
            Some(code) => error_words(code),
            None => "DRS reports that data replication has stalled".to_owned(),
        },
    })
}

/// A `dataReplicationError` in words, with the code behind them.
fn error_words(code: &str) -> String {
    remedy::remedy(code).map_or_else(|| format!("DRS reports {code}"), |_| remedy::words(code))
}

fn disconnected(row: &ServerRow, sight: Sight) -> Option<Condition> {
    disconnected_from(row).filter(|from| sight.is_past(*from)).map(|_| Condition {
        kind: IncidentKind::ServerDisconnected,
        since: row.replication.stamp.time(),
        severity: Severity::High,
        reason: "the server is disconnected from DRS, and no call of DisconnectSourceServer is known"
            .to_owned(),
    })
}

/// From when on it is an incident that a server which was connected is disconnected, unless somebody asked for that.
fn disconnected_from(row: &ServerRow) -> Option<Timestamp> {
    let connected = row.replication.last_connected()?;
    let was_asked_for = row.disconnect_called_at.is_some_and(|called| called >= connected);
    (row.replication.state == DISCONNECTED && !was_asked_for)
        .then(|| after(row.replication.stamp.time(), CALLS_COME_WITHIN))
}

fn resync(row: &ServerRow) -> Option<Condition> {
    row.resync_since.map(|since| Condition {
        kind: IncidentKind::FullResync,
        since,
        severity: Severity::Medium,
        reason: format!(
            "the server replicated continuously and now reads its disks again from the beginning ({})",
            row.replication.state
        ),
    })
}

fn lag(health: &Health, limits: &Limits) -> Option<Condition> {
    let Length(lag) = health.lag.filter(|lag| lag.0 > limits.lag_above)?;
    Some(Condition {
        kind: IncidentKind::ReplicationLag,
        since: health.seen_at,
        severity: Severity::High,
        reason: format!("{}; the limit is {}", point_is(lag), span::show(limits.lag_above)),
    })
}

fn backlog(health: &Health, limits: &Limits) -> Option<Condition> {
    let bytes = health.backlog.filter(|bytes| *bytes > limits.backlog_above)?;
    Some(Condition {
        kind: IncidentKind::ReplicationBacklog,
        since: health.seen_at,
        severity: Severity::Medium,
        reason: format!(
            "at least {} wait to be replicated; the limit is {}",
            show_bytes(bytes),
            show_bytes(limits.backlog_above)
        ),
    })
}

fn not_seen(health: &Health, limits: &Limits) -> Option<Condition> {
    let since = health.unseen_since.filter(|_| health.is_unseen(limits))?;
    Some(Condition {
        kind: IncidentKind::ServerNotSeen,
        since,
        severity: Severity::High,
        reason: format!("DRS has not seen the agent for more than {}", span::show(limits.not_seen_after)),
    })
}

/// An extended server's initiation is that of the server that it was extended from.
/// That nothing moved is known only where a sweep looked.
fn stuck(health: &Health, sync: Sync, limits: &Limits, sight: Sight) -> Option<Condition> {
    if !sight.swept_since(after(sync.since, limits.initial_sync_stuck_after)) {
        return None;
    }
    let step = health.step.as_ref().map(|step| format!(" in step {} ({})", step.name, step.status));
    Some(Condition {
        kind: IncidentKind::InitialSyncStuck,
        since: sync.since,
        severity: Severity::High,
        reason: format!(
            "no progress seen for {} at {} of {}{}",
            span::show(limits.initial_sync_stuck_after),
            show_bytes(sync.done),
            show_bytes(sync.total),
            step.unwrap_or_default(),
        ),
    })
}

/// From the lag; where DRS tells none, from the snapshots that a spoke forwards.
fn rpo_gap(row: &ServerRow, (inventory, health): (&Inventory, &Health), sight: Sight) -> Option<Condition> {
    let objective = inventory::rpo(&inventory.marks)?;
    let (since, age) = match health.lag {
        Some(Length(lag)) => (health.seen_at, Some(lag).filter(|lag| *lag > objective)?),
        None => snapshot_gap_from(row, (inventory, health)).filter(|(from, _)| sight.is_past(*from))?,
    };
    Some(Condition {
        kind: IncidentKind::RpoGap,
        since,
        severity: Severity::High,
        reason: format!("{}; its tag {RPO_TAG} asks for {}", point_is(age), span::show(objective)),
    })
}

/// From when on, and with which age, the newest known snapshot misses the objective of a server without known lag.
fn snapshot_gap_from(
    row: &ServerRow,
    (inventory, health): (&Inventory, &Health),
) -> Option<(Timestamp, Duration)> {
    let (objective, snapshot_at) = (inventory::rpo(&inventory.marks)?, row.snapshot_at?);
    let late = objective.saturating_add(SNAPSHOT_STEP);
    health.lag.is_none().then(|| (after(snapshot_at, late), objective))
}

fn extension(inventory: &Inventory) -> Option<Condition> {
    let staging = &inventory.staging;
    (staging.status.as_deref() == Some("EXTENSION_ERROR")).then(|| Condition {
        kind: IncidentKind::ExtensionError,
        since: inventory.seen_at,
        severity: Severity::High,
        reason: match staging.error.as_deref().filter(|text| !text.is_empty()) {
            Some(error) => format!("DRS reports: {error}"),
            None => "DRS reports an extension error and says no more".to_owned(),
        },
    })
}

fn point_is(age: Duration) -> String {
    format!("the newest recovery point is at least {} old", span::show(age))
}

/// In GiB with at most one decimal.
fn show_bytes(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / u128::from(GIB);
    match tenths % 10 {
        0 => format!("{} GiB", tenths / 10),
        tenth => format!("{}.{tenth} GiB", tenths / 10),
    }
}

fn after(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}
