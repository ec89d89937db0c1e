//! Why an incident is held back: it is told of once that ends, if it still lasts.

use serde::{Deserialize, Serialize};

use crate::incident::IncidentKind;
use crate::own_event::IncidentEvent;
use crate::words::{self, SubjectKind};

/// So many stalled servers in one Region are one event of that Region, and not theirs, where the routes set nothing else.
pub const REGION_WIDE: u32 = 20;

/// Why an incident is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A person muted it.
    Muted,
    /// It belongs to a drill, whose lines and summary tell of it.
    Drill,
    /// Its spoke is silent: what is known of its servers is old.
    SpokeSilent,
    /// Replication has stalled all over the Region and in its account, which has such consequences.
    RegionStalled,
}

/// Whether incidents of this kind mean nothing of their own while their spoke is silent.
pub fn ends_with_its_spoke(kind: IncidentKind) -> bool {
    words::subject(kind) == SubjectKind::Server
}

/// Whether incidents of this kind are consequences where replication has stalled.
pub fn follows_a_stall(kind: IncidentKind) -> bool {
    matches!(
        kind,
        IncidentKind::ReplicationLag
            | IncidentKind::ReplicationBacklog
            | IncidentKind::ServerNotSeen
            | IncidentKind::InitialSyncStuck
            | IncidentKind::RpoGap
    )
}

/// Why an open incident is held back, if it is. What people keep back, muted or in a drill's window, holds nothing else
/// back: of silent spokes and stalls only those count that people are told of.
pub fn of(
    event: &IncidentEvent,
    by_people: Option<Hold>,
    spoke_is_silent: bool,
    region_stalled: bool,
) -> Option<Hold> {
    // What of a drill's job fails is in the line that tells of the job.
    let of_drill = event.drill == Some(true) && event.kind == IncidentKind::JobFailed;
    let others = [
        (of_drill, Hold::Drill),
        (spoke_is_silent && ends_with_its_spoke(event.kind), Hold::SpokeSilent),
        (region_stalled && follows_a_stall(event.kind), Hold::RegionStalled),
    ];
    by_people.or_else(|| others.into_iter().find_map(|(holds, why)| holds.then_some(why)))
}
