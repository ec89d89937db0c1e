//! What is counted equals a naive recount of the truth, whatever came before: events late, twice or lost, sweeps that
//! ended early, servers that came and went. One complete sweep restores the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::seen::{ServerSeen, Staging};
use drs_fleet_domain::server::ServerRow;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-west-2";
const ELSEWHERE: &str = "444455556666";

/// States that DRS has, one that it may add, and none.
const STATES: [&str; 7] =
    ["CONTINUOUS", "INITIAL_SYNC", "STALLED", "DISCONNECTED", "STOPPED", "ADDED_LATER", ""];
/// Where servers replicate: status and account of the staging area.
const STAGINGS: [(&str, &str); 6] = [
    ("", ""),
    ("NOT_EXTENDED", ""),
    ("EXTENDED", ELSEWHERE),
    ("EXTENSION_ERROR", ELSEWHERE),
    ("ADDED_LATER", ELSEWHERE),
    ("EXTENDED", ACCOUNT),
];

/// What happens in the account, or to us.
#[derive(Clone, Debug)]
enum Step {
    /// A server is there and is like that from now on.
    Is { server: u8, state: usize, staging: usize },
    /// A server is removed.
    Removed { server: u8 },
    /// A stall begins or ends, and DRS sends an event.
    Stalls { server: u8, stalled: bool },
    /// One of the events that DRS sent arrives: late, in any order, perhaps again.
    Arrives { event: usize },
    /// A complete sweep.
    Swept,
    /// A sweep that fails from this server on.
    Partly { from: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let server = || 0_u8..12;
    prop_oneof![
        4 => (server(), 0..STATES.len(), 0..STAGINGS.len())
            .prop_map(|(server, state, staging)| Step::Is { server, state, staging }),
        1 => server().prop_map(|server| Step::Removed { server }),
        3 => (server(), any::<bool>()).prop_map(|(server, stalled)| Step::Stalls { server, stalled }),
        3 => (0_usize..20).prop_map(|event| Step::Arrives { event }),
        2 => Just(Step::Swept),
        1 => (1_usize..4).prop_map(|page| Step::Partly { from: 3 * page }),
    ]
}

/// The account as it is, and the tracker that looks at it.
struct Fleet {
    io: MemoryIo,
    tracker: CapacityTracker,
    truth: BTreeMap<u8, ServerSeen>,
    sent: Vec<Value>,
    messages: u32,
}

fn place() -> Place {
    Place { account: ACCOUNT.parse().unwrap(), region: REGION.parse().unwrap() }
}

fn id(server: u8) -> String {
    format!("s-{server:017}")
}

impl Fleet {
    fn new() -> Self {
        let io = MemoryIo::default();
        io.set_row(&AccountRow {
            id: ACCOUNT.parse().unwrap(),
            name: "erp-prod".to_owned(),
            alias: None,
            role_arn: format!("arn:aws:iam::{ACCOUNT}:role/drs-fleet"),
            external_id_secret: "drs-fleet/external-id".to_owned(),
            regions: vec![AccountRegion { region: REGION.parse().unwrap(), drs: true, source: false }],
            status: AccountStatus::Active,
            last_validated: None,
            last_error: None,
            target: None,
            ou: None,
            tags: BTreeMap::new(),
        });
        io.set_page_size(&place(), Some(3));
        let tracker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
        Self { io, tracker, truth: BTreeMap::new(), sent: Vec::new(), messages: 0 }
    }

    async fn take(&mut self, step: &Step) {
        // What happens, happens within seconds of its own: which of two is newer within one second is another claim.
        tokio::time::advance(Duration::from_secs(2)).await;
        match step {
            Step::Is { server, state, staging } => self.is(*server, STATES[*state], STAGINGS[*staging]),
            Step::Removed { server } => drop(self.truth.remove(server)),
            Step::Stalls { server, stalled } => {
                if let Some(seen) = self.truth.get_mut(server) {
                    seen.state = Some(if *stalled { "STALLED" } else { "CONTINUOUS" }.to_owned());
                    self.sent.push(stalled_change(*server, *stalled, self.io.now()));
                }
            }
            Step::Arrives { event } => {
                if let Some(event) = self.sent.get(*event).cloned() {
                    self.handle(&event).await.unwrap();
                }
            }
            Step::Swept => self.sweep().await.unwrap(),
            Step::Partly { from } => {
                let throttled =
                    IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Throttled, "slower");
                self.io.set_page_failure(&place(), Some((*from, throttled)));
                let ended = self.sweep().await;
                assert_eq!(ended.is_err(), self.truth.len() > *from, "the page is read if there is one");
                self.io.set_page_failure(&place(), None);
                // Its claim is held for its own next attempt; another request takes over when that never comes.
                tokio::time::advance(Duration::from_mins(3)).await;
            }
        }
    }

    fn is(&mut self, server: u8, state: &str, (status, account): (&str, &str)) {
        let arn = format!("arn:aws:drs:{REGION}:{ACCOUNT}:source-server/{}", id(server));
        let staging = Staging {
            status: Some(status.to_owned()).filter(|s| !s.is_empty()),
            account: account.parse().ok(),
            ..Staging::default()
        };
        let state = Some(state.to_owned()).filter(|s| !s.is_empty());
        let seen = ServerSeen { state, staging, ..ServerSeen::new(id(server).parse().unwrap(), arn) };
        self.truth.insert(server, seen);
    }

