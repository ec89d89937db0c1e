mod listing;
mod showing;

use std::time::Duration;

use drs_fleet_domain::incident::{Incident, IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::{DRILL_TAG, RPO_TAG};
use drs_fleet_domain::seen::{ServerFacts, Staging, Step};
use drs_fleet_domain::server::{Health, ServerDetailsRow, ServerRow, Sync};
use drs_fleet_domain::span::Length;
use drs_fleet_domain::tags::ServerTagsRow;
use jiff::Timestamp;
use serde_json::Value;

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, dateless, inventory, place, server, swept};

const PAYMENTS: &str = "111122223333";
const STAGING: &str = "444455556666";
const INSTANCE: &str = "i-0a1b2c3d4e5f60718";

type Stage = testing::Stage<OneOf<Command>>;

/// Long enough ago that its age does not change during a test.
fn since() -> Timestamp {
    Timestamp::now() - Duration::from_mins(185)
}

fn id(number: u32) -> String {
    format!("s-{number:017}")
}

fn row(place: &Place, number: u32, name: &str, state: &str) -> ServerRow {
    server(place, number, name, state, since())
}

fn details(row: &ServerRow, hostname: &str, tags: &[(&str, &str)]) -> ServerDetailsRow {
    let Place { account, region } = &row.place;
    ServerDetailsRow {
        place: row.place.clone(),
        id: row.id.clone(),
        arn: format!("arn:aws:drs:{region}:{account}:source-server/{}", row.id),
        hostname: Some(hostname.to_owned()),
        facts: ServerFacts { ips: vec!["10.20.30.40".to_owned()], ..ServerFacts::default() },
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        seen_at: since(),
        gone_since: None,
        forget_at: None,
    }
}

/// That a server was last in line with its machine at `at`, and why nothing was copied since.
fn tagged(row: &ServerRow, at: Timestamp, skipped: Option<&str>) -> ServerTagsRow {
    let row = serde_json::json!({
        "place": row.place, "server": row.id, "name": row.name(), "synced_at": at, "skipped": skipped,
    });
    serde_json::from_value(row).unwrap()
}

fn open(row: &mut ServerRow, kind: IncidentKind, closed_at: Option<Timestamp>) {
    let incident = Incident {
        opened_at: since(),
        severity: Severity::High,
        sequence: 1,
        reason: "STALLED: the agent is silent".to_owned(),
        closed_at,
        flaps: 2,
        told_over: false,
    };
    row.incidents.insert(kind, incident.into());
}

/// Two accounts: one with a stalled server, a healthy one, one that is gone and one that is extended from the other.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2", "us-east-1"], None).await;
    stage.register(STAGING, "Staging", &["us-west-2"], Some(PAYMENTS)).await;
    let (here, there) = (place(PAYMENTS, "us-west-2"), place(STAGING, "us-west-2"));
    stage.store(&swept(&here, 3, 1, since())).await;

    let mut stalled = row(&here, 1, "erp-db-01", "STALLED");
    stalled.replication.error = Some("AGENT_NOT_SEEN".to_owned());
    let known = inventory(&mut stalled);
    known.instance = Some(INSTANCE.parse().unwrap());
    let spring = "spring drill 2026-12-01T20:00Z/6h";
    known.marks = [(RPO_TAG, "15m"), (DRILL_TAG, spring)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    stalled.health = Some(Health {
        seen_at: since(),
        lag: Some(Length(Duration::from_mins(90))),
        backlog: Some((12 << 30) + (1 << 29)),
        unseen_since: Some(since()),
        step: Some(Step { name: "CONNECT_AGENT_TO_REPLICATION_SERVER".into(), status: "FAILED".into() }),
        sync: Some(Sync { done: 34 << 30, total: 100 << 30, since: since() }),
    });
    open(&mut stalled, IncidentKind::ReplicationStalled, None);
    open(&mut stalled, IncidentKind::FullResync, Some(since()));
    let mut made_of = details(&stalled, "erp-db-01.corp", &[("Environment", "prod"), ("a=b", "c")]);
    made_of.facts = ServerFacts {
        agent_version: Some("5.2.1".into()),
        direction: Some("FAILOVER".into()),
        os: Some("Linux 5.10".into()),
        cores: Some(4),
        ram: Some(16 << 30),
        disks: [("/dev/sda1".to_owned(), 100 << 30), ("/dev/sdb".to_owned(), 500 << 30)].into(),
        recommended_type: Some("m5.xlarge".into()),
        origin_account: Some("222233334444".into()),
        origin_zone: Some("us-east-1a".into()),
        last_launch_result: Some("SUCCEEDED".into()),
        ..made_of.facts
    };
    stage.store(&made_of).await;
    stage.store(&tagged(&stalled, since(), None)).await;
    stage.store(&stalled).await;

    let mut healthy = row(&here, 2, "=crm-web", "CONTINUOUS");
    healthy.health = Some(Health {
        seen_at: since(),
        lag: Some(Length(Duration::ZERO)),
        backlog: Some(0),
        unseen_since: None,
        step: None,
        sync: None,
    });
    stage.store(&details(&healthy, "crm-web", &[("Environment", "test")])).await;
    stage.store(&tagged(&healthy, since() - Duration::from_hours(48), Some("DISCONNECTED"))).await;
    stage.store(&healthy).await;
    let mut gone = row(&here, 3, "old-web", "CONTINUOUS");
    gone.gone_since = Some(since());
    stage.store(&gone).await;

    let staged = row(&there, 4, "mes-app", "CONTINUOUS");
    let arn = details(&staged, "mes-app", &[]).arn;
    stage.store(&details(&staged, "mes-app", &[])).await;
    stage.store(&staged).await;
    let mut extended = row(&here, 5, "mes-app", "CONTINUOUS");
    inventory(&mut extended).staging = Staging {
        status: Some("EXTENSION_ERROR".into()),
        account: Some(STAGING.parse().unwrap()),
        server_arn: Some(arn),
        error: Some("the role was revoked".into()),
    };
    stage.store(&extended).await;
    stage
}
