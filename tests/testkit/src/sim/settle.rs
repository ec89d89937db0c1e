//! The end of a history: until nothing is left to do.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::{Item, MemoryIo};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::Place;
use job_monitor::JobMonitor;
use serde_json::Value;
use tag_sync::TagSync;

use super::bodies::{SOURCE_REGION, body, machine};
use super::check::Checked;
use super::draw::{PLACES, SPEAKER};
use super::history::{BORN, Event, History, Tells, Trouble, Weather};
use super::house::House;
use super::model::Model;
use super::others;
use super::play::{QUEUES, tick, wish};
use super::silence;
use crate::company::place;

/// No history needs longer, whatever goes wrong in it.
const LONGEST: Duration = Duration::from_hours(2);

/// After this long what flapped is over, and what is due for it.
const QUIET: Duration = Duration::from_mins(11);

/// That somebody listens for a place, that there may be jobs, that something is open, that a machine has no server, and what
/// is wrong with a recovery instance is looked at for ever.
const FOR_EVER: [&str; 5] = ["place", "job-sweep", "group", "instance-tags", "recovery-instance"];

/// In minutes: by then all others are silent.
const SILENT_WITHIN: u32 = 90;

/// A group is told of what is new within this time.
const TURN: Duration = Duration::from_mins(6);

/// So often that passes: what flapped is over then, also where only the sweep of the tags ended it, people are told of that,
/// and nothing follows from it.
const ROUNDS: u32 = 4;

/// Waits until the queues are empty and nothing is due. Timers that are far away ring for new processes.
/// Answers what is left when that takes too long, and what is not as it must be before a sweep brings it in line.
pub(super) async fn settles(house: &House, history: &History) -> (Vec<String>, Checked) {
    let began = house.world.now();
    let (mut quiet, mut waits, mut early) = (0, 0, Checked::default());
    while quiet < ROUNDS {
        if house.world.now().duration_since(began) > LONGEST.try_into().unwrap() {
            return (left(&house.world), early);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        if !left(&house.world).is_empty() {
            waits += 1;
            if waits % 30 == 0 {
                somebody_speaks(&house.world);
            }
            continue;
        }
        let all_is_sent = !is_to_be_sent(&house.world);
        quiet += u32::from(all_is_sent);
        house.closes();
        tokio::time::sleep(QUIET).await;
        house.opens(&calm(history));
        // A sweep that nobody could make for ten minutes is left to the next tick of the schedule.
        if history.whole && all_is_sent && quiet == 1 && history.weather.has(Trouble::TableAway) {
            let monitors = house.world.clone().on_queue(JobMonitor::NAME);
            (0..PLACES).for_each(|n| drop(wish(&monitors, &place(n.into()))));
        }
        // What had to be tried again was, in the round before.
        if history.whole && all_is_sent && quiet == 2 {
            let model = Model::of(history);
            others::tags_told(history, &model, &house.world, &mut early);
            sweep_tags(&model, &house.world);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    people_read_all(house).await;
    house.closes();
    if history.weather.has(Trouble::Silence) {
        grows_silent(house, history).await;
    }
    (Vec::new(), early)
}

/// What was told in the last round waits for its group's turn.
async fn people_read_all(house: &House) {
    for _ in 0..TURN.as_secs() / 10 {
        if !house.world.look(|items| items.values().any(is_unread)) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

/// Whether people do not know yet how an incident stands. What fails in a drill they are not told.
fn is_unread(item: &Item) -> bool {
    let is_unread = |row: Value| {
        let is_open = row["event"]["happened"] != "RESOLVED";
        let is_told = row["told"]["now"]["open"] == true;
        row["event"]["drill"] != true && is_open != is_told
    };
    item.kind == "group-member" && is_unread(item.row().unwrap())
}

/// Nobody speaks any more but one, until that is told of all others. Clocks that ran ahead have spoken for an hour to come.
async fn grows_silent(house: &House, history: &History) {
    house.opens(&calm(history));
    tick(&house.world);
    for _ in 0..SILENT_WITHIN {
        somebody_speaks(&house.world);
        tokio::time::sleep(Duration::from_mins(1)).await;
        if silence::is_told(&house.world) {
            break;
        }
    }
    house.closes();
}

/// Nothing more happens or goes wrong.
fn calm(history: &History) -> History {
    History { steps: Vec::new(), outages: Vec::new(), weather: Weather::default(), ..*history }
}

/// What time alone changes is judged only by who hears.
fn somebody_speaks(world: &MemoryIo) {
    let heartbeat =
        Event { number: 0, place: SPEAKER, at: world.now().as_second() - BORN, tells: Tells::Heartbeat };
    world.put_message(body(&heartbeat));
}

/// The schedule asks for the tags of all machines. A change that came while no server was there is brought in line so.
fn sweep_tags(model: &Model, world: &MemoryIo) {
    for n in 0..PLACES {
        let there = Place { region: SOURCE_REGION.parse().unwrap(), ..place(n.into()) };
        let of_place = model.tags.iter().filter(|((place, _), _)| *place == n);
        world.set_tagged(
            &there,
            of_place.map(|((_, server), version)| machine(n, *server, *version)).collect(),
        );
        wish(&world.clone().on_queue(TagSync::NAME), &place(n.into()));
    }
}

/// Whether it is looked at as long as it is as it is.
fn is_for_ever(item: &Item) -> bool {
    let is_written_down = |row: Value| row["settled"] == true || row["status"] != "COMPLETED";
    FOR_EVER.contains(&item.kind) || (item.kind == "job" && is_written_down(item.row().unwrap()))
}

/// Whether a message is tried again later.
fn is_to_be_sent(world: &MemoryIo) -> bool {
    let sent_at = |item: &Item| item.row::<Value>().unwrap()["sent_at"].take();
    let is_unsent = |item: &Item| item.kind == "delivery" && item.due.is_some() && sent_at(item).is_null();
    world.look(|items| items.values().any(is_unsent))
}

/// Queues that are not empty, and items about which something is to be done soon.
fn left(world: &MemoryIo) -> Vec<String> {
    let soon = world.now() + Duration::from_mins(1);
    let is_to_be_done = |item: &Item| {
        !item.outbox.is_empty() || (!is_for_ever(item) && item.due.is_some_and(|due| due <= soon))
    };
    let queues = QUEUES.iter().map(|queue| (queue, world.clone().on_queue(queue).queued()));
    let queues =
        queues.filter(|(_, queued)| *queued > 0).map(|(queue, queued)| format!("{queued} in {queue}"));
    let items = world.look(|items| {
        let unfinished = items.iter().filter(|(_, item)| is_to_be_done(item));
        unfinished
            .map(|(key, item)| format!("{} {} due at {:?}", key.pk, key.sk, item.due))
            .collect::<Vec<_>>()
    });
    queues.chain(items).collect()
}
