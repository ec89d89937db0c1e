//! What the notifier tells on the bus, of one morning.

use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::message;
use drs_fleet_domain::notify::bulletin::{HeldBack, Site};
use drs_fleet_domain::notify::{
    Bulletin, ChannelName, Counts, Digest, Drill, DrillHappened, SampleEvent, Why,
};
use drs_fleet_domain::own_event::{FailedServer, Happened, IncidentEvent, OwnEvent};
use serde_json::Value;

use super::{JOB, place, story, time};

/// Each sample: the case, and the detail.
pub(super) fn notifications() -> [(&'static str, Value); 9] {
    let stalled = || first_of(IncidentKind::ReplicationStalled, Happened::Opened);
    let escalated = Digest { why: Why::Escalated(1), ..Digest::of_one(&stalled()) };
    [
        ("opened", Digest::of_one(&first_of(IncidentKind::JobFailed, Happened::Opened)).into()),
        ("resolved", Digest::of_one(&first_of(IncidentKind::ReplicationStalled, Happened::Resolved)).into()),
        ("grouped", grouped(&stalled()).into()),
        ("escalated", escalated.into()),
        ("late", Digest { late: true, ..grouped(&stalled()) }.into()),
        ("test", message::sample(IncidentKind::RpoGap, Severity::Low, 1, &place(), time("08:00:00")).into()),
        ("drill-started", drill(DrillHappened::Started { by: None, until: time("12:12:33") })),
        ("drill-wave", drill(wave())),
        ("drill-ended", drill(ended())),
    ]
    .map(|(case, bulletin): (_, Bulletin)| (case, message::webhook(&bulletin, &message::Links::default())))
}

/// What a person asks for.
pub(super) fn sample() -> OwnEvent {
    let asked = SampleEvent {
        event_id: "3f9a12bc04".to_owned(),
        channel: ChannelName::try_from("mail".to_owned()).unwrap(),
        kind: IncidentKind::RpoGap,
        severity: Severity::Low,
        incidents: 1,
        account_id: place().account,
        region: place().region,
        at: time("08:00:00"),
    };
    OwnEvent::Sample(Box::new(asked))
}

fn first_of(kind: IncidentKind, happened: Happened) -> IncidentEvent {
    story(kind).into_iter().find(|event| event.happened == happened).unwrap()
}

fn grouped(first: &IncidentEvent) -> Digest {
    let second = IncidentEvent {
        subject: "s-12345678901234568".to_owned(),
        subject_name: "erp-db-04".to_owned(),
        incident: "REPLICATION_STALLED/444455556666/eu-west-1/s-12345678901234568".to_owned(),
        account_id: "444455556666".parse().unwrap(),
        account_name: "erp-test".to_owned(),
        region: "eu-west-1".parse().unwrap(),
        ..first.clone()
    };
    Digest {
        key: "default/payments/REPLICATION_STALLED#3".to_owned(),
        group: "default/payments/REPLICATION_STALLED".to_owned(),
        route: "default/payments".to_owned(),
        labels: [("kind".to_owned(), first.kind.to_string())].into(),
        counts: Counts { opened: 12, open: 47, held: 5, ..Counts::default() },
        first: vec![first.clone(), second],
        accounts: 3,
        ..Digest::of_one(first)
    }
}

fn drill(happened: DrillHappened) -> Bulletin {
    let (at, since) = (time("08:41:07"), time("08:12:33"));
    let site = Site {
        account_id: "111122223333".parse().unwrap(),
        account_name: "erp-prod".to_owned(),
        region: "us-west-2".parse().unwrap(),
    };
    let sites = [site].into();
    Drill { key: "drill/erp-wave-2#1".to_owned(), name: "erp-wave-2".to_owned(), happened, at, since, sites }
        .into()
}

fn failed_server() -> FailedServer {
    FailedServer {
        server_id: "s-12345678901234567".parse().unwrap(),
        name: "erp-db-03".to_owned(),
        reason: "its disks could not be converted for EC2 (CONVERSION_FAIL)".to_owned(),
    }
}

fn wave() -> DrillHappened {
    DrillHappened::Wave {
        number: 1,
        job_id: JOB.to_owned(),
        account_id: Some(place().account),
        account_name: "erp-prod".to_owned(),
        region: place().region.to_string(),
        servers: 40,
        succeeded: 39,
        failed: 1,
        recovery_seconds: Some(1_714),
        failed_servers: vec![failed_server()],
    }
}

fn held_back() -> HeldBack {
    HeldBack {
        incident: "REPLICATION_STALLED/111122223333/us-west-2/s-12345678901234567".to_owned(),
        kind: IncidentKind::ReplicationStalled,
        severity: Severity::High,
        account_name: "erp-prod".to_owned(),
        subject_name: "erp-db-03".to_owned(),
        open: true,
    }
}

fn ended() -> DrillHappened {
    DrillHappened::Ended {
        waves: 1,
        servers: 40,
        succeeded: 39,
        failed: 1,
        longest_seconds: Some(1_714),
        running: 1,
        held: 1,
        held_incidents: vec![held_back()],
        failed_servers: vec![failed_server()],
    }
}
