//! A history is played until nothing is left to do.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::{Policy, PolicyRow, Thresholds};
use drs_fleet_domain::seen::ServerSeen;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::check::{Checked, check};
use super::draw::PLACES;
use super::history::{BORN, Event, History, Tells, What};
use super::house::House;
use super::model::AHEAD;
use crate::company::{place, register};
use crate::wire;

/// The trackers' queue.
const CAPACITY: &str = "capacity-tracker";

/// As `infra/hub.yaml` sets it.
const RECEIVES: u32 = 10;

/// The table is away in the middle of a history, and the bus a little earlier.
const OUTAGE: Duration = Duration::from_mins(10);
const BUS_OUTAGE: Duration = Duration::from_mins(3);

/// What time alone changes, it changes after this.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// No history needs longer, whatever goes wrong in it.
const LONGEST: Duration = Duration::from_hours(6);

/// After this long what flapped is over, and what is due for it.
const QUIET: Duration = Duration::from_mins(11);

/// What became of a history.
#[derive(Clone, Debug)]
pub struct Played {
    /// The same for the same history, if the workers are deterministic.
    pub trace: u64,
    /// Processes that died.
    pub deaths: usize,
    /// Messages that were put on queues.
    pub messages: usize,
    /// What the model says.
    pub checked: Checked,
}

/// Plays a history in a runtime of its own, in this thread.
pub fn play(history: &History) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(played(history))
}

async fn played(history: &History) -> Played {
    let world = MemoryIo::new(Timestamp::from_second(BORN).unwrap()).on_queue(CAPACITY);
    world.redrive_after(RECEIVES);
    furnish(&world, history);
    let house = House::new(world.clone());
    house.opens(history);
    let breaking = tokio::spawn(breaks(house.clone(), history.clone()));
    let poison = feed(&world, history).await;
    breaking.await.unwrap();
    let settled = settles(&house, history).await;
    let checked = check(history, &world, &poison, settled);
    let messages = history.steps.len();
    Played { trace: world.trace(), deaths: house.deaths(), messages, checked }
}

/// Registers the accounts.
fn furnish(world: &MemoryIo, history: &History) {
    for n in 0..PLACES {
        let place = place(n.into());
        register(world, &place);
        world.set_servers(&place, Vec::new());
        world.set_page_size(&place, Some(3));
        if history.weather.refused {
            let refusal = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "not authorized");
            world.set_spoke_failure(&place, Some(refusal));
        }
    }
    let never = Some(NEVER.into());
    let fleet = Thresholds {
        silent_after: never,
        unswept_after: never,
        stalled_critical_after: never,
        initial_sync_stuck_after: never,
        ..Thresholds::default()
    };
    world.set_row(&PolicyRow { policy: Policy { fleet, ..Policy::default() }, ..PolicyRow::default() });
}

/// What the weather takes away for a while.
async fn breaks(house: House, history: History) {
    let length: Duration = history.steps.iter().map(|step| step.pause).sum();
    for (is, neighbour, after, time) in [
        (history.weather.bus_outage, Neighbour::Bus, length / 4, BUS_OUTAGE),
        (history.weather.outage, Neighbour::Table, length / 3, OUTAGE),
    ] {
        if is {
            tokio::time::sleep(after).await;
            house.breaks(neighbour, true);
            tokio::time::sleep(time).await;
            house.breaks(neighbour, false);
        }
    }
}

/// Lets everything happen; answers the ids of the messages that cannot be read.
async fn feed(world: &MemoryIo, history: &History) -> Vec<String> {
    let mut poison = Vec::new();
    for step in &history.steps {
        tokio::time::sleep(step.pause).await;
        match &step.what {
            What::Comes(event) => {
                let id = world.put_message(body(event));
                poison.extend(matches!(event.tells, Tells::Poison(_)).then_some(id));
            }
            What::Shows { place: n, servers } => {
                let place = place((*n).into());
                world.set_servers(&place, servers.iter().map(|(n, stalled)| seen(&place, *n, *stalled)).collect());
                let now = Timestamp::from_second(world.now().as_second()).unwrap();
                let wish = ("drs-fleet.schedule", "Sweep Place");
                world.put_message(wire::event("wish", &place, wish, now, &json!({})).to_string());
            }
        }
    }
    poison
}

