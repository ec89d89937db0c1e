//! A tiny row and a tiny worker, for the tests of the loop, the store and the due task.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drs_fleet_domain::click::{BEGINNING, Posted};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::own_event::{Happened, IncidentEvent, OwnEvent};
use drs_fleet_domain::row::{Change, Row};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::{Io, Message};
use crate::store::Store;
use crate::verdict::{IoError, Neighbour, Verdict};
use crate::worker::{About, Logged, Sorted, Worker};

/// Which numbers a subject has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) id: String,
    pub(crate) seen: BTreeSet<u32>,
    pub(crate) wake_at: Option<Timestamp>,
}

impl Row for Tally {
    const KIND: &'static str = "tally";
    const WORKER: &'static str = "tallier";

    fn key(&self) -> Key {
        tally_key(&self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.wake_at
    }
}

pub(crate) fn tally_key(id: &str) -> Key {
    Key { pk: "tallies".into(), sk: id.into() }
}

/// Adds numbers; of each new one up to `told_below`, an event tells.
pub(crate) fn add(id: &str, numbers: &[u32], told_below: u32, row: Option<&Tally>) -> Option<Change<Tally>> {
    let before = row.cloned().unwrap_or_else(|| Tally { id: id.into(), ..Tally::default() });
    let mut after = before.clone();
    after.seen.extend(numbers);
    let new = after.seen.difference(&before.seen).filter(|n| **n < told_below);
    let tell = new.map(|n| event(id, *n)).collect();
    Change::between(row, after, tell)
}

pub(crate) fn event(id: &str, n: u32) -> OwnEvent {
    let event = IncidentEvent {
        event_id: format!("{id}@{n}"),
        incident: format!("{id}/{n}"),
        happened: Happened::Opened,
        kind: IncidentKind::ReplicationStalled,
        severity: Severity::High,
        account_id: "111122223333".parse().unwrap(),
        account_name: "one".into(),
        region: "eu-central-1".parse().unwrap(),
        subject: id.into(),
        subject_name: id.into(),
        opened_at: Timestamp::UNIX_EPOCH,
        at: Timestamp::UNIX_EPOCH,
        sequence: n,
        reason: "counted".into(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: None,
        application: None,
        drill_tag: None,
    };
    event.into()
}

/// A lane and the numbers that one call got.
type Call = (String, Vec<u32>);

/// Handles messages such as `lane/1`, `lane/2/sleep/70`, `lane/3/panic` and `lane/4/permanent`: adds the number
/// to the lane's tally, sleeps so many seconds first, panics, or fails so. Lanes that begin with `other` are of
/// another account.
#[derive(Clone, Default)]
pub(crate) struct Tallier {
    pub(crate) store: Store<Tally>,
    tells_below: u32,
    calls: Arc<Mutex<Vec<Call>>>,
    finished: Arc<Mutex<BTreeMap<String, BTreeSet<u32>>>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    lane: String,
    n: u32,
    act: Vec<String>,
}

impl Logged for Task {
    fn about(&self) -> About<'_> {
        let account = if self.lane.starts_with("other") { "444455556666" } else { "111122223333" };
        About { account: Some(account), region: Some("eu-central-1"), event_id: Some("e-1") }
    }
}

impl Tallier {
    /// Tells of all numbers below `tells_below`.
    pub(crate) fn telling(tells_below: u32) -> Self {
        Self { tells_below, ..Self::default() }
    }

    /// Lane and numbers of every call, in the order in which they began.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The numbers that were handled to the end.
    pub(crate) fn finished(&self, lane: &str) -> Vec<u32> {
        self.finished.lock().unwrap().get(lane).into_iter().flatten().copied().collect()
    }
}

impl Worker for Tallier {
    const NAME: &'static str = "tallier";
    type Work = Task;

    fn sort(&self, message: &Message) -> Result<Sorted<Task>, Rejected> {
        let mut parts = message.body.split('/').map(str::to_owned);
        let lane = parts.next().unwrap_or_default();
        assert!(lane != "panic", "sorting panics");
        let n = parts.next().and_then(|n| n.parse().ok());
        let n = n.ok_or_else(|| Rejected::NotJson("no number".into()))?;
        Ok(Sorted { lane: lane.clone(), work: Task { lane, n, act: parts.collect() } })
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Task>) -> Result<(), IoError> {
        let lane = work[0].lane.clone();
        let numbers: Vec<u32> = work.iter().map(|task| task.n).collect();
        self.calls.lock().unwrap().push((lane.clone(), numbers.clone()));
        for task in &work {
            match task.act.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["sleep", seconds] => io.sleep(Duration::from_secs(seconds.parse().unwrap())).await,
                ["panic"] => panic!("a planned panic"),
                ["permanent"] => return Err(fails(Neighbour::Spoke, Verdict::Permanent)),
                ["denied"] => return Err(fails(Neighbour::Spoke, Verdict::Denied)),
                ["away"] => return Err(fails(Neighbour::Spoke, Verdict::Transient)),
                _ => {}
            }
        }
        self.store.change(io, &tally_key(&lane), |row| add(&lane, &numbers, self.tells_below, row)).await?;
        self.finished.lock().unwrap().entry(lane).or_default().extend(numbers);
        Ok(())
    }

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        let rang = |row: &Tally| {
            let mut after = Tally { wake_at: None, ..row.clone() };
            after.seen.insert(999);
            Change::between(Some(row), after, Vec::new())
        };
        self.store.wake(io, key, rang).await.map(drop)
    }
}

fn fails(neighbour: Neighbour, verdict: Verdict) -> IoError {
    IoError::new(neighbour, "call", verdict, "as planned")
}

/// Body `payload=x`, posted to the hub's endpoint with a signature of that second.
pub(crate) fn posted(signature: &str) -> Posted {
    let [timestamp, signature, body] =
        ["1531420618", signature, "payload=x"].map(|text| STANDARD.encode(text));
    let message =
        format!(r#"{BEGINNING}"timestamp":"{timestamp}","signature":"{signature}","body":"{body}"}}"#);
    Posted::read(&message).unwrap().unwrap()
}
