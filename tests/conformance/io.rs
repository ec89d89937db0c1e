//! The table as workers reach it, through `Io`: with the SDK against both clouds, and in memory.

use std::sync::Arc;

use drs_fleet_aws::config::IoSettings;
use drs_fleet_aws::io::{CommitError, Io, Write};
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::time::SystemTime;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::{Key, Range, due_shard};
use drs_fleet_domain::own_event::{Happened, IncidentEvent, OwnEvent};
use drs_fleet_domain::row::{Outbox, Row, Stored};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dynamodb::table;
use super::target::Target;

const WORKER: &str = "capacity-tracker";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Probe {
    name: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Row for Probe {
    const KIND: &'static str = "probe";
    const WORKER: &'static str = WORKER;

    fn key(&self) -> Key {
        key(&self.name)
    }
}

fn key(name: &str) -> Key {
    Key { pk: "probes".to_owned(), sk: format!("probe#{name}") }
}

fn probe(name: &str, size: u64) -> Probe {
    Probe { name: name.to_owned(), size, note: None }
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + n).unwrap()
}

fn event(id: &str) -> OwnEvent {
    let event = IncidentEvent {
        event_id: id.to_owned(),
        incident: format!("incident of {id}"),
        happened: Happened::Opened,
        kind: IncidentKind::ReplicationStalled,
        severity: Severity::High,
        account_id: "111122223333".parse().unwrap(),
        account_name: "Payments".to_owned(),
        region: "eu-central-1".parse().unwrap(),
        subject: "s-12345678901234567".to_owned(),
        subject_name: "db-1".to_owned(),
        opened_at: second(0),
        at: second(1),
        sequence: 1,
        reason: "\u{e4} \"quoted\" reason".to_owned(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: None,
        application: None,
        drill_tag: None,
    };
    event.into()
}

fn outbox(ids: &[&str]) -> Outbox {
    ids.iter().map(|id| ((*id).to_owned(), event(id))).collect()
}

async fn commit<I: Io>(
    io: &I,
    row: &Probe,
    expected: Option<u64>,
    (outbox_before, outbox): (&Outbox, &Outbox),
    due: Option<Timestamp>,
) -> Result<u64, CommitError<Probe>> {
    io.commit(Write { row, expected, outbox_before, outbox, due }).await
}

async fn read<I: Io>(io: &I, name: &str) -> Option<Stored<Probe>> {
    io.read::<Probe>(&[key(name)]).await.unwrap().remove(0)
}

fn stored_in<T: std::fmt::Debug>(answer: Result<T, CommitError<Probe>>) -> Option<Stored<Probe>> {
    match answer {
        Err(CommitError::Conflict(stored)) => stored.map(|stored| *stored),
        other => panic!("no conflict: {other:?}"),
    }
}

/// Names of what is due in the shard of `name`.
async fn due<I: Io>(io: &I, name: &str, until: i64) -> Vec<(Key, Timestamp)> {
    let shard = due_shard(WORKER, &key(name));
    let due = io.due(&shard, second(until), 10).await.unwrap();
    due.into_iter().map(|due| (due.key, due.at)).collect()
}

async fn compare_and_set<I: Io>(io: &I) {
    let none = Outbox::new();
    assert_eq!(read(io, "a").await, None);
    let lost = commit(io, &probe("a", 1), Some(4), (&none, &none), None).await;
    assert_eq!(stored_in(lost), None, "an update of what is gone");
    assert_eq!(commit(io, &probe("a", 1), None, (&none, &none), None).await.unwrap(), 1);
    let known = Stored { row: probe("a", 1), rev: 1, outbox: Outbox::new() };
    let lost = commit(io, &probe("a", 2), None, (&none, &none), None).await;
    assert_eq!(stored_in(lost), Some(known.clone()), "the loser learns what is stored");
    assert_eq!(read(io, "a").await, Some(known));
    assert_eq!(commit(io, &probe("a", 2), Some(1), (&none, &none), None).await.unwrap(), 2);
    let lost = stored_in(commit(io, &probe("a", 3), Some(1), (&none, &none), None).await).unwrap();
    assert_eq!((lost.row, lost.rev), (probe("a", 2), 2));
    io.forget(&key("a")).await.unwrap();
    io.forget(&key("a")).await.expect("forgetting twice is no error");
    assert_eq!(read(io, "a").await, None);
}

async fn the_outbox<I: Io>(io: &I) {
    let (none, first, second_box) = (Outbox::new(), outbox(&["x#1", "y#1"]), outbox(&["y#1", "z#1"]));
    commit(io, &probe("b", 1), None, (&none, &first), Some(second(10))).await.unwrap();
    assert_eq!(read(io, "b").await.unwrap().outbox, first);
    commit(io, &probe("b", 2), Some(1), (&first, &second_box), Some(second(20))).await.unwrap();
    assert_eq!(read(io, "b").await.unwrap().outbox, second_box, "superseded entries go, new ones come");
    assert_eq!(due(io, "b", 15).await, []);
    assert_eq!(due(io, "b", 20).await, [(key("b"), second(20))]);

    // Published at an older revision: the entry goes, the newer write's time stays.
    io.published(&key("b"), 1, &["y#1".to_owned()], None).await.unwrap();
    let left = read(io, "b").await.unwrap();
    assert_eq!((left.rev, &left.outbox), (2, &outbox(&["z#1"])));
    assert_eq!(due(io, "b", 20).await.len(), 1);
    io.published(&key("b"), 2, &["z#1".to_owned(), "never".to_owned()], None).await.unwrap();
    let left = read(io, "b").await.unwrap();
    assert_eq!((left.row, left.rev, left.outbox), (probe("b", 2), 2, Outbox::new()));
    assert_eq!(due(io, "b", 100).await, []);
    io.published(&key("gone"), 1, &["x".to_owned()], None).await.expect("what is gone has no outbox");
    assert_eq!(read(io, "gone").await, None);
}

async fn timers<I: Io>(io: &I) {
    let none = Outbox::new();
    commit(io, &probe("c", 1), None, (&none, &none), Some(second(30))).await.unwrap();
    assert_eq!(due(io, "c", 29).await, []);
    assert_eq!(due(io, "c", 30).await, [(key("c"), second(30))]);
    io.published(&key("c"), 1, &[], Some(second(40))).await.unwrap();
    assert_eq!(due(io, "c", 39).await, [], "pushed back");
    commit(io, &probe("c", 2), Some(1), (&none, &none), None).await.unwrap();
    assert_eq!(due(io, "c", 100).await, [], "a write that waits for nothing is not in the index");
}

async fn reads<I: Io>(io: &I) {
    let none = Outbox::new();
    let names: Vec<_> = (0..130).map(|n| format!("many-{n:03}")).collect();
    for (size, name) in (0..).zip(&names) {
        commit(io, &probe(name, size), None, (&none, &none), None).await.unwrap();
    }
    let mut keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    keys.insert(1, key("missing"));
    keys.push(key("many-000"));
    let read = io.read::<Probe>(&keys).await.unwrap();
    assert_eq!(read.len(), 132, "more than a batch holds, one twice, one missing");
    assert!(read[1].is_none());
    assert_eq!((read[0].as_ref(), read[130].as_ref().map(|s| s.row.size)), (read[131].as_ref(), Some(129)));
    let range = Range { pk: "probes".to_owned(), sk_prefix: "probe#many-".to_owned() };
    let found = io.query::<Probe>(&range).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|stored| stored.row.name).collect();
    assert_eq!(found, names, "in the order of their sort keys");
    let other = Range { pk: "others".to_owned(), sk_prefix: String::new() };
    assert!(io.query::<Probe>(&other).await.unwrap().is_empty());
}

async fn all<I: Io>(io: &I) {
    compare_and_set(io).await;
    the_outbox(io).await;
    timers(io).await;
    reads(io).await;
}

async fn sdk(target: &Target) -> SdkIo {
    table(&target.config(), "drs-fleet").await;
    let settings = IoSettings {
        worker: WORKER.to_owned(),
        table: "drs-fleet".to_owned(),
        queues: None,
        bus: None,
        topic_arn: None,
        slack_secret: None,
        slack_signing_secret: None,
        slack_api: None,
    };
    SdkIo::new(&target.config(), settings, Arc::new(SystemTime))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_cloud_keeps_what_workers_rely_on() {
    all(&sdk(&Target::local().await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ministack_keeps_what_workers_rely_on() {
    if let Some(target) = Target::ministack().await {
        all(&sdk(&target).await).await;
    }
}

#[tokio::test]
async fn the_world_in_memory_keeps_what_workers_rely_on() {
    all(&MemoryIo::new(second(0))).await;
}