/// Waits until the queue is empty and nothing is due. Timers that are far away ring for new processes.
async fn settles(house: &House, history: &History) -> bool {
    let began = house.world.now();
    let mut quiet = 0;
    while quiet < 2 {
        if house.world.now().duration_since(began) > LONGEST.try_into().unwrap() {
            return false;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        if !is_settled(&house.world) {
            continue;
        }
        quiet += 1;
        house.closes();
        tokio::time::sleep(QUIET).await;
        house.opens(&History { seed: history.seed.wrapping_add(quiet), ..calm() });
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    house.closes();
    true
}

fn calm() -> History {
    History { seed: 0, weather: super::Weather::default(), steps: Vec::new() }
}

fn is_settled(world: &MemoryIo) -> bool {
    let soon = world.now() + Duration::from_secs(60);
    let is_done = |item: &drs_fleet_aws::memory::Item| {
        let is_for_ever = item.kind == "place" && item.outbox.is_empty();
        is_for_ever || (item.outbox.is_empty() && item.due.is_none_or(|due| due > soon))
    };
    world.queued() == 0 && world.table().values().all(is_done)
}

fn seen(place: &Place, n: u8, stalled: bool) -> ServerSeen {
    let state = if stalled { "STALLED" } else { "CONTINUOUS" };
    ServerSeen {
        hostname: Some(format!("erp-{n}")),
        state: Some(state.to_owned()),
        ..ServerSeen::new(server_id(n).parse().unwrap(), arn(place, n))
    }
}

/// Id of server `n` of any place.
pub fn server_id(n: u8) -> String {
    format!("s-{n:017}")
}

fn arn(place: &Place, n: u8) -> String {
    format!("arn:aws:drs:{}:{}:source-server/{}", place.region, place.account, server_id(n))
}

fn body(event: &Event) -> String {
    let place = match event.tells {
        Tells::Stranger => Place { account: "444455556666".parse().unwrap(), ..place(0) },
        _ => place(event.place.into()),
    };
    let at = |second: i64| Timestamp::from_second(BORN + second).unwrap();
    let stall = |server: u8, stalled: bool, time: Timestamp| {
        let state = if stalled { "STALLED" } else { "NOT_STALLED" };
        let kind = "DRS Source Server Data Replication Stalled Change";
        about(event, &place, (server, kind), time, &json!({ "state": state }))
    };
    let time = at(event.at);
    let told = match event.tells {
        Tells::Stalled(server, is) => stall(server, is, time),
        Tells::Ahead(server) => stall(server, true, at(event.at + AHEAD)),
        Tells::Stranger => stall(0, true, time),
        Tells::Snapshot(server) => {
            let detail = json!({ "DrsSnapshotID": "112233", "EbsSnapshotIDs": "445566" });
            about(event, &place, (server, "DRS PIT Snapshot Taken"), time, &detail)
        }
        Tells::Disconnect(server) => {
            let parameters = json!({ "sourceServerID": server_id(server) });
            let detail = json!({
                "eventName": "DisconnectSourceServer", "requestParameters": parameters, "responseElements": null,
            });
            let kind = ("aws.drs", "AWS API Call via CloudTrail");
            wire::event(&event.number.to_string(), &place, kind, time, &detail)
        }
        Tells::Heartbeat => {
            let kind = ("drs-fleet.spoke", "Spoke Heartbeat");
            wire::event(&event.number.to_string(), &place, kind, time, &json!({}))
        }
        Tells::Novelty => {
            wire::event(&event.number.to_string(), &place, ("aws.drs", "Added Later"), time, &json!({}))
        }
        Tells::Poison(way) => return poisoned(way, &stall(0, true, time)),
    };
    told.to_string()
}

fn about(event: &Event, place: &Place, (server, kind): (u8, &str), time: Timestamp, detail: &Value) -> Value {
    let mut told = wire::event(&event.number.to_string(), place, ("aws.drs", kind), time, detail);
    told["resources"] = json!([arn(place, server)]);
    told
}

/// A message that nobody can read.
fn poisoned(way: u8, good: &Value) -> String {
    let mut bad = good.clone();
    match way {
        0 => return good.to_string()[..good.to_string().len() / 2].to_owned(),
        1 => return "not JSON".to_owned(),
        2 => bad["time"] = json!("yesterday"),
        3 => bad["account"] = json!(17),
        _ => bad["resources"] = json!("none"),
    }
    bad.to_string()
}
