//! A company in memory: accounts, each registered for one Region, and the schedule that asks for their sweeps.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_domain::ids::{JobId, SourceServerId};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{Label, Matchers, WindowRow};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::seen::{JobSeen, JobServerSeen, ServerSeen};
use jiff::Timestamp;
use serde_json::json;

use crate::wire;

/// The place of account `n`.
pub fn place(n: u64) -> Place {
    Place {
        account: format!("{:012}", 111_100_000_000 + n).parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
    }
}

/// Registers an account for its place.
pub fn register(io: &MemoryIo, place: &Place) {
    register_in(io, place, vec![AccountRegion { region: place.region.clone(), drs: true, source: false }]);
}

/// Registers an account for several Regions.
pub fn register_in(io: &MemoryIo, place: &Place, regions: Vec<AccountRegion>) {
    io.set_row(&AccountRow {
        id: place.account.clone(),
        name: place.account.to_string(),
        alias: None,
        role_arn: format!("arn:aws:iam::{}:role/drs-fleet", place.account),
        external_id_secret: "drs-fleet/external-id".to_owned(),
        regions,
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
    });
}

/// A window for a drill in that account, for eight hours.
pub fn window(place: &Place, from: Timestamp) -> WindowRow {
    WindowRow {
        id: "w".into(),
        name: "autumn".into(),
        matchers: Matchers::of([(Label::Account, place.account.to_string())]),
        from,
        until: from + Duration::from_hours(8),
        author: "kim".into(),
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    }
}

/// The schedule ticks.
pub fn tick(io: &MemoryIo) {
    io.put_message(
        json!({
            "version": "0", "id": "tick", "source": "drs-fleet.schedule", "detail-type": "Sweep Tick",
            "account": "999999999999", "region": "us-west-2", "resources": [], "detail": {},
            "time": io.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
        .to_string(),
    );
}

/// The spoke of a place is heard.
pub fn heartbeat(io: &MemoryIo, place: &Place) {
    let now = Timestamp::from_second(io.now().as_second()).unwrap();
    let kind = ("drs-fleet.spoke", "Spoke Heartbeat");
    io.put_message(wire::event(&format!("{place} beats {now}"), place, kind, now, &json!({})).to_string());
}

/// CloudTrail's event of the call that began a job.
pub fn begun(place: &Place, job: &JobSeen) -> serde_json::Value {
    let at = Timestamp::from_second(job.created.unwrap().as_second()).unwrap();
    let servers: Vec<_> =
        job.servers.iter().map(|server| json!({ "sourceServerID": server.server })).collect();
    let call = json!({
        "eventName": "StartRecovery", "eventSource": "drs.amazonaws.com",
        "requestParameters": { "isDrill": true, "sourceServers": servers },
        "responseElements": { "job": { "jobID": job.id } }, "userIdentity": { "arn": "arn:aws:iam::1:user/kim" },
    });
    let kind = ("aws.drs", "AWS API Call via CloudTrail");
    wire::event(&format!("call {}", job.id), place, kind, at, &call)
}

/// DRS's event of a server that stalls, or does not any more.
pub fn stalled(place: &Place, server: &SourceServerId, stalls: bool, at: Timestamp) -> serde_json::Value {
    let at = Timestamp::from_second(at.as_second()).unwrap();
    let kind = ("aws.drs", "DRS Source Server Data Replication Stalled Change");
    let state = if stalls { "STALLED" } else { "NOT_STALLED" };
    let mut event =
        wire::event(&format!("{place} {server} {state} {at}"), place, kind, at, &json!({ "state": state }));
    event["resources"] = json!([arn(place, server)]);
    event
}

/// A server that replicates, or stalls, as DRS lists it.
pub fn seen(place: &Place, id: &SourceServerId, stalls: bool) -> ServerSeen {
    ServerSeen {
        state: Some(if stalls { "STALLED" } else { "CONTINUOUS" }.to_owned()),
        error: stalls.then(|| "NOT_CONVERGING".to_owned()),
        ..ServerSeen::new(id.clone(), arn(place, id))
    }
}

fn arn(place: &Place, server: &SourceServerId) -> String {
    format!("arn:aws:drs:{}:{}:source-server/{server}", place.region, place.account)
}

/// Accounts whose servers replicate, or stall: DRS shows it, and sends an event for each that turns.
pub struct Fleet {
    places: Vec<Place>,
    /// Whether each server stalls; the `n`th is in account `n` modulo their number.
    stalls: Vec<bool>,
}

impl Fleet {
    /// So many servers in so many accounts, all replicating; the accounts are registered.
    pub fn new(world: &MemoryIo, accounts: usize, servers: usize) -> Self {
        let places: Vec<Place> = (0..accounts).map(|n| place(n as u64)).collect();
        for place in &places {
            register(world, place);
        }
        let fleet = Self { places, stalls: vec![false; servers] };
        fleet.show(world);
        fleet
    }

    /// Servers stall, or recover.
    pub fn turn(&mut self, queue: &MemoryIo, servers: Range<usize>) {
        self.stalls[servers.clone()].iter_mut().for_each(|stalls| *stalls ^= true);
        self.show(queue);
        for n in servers {
            let (place, id) = self.server(n);
            queue.put_message(stalled(place, &id, self.stalls[n], queue.now()).to_string());
        }
    }

    /// What they are called.
    pub fn ids(&self) -> BTreeSet<String> {
        (0..self.stalls.len()).map(|n| self.server(n).1.to_string()).collect()
    }

    fn show(&self, world: &MemoryIo) {
        for (account, place) in self.places.iter().enumerate() {
            let servers = (account..self.stalls.len()).step_by(self.places.len());
            let shown = servers.map(|n| seen(place, &self.server(n).1, self.stalls[n]));
            world.set_servers(place, shown.collect());
        }
    }

    fn server(&self, n: usize) -> (&Place, SourceServerId) {
        let account = n % self.places.len();
        (&self.places[account], server(account, n / self.places.len()))
    }
}

/// Job `n` of a place as DRS lists it: a drill that began at `created`, with so many servers in one status.
pub fn drill(n: u32, created: Timestamp, servers: u32, status: (&str, &str)) -> JobSeen {
    let (job, launch) = status;
    let server = |k: u32| JobServerSeen {
        server: server(n, k),
        launch_status: Some(launch.to_owned()),
        recovery_instance: None,
    };
    let id: JobId = format!("drsjob-{n:017}").parse().unwrap();
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(created),
        servers: (0..servers).map(server).collect(),
        ..JobSeen::new(id, job)
    }
}

/// Server `k` of a job or an account.
fn server(of: impl Display, k: impl Display) -> SourceServerId {
    format!("s-{of:0>8}{k:0>9}").parse().unwrap()
}

/// The job when it is over, with all its servers launched.
pub fn ended(job: &JobSeen, at: Timestamp) -> JobSeen {
    let mut ended = JobSeen { status: "COMPLETED".to_owned(), ended: Some(at), ..job.clone() };
    ended.servers.iter_mut().for_each(|server| server.launch_status = Some("LAUNCHED".to_owned()));
    ended
}
