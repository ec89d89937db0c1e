//! One server's row under a policy.

mod conditions;
mod lifetime;
mod size;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::ids::SourceServerId;
use crate::incident::{self, IncidentKind, Severity};
use crate::keys::Place;
use crate::own_event::Happened;
use crate::policy::{Override, Policy, RPO_TAG, TagValue, Thresholds};
use crate::registry::{AccountRegion, AccountRow, AccountStatus, Registry};
use crate::row::Row;
use crate::seen::{Progress, ServerSeen, Staging};

/// Minutes after some moment.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

fn somewhere() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn id() -> SourceServerId {
    "s-12345678901234567".parse().unwrap()
}

fn server(state: &str) -> ServerSeen {
    let arn = "arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567";
    ServerSeen { state: Some(state.to_owned()), ..ServerSeen::new(id(), arn.to_owned()) }
}

fn lagging(minutes: u64) -> ServerSeen {
    let lag = Some(Duration::from_mins(minutes));
    ServerSeen { progress: Progress { lag, ..Progress::default() }, ..server("CONTINUOUS") }
}

fn tagged(mut seen: ServerSeen, key: &str, value: &str) -> ServerSeen {
    seen.tags.insert(key.to_owned(), value.to_owned());
    seen
}

/// A server's row under a policy.
#[derive(Default)]
struct Server {
    row: Option<ServerRow>,
    swept_at: Option<Timestamp>,
    policy: Policy,
    /// The process gets no messages in time.
    is_deaf: bool,
    registry: Option<Registry>,
    writes: u32,
}

impl Server {
    fn decides(&mut self, observations: &[Observation], now: Timestamp) -> Vec<(IncidentKind, Happened)> {
        let known = Context::new("erp-prod", &self.policy, now);
        let registry = self.registry.as_ref();
        let context = Context { swept_at: self.swept_at, hears: !self.is_deaf, registry, ..known };
        self.swept_at = observations.iter().filter_map(Observation::swept_at).chain(self.swept_at).max();
        let Some(change) = decide((&somewhere(), &id()), observations, self.row.as_ref(), &context) else {
            return Vec::new();
        };
        self.row = Some(change.row);
        self.writes += 1;
        change.tell.iter().filter_map(|e| e.incident()).map(|e| (e.kind, e.happened)).collect()
    }

    fn swept(&mut self, minute: i64, seen: ServerSeen) -> Vec<(IncidentKind, Happened)> {
        self.decides(&[Observation::Seen { seen: Box::new(seen), at: at(minute) }], at(minute))
    }

    fn rings(&mut self) -> (Timestamp, Vec<(IncidentKind, Happened)>) {
        let due = self.row().look_at.unwrap();
        (due, self.decides(&[], due))
    }

    fn row(&self) -> &ServerRow {
        self.row.as_ref().unwrap()
    }

    fn open(&self) -> Vec<(IncidentKind, Severity)> {
        incident::open(&self.row().incidents).map(|(kind, i)| (kind, i.severity)).collect()
    }

    fn reason(&self, kind: IncidentKind) -> &str {
        &self.row().incidents[&kind].reason
    }
}

use Happened::{Escalated, Opened, Resolved};
use IncidentKind::{
    ExtensionError, FullResync, InitialSyncStuck, ReplicationBacklog, ReplicationLag, ReplicationStalled,
    RpoGap, ServerDisconnected, ServerNotSeen,
};
