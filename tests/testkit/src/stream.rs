//! The streams of events: deterministic, each event changes a row, and none but stalls has anything to tell.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Servers in the fleet; a worker remembers 8,192 rows of a kind, so all of these are warm after one round.
pub const SERVERS: usize = 8_000;

/// Accounts that the servers are spread over.
pub const ACCOUNTS: usize = 10;

/// Where they all are.
pub const REGION: &str = "eu-central-1";

/// 2026-01-01T00:00:00Z.
pub const BEGIN: i64 = 1_767_225_600;

/// So many events happen in a second: fewer than there are servers, so that each is newer than the last of its server,
/// and enough that what a worker notes once a minute is not noted with every other event.
const PER_SECOND: usize = 100;

/// In a storm so many messages are shuffled among each other …
const SHUFFLED: usize = 400;
/// … in which each server has so many events.
const PER_SERVER: usize = 4;

/// How events are spread over servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Two events of one server are never in hand together.
    Spread,
    /// Four events per server, close together and out of order.
    Storm,
    /// Servers stall, each another: each is told, and remembered with an incident.
    Stalls,
}

/// What happened, without its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub server: usize,
    /// Seconds since the beginning.
    pub second: usize,
    /// Whether the server stalls.
    pub stalls: bool,
}

/// `count` events, before which there were `from` others.
pub fn stream(shape: Shape, from: usize, count: usize) -> Vec<Event> {
    let server = |n: usize| match shape {
        Shape::Spread => n % SERVERS,
        Shape::Stalls => n,
        Shape::Storm => (n / SHUFFLED * (SHUFFLED / PER_SERVER) + n % (SHUFFLED / PER_SERVER)) % SERVERS,
    };
    let stalls = shape == Shape::Stalls;
    let event = |n| Event { server: server(n), second: (from + n) / PER_SECOND, stalls };
    let mut events: Vec<_> = (0..count).map(event).collect();
    if shape == Shape::Storm {
        let mut dice = Dice::default();
        events.chunks_mut(SHUFFLED).for_each(|chunk| dice.shuffle(chunk));
    }
    events
}

/// Events per server among those that are in hand together.
pub fn together(events: &[Event], in_hand: usize) -> f64 {
    let distinct = |hand: &[Event]| hand.iter().map(|event| event.server).collect::<BTreeSet<_>>().len();
    events.len() as f64 / events.chunks(in_hand).map(distinct).sum::<usize>() as f64
}

/// Id of a server.
pub fn id(server: usize) -> String {
    format!("s-{server:017x}")
}

/// Account of a server.
pub fn account(server: usize) -> String {
    format!("1111222233{:02}", server % ACCOUNTS)
}

/// The message body, as EventBridge puts it on a queue.
pub fn body(event: Event) -> String {
    let Event { server, second, stalls } = event;
    let state = if stalls { "STALLED" } else { "NOT_STALLED" };
    let (account, id) = (account(server), id(server));
    let seconds = BEGIN + i64::try_from(second).unwrap_or(0);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    format!(
        r#"{{"version":"0","id":"{second:08x}-0000-4000-8000-{server:012x}","detail-type":"DRS Source Server Data Replication Stalled Change","source":"aws.drs","account":"{account}","time":"{time}","region":"{REGION}","resources":["arn:aws:drs:{REGION}:{account}:source-server/{id}"],"detail":{{"state":"{state}"}}}}"#
    )
}

/// xorshift64: the same numbers each time.
pub struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }
}

impl Dice {
    /// The next one, below this.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.below(n + 1));
        }
    }
}
