//! Which worker an event is for. The rules of `infra/hub.yaml` say the same in EventBridge's words; a test
//! holds the two together.

use crate::envelope::Envelope;
use crate::event::{ApiCall, Event};
use crate::own_event;

/// The four workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkerName {
    /// capacity-tracker.
    Capacity,
    /// job-monitor.
    Jobs,
    /// tag-sync.
    Tags,
    /// notifier.
    Notifications,
}

impl WorkerName {
    /// All of them, in the order in which the data flows.
    pub const ALL: [Self; 4] = [Self::Capacity, Self::Jobs, Self::Tags, Self::Notifications];

    /// As its package is called; also in metrics, settings and the index `due`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capacity => "capacity-tracker",
            Self::Jobs => "job-monitor",
            Self::Tags => "tag-sync",
            Self::Notifications => "notifier",
        }
    }
}

/// The worker that the hub's rules bring this event to; like [`worker_of`], but what we do not know of a source or
/// of a type that we know goes where the rest of it goes. Own events that tell of no incident are for subscribers.
pub fn taker_of(envelope: &Envelope, event: &Event) -> Option<WorkerName> {
    match (event, envelope.source.as_str(), envelope.detail_type.as_str()) {
        (
            Event::Unknown,
            "aws.drs",
            "DRS Source Server Launch Result" | "DRS Recovery Instance Failback State Change",
        ) => Some(WorkerName::Jobs),
        (Event::Unknown, "aws.tag", _) => Some(WorkerName::Tags),
        (Event::Unknown, own_event::SOURCE, what) => {
            what.starts_with(own_event::INCIDENT_TYPES).then_some(WorkerName::Notifications)
        }
        _ => worker_of(event),
    }
}

/// The worker that an event from a bus is for. Schedules put their messages on each queue themselves.
pub fn worker_of(event: &Event) -> Option<WorkerName> {
    match event {
        Event::StalledChange { .. } | Event::SnapshotTaken { .. } | Event::Heartbeat | Event::Unknown => {
            Some(WorkerName::Capacity)
        }
        Event::LaunchResult { .. } | Event::FailbackChange { .. } | Event::SourceNetwork => {
            Some(WorkerName::Jobs)
        }
        Event::ApiCall(call) => Some(of_api_call(call)),
        Event::TagsChanged(_) => Some(WorkerName::Tags),
        Event::Own(_) | Event::DrillJob(_) | Event::Sample(_) => Some(WorkerName::Notifications),
        Event::SweepTick | Event::SweepPlace { .. } | Event::SyncTags(_) => None,
    }
}

fn of_api_call(call: &ApiCall) -> WorkerName {
    match call.name.as_str() {
        "StartRecovery"
        | "TerminateRecoveryInstances"
        | "StartFailbackLaunch"
        | "StopFailback"
        | "ReverseReplication"
        | "DeleteJob"
        | "StartSourceNetworkRecovery"
        | "StartRecoveryPlanExecution"
        | "CancelRecoveryPlanExecution"
        | "DisconnectRecoveryInstance"
        | "DeleteRecoveryInstance" => WorkerName::Jobs,
        "TagResource" | "UntagResource" => WorkerName::Tags,
        _ => WorkerName::Capacity,
    }
}
