//! Load without end: events that each change a row and have nothing to tell, no two of one server in hand together. So
//! each costs exactly one write, and what was written twice or never shows in the rows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::Value;

use super::args::Role;
use super::hub::{Hub, Starts};
use super::input::unreadable;
use crate::process::Process;
use crate::stream::{self, BEGIN, Event, SERVERS};

/// A queue that is not empty by then never will be.
const PATIENCE: Duration = Duration::from_mins(10);

/// A hub under load, and its one worker.
pub(super) struct Load {
    pub(super) hub: Hub,
    pub(super) worker: Process,
    /// The events are of so many servers.
    servers: usize,
    /// So many events were put so far.
    pub(super) put: usize,
    pub(super) poison: Vec<String>,
}

/// How fast events were handled, and what they cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Events a second.
    pub(super) rate: f64,
    /// Seconds of the worker's processor time per 100,000 events.
    pub(super) cpu: f64,
}

impl Load {
    /// With a row for each server, all of which the worker remembers.
    pub(super) async fn begin(seed: u64, starts: Starts) -> anyhow::Result<Self> {
        Self::begin_with(SERVERS, seed, starts).await
    }

    /// The same of so many servers.
    pub(super) async fn begin_with(servers: usize, seed: u64, starts: Starts) -> anyhow::Result<Self> {
        let hub = Hub::build(seed, stream::ACCOUNTS, starts).await?;
        let worker = hub.worker(Role::CapacityTracker)?;
        let mut load = Self { worker, hub, servers, put: 0, poison: Vec::new() };
        load.pace(servers, false).await?;
        Ok(load)
    }

    /// Puts events on the queue; with poison, after each hundred a message that nobody can read.
    pub(super) fn put(&mut self, events: usize, poison: bool) -> anyhow::Result<()> {
        for n in self.put..self.put + events {
            let body = stream::body(Event { server: n % self.servers, second: n, stalls: false });
            if poison && n % 100 == 0 {
                let unreadable = unreadable(n / 100, &body);
                self.hub.put(&unreadable)?;
                self.poison.push(unreadable);
            }
            self.hub.put(&body)?;
        }
        self.put += events;
        Ok(())
    }

    /// Keeps at least so many messages on the queue.
    pub(super) fn top_up(&mut self, least: usize) -> anyhow::Result<()> {
        let missing = least.saturating_sub(self.hub.depth().all());
        self.put(missing, false)
    }

    /// Handles so many events, from the first message to the empty queue.
    pub(super) async fn pace(&mut self, events: usize, poison: bool) -> anyhow::Result<Pace> {
        let (began, used) = (Instant::now(), self.worker.cpu()?);
        self.put(events, poison)?;
        self.hub.drained(PATIENCE).await?;
        self.worker.still_runs()?;
        let rate = events as f64 / began.elapsed().as_secs_f64();
        let cpu = self.worker.cpu()?.saturating_sub(used).as_secs_f64() * 100_000.0 / events as f64;
        Ok(Pace { rate, cpu })
    }

    /// How many events were handled so far.
    pub(super) fn handled(&self) -> usize {
        self.put + self.poison.len() - self.hub.depth().all()
    }

    /// Servers whose last event is not in the table, and servers whose events were not written once each.
    pub(super) async fn offenders(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        self.hub.drained(PATIENCE).await?;
        let rows = rows(&self.hub.items().await?);
        let (mut lost, mut rewritten) = (Vec::new(), Vec::new());
        for server in 0..self.servers.min(self.put) {
            let last = self.put - 1 - (self.put - 1 - server) % self.servers;
            let events = u64::try_from(last / self.servers + 1).unwrap_or_default();
            match rows.get(&server) {
                Some((second, _)) if *second != last => {
                    lost.push(format!("server {server}: {second}, not {last}"));
                }
                None => lost.push(format!("server {server}: no row")),
                Some((_, writes)) if *writes != events => {
                    rewritten.push(format!("server {server}: {writes} writes of {events} events"));
                }
                Some(_) => {}
            }
        }
        Ok((lost, rewritten))
    }
}

/// By server, the number of its last event that was applied, and how often its row was written.
pub(super) fn rows(items: &[Value]) -> BTreeMap<usize, (usize, u64)> {
    let row = |item: &Value| {
        let server = server(item["row"]["id"].as_str()?)?;
        let second = item["row"]["replication"]["stamp"][0].as_i64()?;
        Some((server, (usize::try_from(second - BEGIN).ok()?, item["rev"].as_u64()?)))
    };
    items.iter().filter(|item| item["kind"] == "server").filter_map(row).collect()
}

/// The number of a server by the end of its ARN.
pub(super) fn server(id: &str) -> Option<usize> {
    usize::from_str_radix(id.rsplit("s-").next()?, 16).ok()
}

/// A fault of calls of the table.
pub(super) fn of_table(probability: f64, fault: Fault) -> FaultRule {
    FaultRule::of(("dynamodb", ""), probability, fault)
}

/// The one in the middle; of an even number, the upper of the two.
pub(super) fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
