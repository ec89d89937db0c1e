use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use futures::future::join_all;
use serde_json::json;

use super::*;
use crate::memory::MemoryIo;
use crate::verdict::{Neighbour, Verdict};

const STRANGER: &str = "444455556666";

fn inbox() -> Inbox {
    Inbox::new("capacity-tracker", RegistryCache::default(), &Metrics::default())
}

fn heartbeat(io: &MemoryIo, n: usize) -> Received {
    let region = ["us-west-2", "sa-east-1"][n % 2];
    let body = json!({
        "version": "0", "id": format!("e-{n}"), "source": "drs-fleet.spoke", "detail-type": "Spoke Heartbeat",
        "account": STRANGER, "region": region, "time": io.now().to_string(), "resources": [], "detail": {},
    });
    let message = Message {
        id: n.to_string(),
        receipt: String::new(),
        body: body.to_string(),
        receive_count: 1,
        sent_at: io.now(),
    };
    Received::read(&message).unwrap()
}

/// Lets every event be handled by a task of its own, all at once; answers how many were recorded.
async fn storm(io: &MemoryIo, inbox: &Inbox, events: std::ops::Range<usize>) -> usize {
    let ended = join_all(events.map(|n| inbox.admit(io, vec![heartbeat(io, n)]))).await;
    assert!(ended.iter().flatten().all(Vec::is_empty), "nothing is acted on");
    ended.iter().filter(|ended| ended.is_ok()).count()
}

fn key() -> Key {
    unhandled::key_of_stranger("capacity-tracker", &STRANGER.parse().unwrap())
}

fn counted(io: &MemoryIo) -> u64 {
    io.stored::<UnhandledRow>(&key()).unwrap().map_or(0, |stored| stored.row.count)
}

fn happened(io: &MemoryIo) -> Vec<Happened> {
    io.published_events().iter().filter_map(OwnEvent::incident).map(|event| event.happened).collect()
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_one_unregistered_account_is_a_few_writes_and_one_incident_and_loses_no_event() {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    let inbox = inbox();
    assert_eq!(storm(&io, &inbox, 0..500).await, 500);
    let commits = io.points().iter().filter(|point| **point == "commit").count();
    assert!(commits <= 3, "{commits} writes");
    assert_eq!((counted(&io), happened(&io)), (500, vec![Happened::Opened]));
}

#[tokio::test(start_paused = true)]
async fn a_storm_over_several_processes_loses_no_event() {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    let processes: [_; 4] = std::array::from_fn(|_| (io.restarted(), inbox()));
    let storms = processes.iter().zip(0..).map(|((io, inbox), n)| storm(io, inbox, n * 100..(n + 1) * 100));
    assert_eq!(join_all(storms).await.into_iter().sum::<usize>(), 400, "none fails");
    assert_eq!(counted(&io), 400);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_fails_for_every_caller_and_is_recorded_when_it_comes_again() {
    let (io, inbox) = (MemoryIo::default(), inbox());
    storm(&io, &inbox, 0..1).await;
    io.break_down(Neighbour::Table, Verdict::Transient);
    assert_eq!(storm(&io, &inbox, 1..50).await, 0);
    io.mend(Neighbour::Table);
    assert_eq!(storm(&io, &inbox, 1..50).await, 49);
    assert_eq!(counted(&io), 50);
}

#[tokio::test(start_paused = true)]
async fn the_incident_is_due_for_the_worker_that_opened_it_and_ends_with_the_registration() {
    let (io, inbox) = (MemoryIo::default(), inbox());
    storm(&io, &inbox, 0..1).await;
    let region = AccountRegion { region: "us-west-2".parse().unwrap(), drs: true, source: false };
    io.set_row(&AccountRow {
        id: STRANGER.parse().unwrap(),
        name: "stranger".into(),
        alias: None,
        role_arn: String::new(),
        external_id_secret: String::new(),
        regions: vec![region],
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
    });
    tokio::time::sleep(Duration::from_mins(10)).await;
    let shard = keys::due_shard("capacity-tracker", &key());
    let due = io.due(&shard, io.now(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert!(inbox.wake(&io, &due[0].key).await.unwrap());
    assert_eq!(happened(&io), [Happened::Opened, Happened::Resolved]);
    assert!(io.due(&shard, jiff::Timestamp::MAX, 10).await.unwrap().is_empty());
    assert!(!inbox.wake(&io, &keys::policy()).await.unwrap(), "another's item is left to it");
}
