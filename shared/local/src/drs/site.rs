//! DRS in one account and Region: servers, jobs, recovery instances, and how time moves them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Map;

use super::bucket::Bucket;
use super::dice::Dice;
use super::fate::Fate;
use super::instance::Instance;
use super::job::Job;
use super::mishap::Mishaps;
use super::network::Network;
use super::notice;
use super::quota::{Applied, REPLICATING, SERVERS};
use super::refusal::not_found;
use super::replication::{Phase, Replication};
use super::server::Server;
use super::spec::ServerSpec;
use super::stamp::after;
use crate::call::Refusal;
use crate::events::ServiceEvent;

/// How one account and Region behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// DRS calls per simulated second (with as many at once) before `ThrottlingException`; none is unlimited.
    pub calls_per_second: Option<f64>,
    /// Whether a trail logs, so that API calls become events.
    pub trail: bool,
    /// Whether `DRS PIT Snapshot Taken` is emitted, every 10 minutes for each healthy server.
    pub snapshot_events: bool,
    /// Mean simulated seconds until a healthy server has a backlog or a rescan; 0 is never. For servers that
    /// are added from then on.
    pub restless: i64,
    /// Share of launches that fail by chance, 0 to 1.
    pub failures: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { calls_per_second: None, trail: true, snapshot_events: false, restless: 86_400, failures: 0.0 }
    }
}

/// One account and Region.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) initialized: bool,
    pub(super) servers: BTreeMap<String, Server>,
    /// In order of creation.
    pub(super) jobs: Vec<Job>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) networks: BTreeMap<String, Network>,
    /// What is in store for servers and networks.
    pub(super) fates: BTreeMap<String, Fate>,
    /// ARNs of staging servers elsewhere whose agents have stopped, and since when.
    pub(super) silenced: Vec<(String, Timestamp)>,
    pub(super) mishaps: Mishaps,
    pub(super) settings: Settings,
    pub(super) quotas: Applied,
    pub(super) bucket: Bucket,
    pub(super) dice: Dice,
    jobs_begun: u64,
    next_snapshots: Option<Timestamp>,
}

impl Site {
    /// An account and Region where DRS was never initialised.
    pub(super) fn new(account: &str, region: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            initialized: false,
            servers: BTreeMap::new(),
            jobs: Vec::new(),
            instances: BTreeMap::new(),
            networks: BTreeMap::new(),
            fates: BTreeMap::new(),
            silenced: Vec::new(),
            mishaps: Mishaps::default(),
            settings: Settings::default(),
            quotas: Applied::default(),
            bucket: Bucket::default(),
            dice: Dice::seeded(1, &format!("{account}/{region}")),
            jobs_begun: 0,
            next_snapshots: None,
        }
    }

    /// `arn:aws:drs:REGION:ACCOUNT:KIND/ID`.
    pub(super) fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:drs:{}:{}:{kind}/{id}", self.region, self.account)
    }

    /// The server of an id.
    pub(super) fn server(&mut self, id: &str) -> Result<&mut Server, Refusal> {
        self.servers.get_mut(id).ok_or_else(|| not_found("SourceServer", id))
    }

    /// The recovery instance of an id.
    pub(super) fn instance(&mut self, id: &str) -> Result<&mut Instance, Refusal> {
        self.instances.get_mut(id).ok_or_else(|| not_found("RecoveryInstance", id))
    }

    /// The job of an id.
    pub(super) fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Whether a job that is not over has the server or network.
    pub(super) fn is_busy(&self, id: &str) -> bool {
        self.jobs.iter().rev().any(|job| job.is_active() && job.has(id))
    }

    /// Takes up a job. One that another account asks for may be older than the newest here.
    pub(super) fn begin(&mut self, mut job: Job) {
        self.jobs_begun += 1;
        job.serial = self.jobs_begun;
        let place = self.jobs.partition_point(|other| other.created <= job.created);
        self.jobs.insert(place, job);
    }

    /// Refuses when one more replicating server, of the given id, would be too many.
    pub(super) fn admit_replicating(&self, id: &str) -> Result<(), Refusal> {
        let replicating = self.servers.values().filter(|server| server.counts()).count();
        self.quotas.admit(&REPLICATING, replicating + 1, ("SourceServer", id))
    }

    /// Adds a server and returns its id.
    pub(super) fn add(&mut self, spec: ServerSpec, now: Timestamp) -> Result<String, Refusal> {
        let id = self.dice.id("s");
        self.quotas.admit(&SERVERS, self.servers.len() + 1, ("SourceServer", &id))?;
        let dice = Dice::seeded(self.dice.next(), &id);
        let bytes = spec.machine.total_bytes();
        let replication = Replication::new(spec.start, (now, dice), bytes, self.settings.restless);
        if replication.counts() {
            self.admit_replicating(&id)?;
        }
        let server = Server {
            arn: self.arn("source-server", &id),
            id: id.clone(),
            machine: spec.machine,
            tags: spec.tags,
            added: replication.initiated,
            replication,
            last_launch: None,
            recovery_instance: None,
            extension: None,
            reverses: None,
            launch: Map::new(),
        };
        self.servers.insert(id.clone(), server);
        Ok(id)
    }

    /// Lets time pass until `now` and returns what AWS would have told meanwhile.
    pub(super) fn advance(&mut self, now: Timestamp) -> Vec<ServiceEvent> {
        let mut events = Vec::new();
        // Extended servers follow their staging servers, and stay as they were when they cannot.
        for server in self.servers.values_mut().filter(|server| server.extension.is_none()) {
            let stalled = server.replication.advance(now);
            events.extend(stalled.map(|at| notice::stalled(&server.arn, true, at)));
        }
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in &mut jobs {
            while let Some(due) = job.agenda.next_due(now) {
                self.carry_out(job, due, &mut events);
            }
        }
        self.jobs = jobs;
        self.instances.values_mut().for_each(|instance| instance.advance(now));
        self.take_snapshots(now, &mut events);
        events
    }

    fn take_snapshots(&mut self, now: Timestamp, events: &mut Vec<ServiceEvent>) {
        if !self.settings.snapshot_events {
            self.next_snapshots = None;
            return;
        }
        let mut next = self.next_snapshots.unwrap_or_else(|| after(now, 600));
        while next <= now {
            for server in self.servers.values().filter(|s| s.replication.phase == Phase::Continuous) {
                let disks = server.machine.disks.len();
                events.push(notice::snapshot(&server.arn, disks, &mut self.dice, next));
            }
            next = after(next, 600);
        }
        self.next_snapshots = Some(next);
    }
}
