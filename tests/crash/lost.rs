//! Events that are lost at the source: of all that a spoke forwards, stalls, API calls, heartbeats and launch results, one
//! in a hundred never comes, and nobody knows which. After one sweep the table equals what the account is, and what is
//! still wrong is told late, never not at all.

mod launches;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::keys;
use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_testkit::work::work;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::capacity::tracker;
use super::ending::told_open;
use super::scene::{Scene, listens_for};
use super::world::{api_call, disconnect, heartbeat, now, place, server, server_id, stalled, wish};

const SEEDS: u64 = 6;
const SERVERS: u8 = 100;
/// What happens to servers; heartbeats come on top.
const EVENTS: usize = 900;

/// What happens by chance, the same with the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn server(&mut self) -> u8 {
        u8::try_from(self.roll(SERVERS.into())).unwrap() + 1
    }
}

/// The account, and what was forwarded of it.
struct Account {
    scene: Scene,
    dice: Dice,
    /// Servers that there are, and their states.
    truth: BTreeMap<u8, &'static str>,
    /// Since when each is as it is, where the event that said so was lost.
    untold: BTreeMap<u8, Timestamp>,
    lost: usize,
}

impl Account {
    async fn new(seed: u64) -> Self {
        let scene = Scene::new().await;
        listens_for(&scene.world, Duration::from_mins(15));
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let truth = (1..=SERVERS).map(|n| (n, "CONTINUOUS")).collect();
        Self { scene, dice, truth, untold: BTreeMap::new(), lost: 0 }
    }

    /// Says whether it arrives.
    fn forwards(&mut self, event: &Value) -> bool {
        let arrives = self.dice.roll(100) != 0;
        if arrives {
            self.scene.put(event);
        }
        self.lost += usize::from(!arrives);
        arrives
    }

    /// A server is in another state from now on, or gone.
    fn becomes(&mut self, n: u8, state: Option<&'static str>, event: &Value) {
        match state {
            Some(state) => drop(self.truth.insert(n, state)),
            None => drop(self.truth.remove(&n)),
        }
        self.scene
            .world
            .set_servers(&place(), self.truth.iter().map(|(n, state)| server(*n, state)).collect());
        let arrives = self.forwards(event);
        self.untold.remove(&n);
        if !arrives {
            self.untold.insert(n, now(&self.scene));
        }
    }

    /// Something happens to a server. Who is disconnected or gone stays so.
    fn happens(&mut self) {
        let (n, time) = (self.dice.server(), now(&self.scene));
        match (self.truth.get(&n).copied(), self.dice.roll(100)) {
            (None | Some("DISCONNECTED" | "STOPPED"), _) => {}
            (_, 0) => self.becomes(n, Some("DISCONNECTED"), &disconnect(n, time)),
            (_, 1) => self.becomes(n, None, &call("DeleteSourceServer", n, time)),
            (_, 2) => self.becomes(n, Some("STOPPED"), &call("StopReplication", n, time)),
            (Some("STALLED"), _) => self.becomes(n, Some("CONTINUOUS"), &stalled(n, "NOT_STALLED", time)),
            (Some(_), _) => self.becomes(n, Some("STALLED"), &stalled(n, "STALLED", time)),
        }
    }

    /// What is wrong in the end, by server. That somebody disconnected a server is known only from the call.
    fn wrong(&self) -> BTreeMap<String, IncidentKind> {
        let of = |(n, state): (&u8, &&str)| {
            let kind = match *state {
                "STALLED" => IncidentKind::ReplicationStalled,
                "DISCONNECTED" if self.untold.contains_key(n) => IncidentKind::ServerDisconnected,
                _ => return None,
            };
            Some((server_id(*n), kind))
        };
        self.truth.iter().filter_map(of).collect()
    }
}

fn call(name: &str, n: u8, time: Timestamp) -> Value {
    let mut call = api_call(name, time, &json!(null));
    call["id"] = format!("{name}/{n}/{time}").into();
    call["detail"]["requestParameters"] = json!({ "sourceServerID": server_id(n) });
    call
}

fn rows<R: Row>(scene: &Scene) -> Vec<R> {
    let table = scene.world.table();
    let rows = table.values().filter(|item| item.kind == R::KIND);
    rows.map(|item| item.row().unwrap()).collect()
}

/// Answers how many conditions that still hold were told by no event.
async fn servers_are_as_the_account_is(seed: u64) -> usize {
    let mut account = Account::new(seed).await;
    let working = tokio::spawn(work(account.scene.process(), tracker()));
    account.scene.world.set_servers(&place(), (1..=SERVERS).map(|n| server(n, "CONTINUOUS")).collect());
    account.scene.keeps_hearing();
    account.scene.put(&wish(&account.scene));
    for n in 0..EVENTS {
        tokio::time::sleep(Duration::from_secs(2)).await;
        if n % 150 == 0 {
            let beat = heartbeat(now(&account.scene));
            account.forwards(&beat);
        }
        account.happens();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    account.scene.put(&wish(&account.scene));
    account.scene.settles(Duration::from_hours(24)).await;
    working.abort();

    let case = format!("seed {seed}, {} events lost", account.lost);
    let wrong = account.wrong();
    for row in rows::<ServerRow>(&account.scene) {
        let n = row.id.as_str().trim_start_matches("s-").parse::<u8>().unwrap();
        let open: Vec<_> = incident::open(&row.incidents).map(|(kind, _)| kind).collect();
        let expected: Vec<_> = wrong.get(row.id.as_str()).copied().into_iter().collect();
        assert_eq!(open, expected, "{n}: {case}");
        match account.truth.get(&n) {
            Some(state) => {
                assert_eq!((row.replication.state.as_str(), row.gone_since), (*state, None), "{n}: {case}");
            }
            None => assert!(row.gone_since.is_some(), "{n}: {case}"),
        }
    }
    told(&account, &wrong, &case)
}

fn told(account: &Account, wrong: &BTreeMap<String, IncidentKind>, case: &str) -> usize {
    let published = account.scene.world.published_events();
    let open: BTreeSet<_> =
        told_open(&published).into_iter().filter(|(_, open)| *open).map(|(key, _)| key).collect();
    let there = place();
    let expected = wrong.iter().map(|(id, kind)| format!("{kind}/{there}/{id}"));
    let expected: BTreeSet<_> = expected.collect();
    assert_eq!(open.symmetric_difference(&expected).collect::<Vec<_>>(), [""; 0], "{case}");
    let row = account.scene.world.stored::<PlaceRow>(&keys::place(&there)).unwrap().unwrap().row;
    assert_eq!(row.counted.unwrap().servers as usize, account.truth.len(), "{case}");

    let late = account.untold.iter().filter(|(n, _)| wrong.contains_key(&server_id(**n)));
    let told_at = |n: u8| {
        let of = |event: &OwnEvent| event.incident().filter(|e| e.subject == server_id(n)).cloned();
        let all = published.iter().filter_map(of).filter(|e| e.happened != Happened::Resolved);
        all.map(|event| event.at).max().unwrap()
    };
    late.filter(|(n, since)| told_at(**n) > **since).count()
}

#[tokio::test(start_paused = true)]
async fn lost_stalls_calls_and_heartbeats_leave_no_trace_after_a_sweep_and_what_is_wrong_is_told_late() {
    let mut late = 0;
    for seed in 1..=SEEDS {
        late += servers_are_as_the_account_is(seed).await;
    }
    assert!(late > 0, "or the test shows nothing");
}
