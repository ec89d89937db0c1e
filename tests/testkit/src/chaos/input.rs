//! The input: seeded events of servers over some accounts, shuffled, with messages among them that nobody can read.
//!
//! Events lie between 24 and 11 minutes before now: old enough that they ask for no sweep, which would find none of these
//! servers, and that what flapped is over as soon as its end is read; young enough that no stall is critical yet.

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::stream::{REGION, account};

/// Seconds before now.
const OLDEST: i64 = 24 * 60;
const NEWEST: i64 = 11 * 60;

/// Four events of each of a hundred servers come close together.
const CROWD: usize = 100;
const PER_SERVER: usize = 4;
const MOST_SERVERS: usize = 2_000;

/// So far a message may come before or after its turn.
const WINDOW: usize = 1_000;

/// Shares of what happens.
const SNAPSHOT: f64 = 0.1;
const HEARTBEAT: f64 = 0.01;
const FLIP: f64 = 0.04;

/// How long a huge message is.
const HUGE: usize = 200_000;

/// A message as it was put on the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) body: String,
    /// Nobody can read it.
    pub(super) poison: bool,
}

/// What is put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Messages that can be read.
    pub(super) events: usize,
    /// So many more per message cannot.
    pub(super) poison: f64,
}

/// The input log, in the order in which it is put on the queue.
pub(super) fn log(plan: Plan, now: Timestamp) -> Vec<Put> {
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let servers = (plan.events / 20 / CROWD * CROWD).clamp(CROWD, MOST_SERVERS);
    let mut stalled = vec![false; servers];
    let mut puts = Vec::with_capacity(plan.events);
    for n in 0..plan.events {
        let server = (n / (CROWD * PER_SERVER) * CROWD + n % CROWD) % servers;
        let event = Event { n, server, at: time(n, plan.events, now) };
        if dice.random_bool(plan.poison) {
            puts.push(Put { body: unreadable(puts.len(), &event.stall(true)), poison: true });
        }
        let share: f64 = dice.random();
        let body = if share < HEARTBEAT {
            event.heartbeat()
        } else if share < HEARTBEAT + SNAPSHOT {
            event.snapshot()
        } else {
            stalled[server] ^= dice.random_bool(FLIP);
            event.stall(stalled[server])
        };
        puts.push(Put { body, poison: false });
    }
    puts.chunks_mut(WINDOW).for_each(|window| window.shuffle(&mut dice));
    puts
}

/// Whole seconds, as EventBridge has them; many events share one.
fn time(n: usize, of: usize, now: Timestamp) -> Timestamp {
    let (n, of) = (i64::try_from(n).unwrap_or_default(), i64::try_from(of).unwrap_or(i64::MAX));
    let passed = (OLDEST - NEWEST) * n / of;
    Timestamp::from_second(now.as_second() - OLDEST + passed).unwrap_or(now)
}

#[derive(Clone, Copy)]
struct Event {
    n: usize,
    server: usize,
    at: Timestamp,
}

impl Event {
    fn stall(self, stalled: bool) -> String {
        let state = if stalled { "STALLED" } else { "NOT_STALLED" };
        self.body("DRS Source Server Data Replication Stalled Change", &json!({ "state": state }))
    }

    fn snapshot(self) -> String {
        self.body("DRS PIT Snapshot Taken", &json!({ "DrsSnapshotID": "p", "EbsSnapshotIDs": "a,b" }))
    }

    fn heartbeat(self) -> String {
        let beat = self.body("Spoke Heartbeat", &json!({}));
        beat.replacen("aws.drs", "drs-fleet.spoke", 1)
    }

    fn body(self, detail_type: &str, detail: &serde_json::Value) -> String {
        let Self { n, server, at } = self;
        let account = account(server);
        json!({
            "version": "0", "id": format!("{n:08x}-0000-4000-8000-{server:012x}"), "detail-type": detail_type,
            "source": "aws.drs", "account": account, "time": at.to_string(), "region": REGION,
            "resources": [format!("arn:aws:drs:{REGION}:{account}:source-server/s-{server:017x}")],
            "detail": detail,
        })
        .to_string()
    }
}

/// What becomes of a good message that nobody can read; it names its number, so that each is another one.
pub(super) fn unreadable(number: usize, good: &str) -> String {
    let named = good.replacen("\"id\":\"", &format!("\"id\":\"poison-{number}-"), 1);
    match number % 6 {
        0 => format!("poison {number}: {{ this is no JSON"),
        1 => named.chars().take(named.len() * 2 / 3).collect(),
        2 => named.replacen("\"state\":", &format!("\"state\":[\"{}\"],\"was\":", "x".repeat(HUGE)), 1),
        3 => named.replacen("\"region\":\"eu-central-1\"", "\"region\":7", 1),
        4 => format!("[\"poison\", {number}]"),
        _ => named.replacen("\"state\"", "\"sate\"", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_input_and_another_seed_another() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let of = |seed| log(Plan { seed, events: 3_000, poison: 0.01 }, now);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).iter().filter(|put| !put.poison).count(), 3_000);
        assert!(of(1).iter().any(|put| put.poison));
    }

    #[test]
    fn every_poison_is_its_own_and_is_no_event() {
        let good = Event { n: 1, server: 1, at: Timestamp::UNIX_EPOCH }.stall(true);
        let bodies: std::collections::BTreeSet<_> = (0..12).map(|n| unreadable(n, &good)).collect();
        assert_eq!(bodies.len(), 12);
        assert!(!bodies.contains(&good));
    }
}