    async fn sweep(&mut self) -> Result<(), IoError> {
        self.io.set_servers(&place(), self.truth.values().cloned().collect());
        let now = self.io.now();
        self.handle(&event("drs-fleet.schedule", "Sweep Place", now, &[], &json!({}))).await
    }

    async fn handle(&mut self, body: &Value) -> Result<(), IoError> {
        self.messages += 1;
        let message = Message {
            id: format!("m-{}", self.messages),
            receipt: String::new(),
            body: body.to_string(),
            receive_count: 1,
            sent_at: self.io.now(),
        };
        let sorted = self.tracker.sort(&message).unwrap();
        self.tracker.handle(&self.io, vec![sorted.work]).await
    }

    fn row(&self) -> PlaceRow {
        self.io.stored::<PlaceRow>(&keys::place(&place())).unwrap().unwrap().row
    }

    fn assert_true(&self) {
        let row = self.row();
        let counted = row.counted.unwrap();
        let told = (counted.replicating, counted.extended, counted.servers, counted.by_state);
        assert_eq!(told, naive(self.truth.values()), "{:#?}", self.truth);
        assert_eq!(row.partial, None);
        for (server, seen) in &self.truth {
            let key = keys::server(&place(), &id(*server).parse().unwrap());
            let row = self.io.stored::<ServerRow>(&key).unwrap().unwrap().row;
            assert_eq!(row.replication.state, seen.state.as_deref().unwrap_or("UNKNOWN"));
            assert_eq!(row.gone_since, None);
        }
        let gone = |row: &ServerRow| row.gone_since.is_some();
        let stored = self.stored();
        assert_eq!(stored.iter().filter(|row| !gone(row)).count(), self.truth.len());
        assert!(
            stored.iter().filter(|row| gone(row)).all(|row| incident::open(&row.incidents).next().is_none())
        );
    }

    fn stored(&self) -> Vec<ServerRow> {
        let table = self.io.table();
        let rows = table.values().filter(|item| item.kind == "server");
        rows.map(|item| item.row().unwrap()).collect()
    }
}

fn event(source: &str, kind: &str, time: Timestamp, resources: &[String], detail: &Value) -> Value {
    let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "version": "0", "id": format!("{kind}/{time}"), "source": source, "detail-type": kind,
        "account": ACCOUNT, "region": REGION, "time": time, "resources": resources, "detail": detail,
    })
}

fn stalled_change(server: u8, stalled: bool, time: Timestamp) -> Value {
    let arn = format!("arn:aws:drs:{REGION}:{ACCOUNT}:source-server/{}", id(server));
    let state = if stalled { "STALLED" } else { "NOT_STALLED" };
    let kind = "DRS Source Server Data Replication Stalled Change";
    event("aws.drs", kind, time, &[arn], &json!({ "state": state }))
}

/// Replicating, extended, all, and by state, as the facts about the 300 say it, and in no other way.
fn naive<'a>(servers: impl Iterator<Item = &'a ServerSeen>) -> (u32, u32, u32, BTreeMap<String, u32>) {
    let (mut replicating, mut extended, mut all, mut by_state) = (0, 0, 0, BTreeMap::new());
    for server in servers {
        let state = server.state.as_deref().unwrap_or("UNKNOWN");
        let here = server.staging.status.as_deref().is_none_or(|status| status == "NOT_EXTENDED");
        let from_itself = !here && server.staging.account.as_ref().is_some_and(|a| a.as_str() == ACCOUNT);
        all += 1;
        if here && state != "STOPPED" && state != "DISCONNECTED" {
            replicating += 1;
        }
        if !here && !from_itself {
            extended += 1;
        }
        let shown =
            if from_itself { format!("{state}, extended from its own account") } else { state.to_owned() };
        *by_state.entry(shown).or_insert(0) += 1;
    }
    (replicating, extended, all, by_state)
}

/// Runs on a clock that waits for nobody.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_complete_sweep_counts_what_there_is_whatever_came_before(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run(async {
            let mut fleet = Fleet::new();
            for step in &steps {
                fleet.take(step).await;
            }
            fleet.take(&Step::Swept).await;
            fleet.assert_true();
        });
    }
}

/// Of 1,000 events of a full account one in a hundred is lost, and nobody knows which.
#[test]
fn one_sweep_restores_what_lost_events_would_have_told() {
    run(async {
        let mut fleet = Fleet::new();
        for server in 0..=249 {
            fleet.is(server, "CONTINUOUS", ("", ""));
        }
        fleet.take(&Step::Swept).await;
        let mut lost = 0;
        for n in 0..1000_usize {
            let server = u8::try_from(n * 7 % 250).unwrap();
            let stalled = n * 7 / 250 % 2 == 0;
            let arrives = n % 100 != 37;
            fleet.take(&Step::Stalls { server, stalled }).await;
            if arrives {
                fleet.take(&Step::Arrives { event: fleet.sent.len() - 1 }).await;
            }
            lost += u32::from(!arrives);
        }
        let wrong = |fleet: &Fleet| {
            let open = |row: &ServerRow| incident::open(&row.incidents).next().is_some();
            let is_wrong = |row: &&ServerRow| {
                let server = row.id.as_str().trim_start_matches("s-").parse::<u8>().unwrap();
                open(row) != (fleet.truth[&server].state.as_deref() == Some("STALLED"))
            };
            fleet.stored().iter().filter(is_wrong).count()
        };
        assert_eq!(lost, 10);
        assert!(wrong(&fleet) > 0, "or the test shows nothing");
        fleet.take(&Step::Swept).await;
        fleet.assert_true();
        assert_eq!(wrong(&fleet), 0);
    });
}
