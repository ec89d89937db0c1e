//! The table, the bus and the dead-letter queue, held against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::worker::Worker;
use serde_json::Value;

use super::bodies::{STRANGER, server_id};
use super::draw::{PLACES, SERVERS};
use super::history::{BORN, History, Trouble};
use super::model::Model;
use super::play::QUEUES;
use super::shown::Ail;
use super::{others, people, silence, told, unexpected, wrong};
use crate::company::place;

/// A sweep begins so many seconds at most before it lists the first servers: a call takes a few milliseconds.
const LISTED_WITHIN: i64 = 2;

/// What the model says of a run.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What is not as it must be.
    pub problems: Vec<Problem>,
    /// Events that were published more than once, under the same id each time.
    pub repeated: usize,
    /// Different events that were published.
    pub told: usize,
    /// Kinds of incidents that were told.
    pub kinds: BTreeSet<String>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rows by their kind, as JSON.
pub(super) type Rows = BTreeMap<&'static str, Vec<Value>>;

pub(super) fn check(
    history: &History,
    world: &MemoryIo,
    poison: &BTreeSet<String>,
    left: &[String],
    early: Checked,
) -> Checked {
    let mut checked = early;
    if !left.is_empty() {
        checked.problem(format!("never settled: {}", left.join(", ")));
        return checked;
    }
    let mut rows = Rows::new();
    for item in world.table().into_values() {
        rows.entry(item.kind).or_default().push(item.row().unwrap());
    }
    let model = Model::of(history);
    let swept = places(history, (&model, &rows), world, &mut checked);
    servers(&model, &rows, &swept, &mut checked);
    wrong::check(history, &model, &rows, &swept, &mut checked);
    silence::check(history, &rows, &mut checked);
    set_aside(&model, &rows, &mut checked);
    dead_letters(world, poison, &mut checked);
    let published = told::published(world);
    others::jobs(&model, &rows, &published, &mut checked);
    others::quota_of_jobs(history, &model, &rows, &mut checked);
    others::tags(history, &model, &rows, world, &mut checked);
    if history.whole {
        people::check(history, &rows, (world, &published), &mut checked);
    }
    unexpected::check(history, &rows, (world, &published), &mut checked);
    told::check(
        (history, &model),
        &rows.into_values().flatten().collect::<Vec<_>>(),
        &published,
        &mut checked,
    );
    checked
}

impl Checked {
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(Problem(problem));
    }

    pub(super) fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &str, is: &T, must: &T) {
        if is != must {
            self.problem(format!("{what} is {is:?} and must be {must:?}"));
        }
    }
}

pub(super) fn rows_of<'a>(rows: &'a Rows, kind: &str) -> &'a [Value] {
    rows.get(kind).map_or(&[], Vec::as_slice)
}

/// The rows of a place.
pub(super) fn of_place<'a>(rows: &'a Rows, kind: &str, n: u8) -> impl Iterator<Item = &'a Value> {
    let place = place(n.into());
    let is_there = move |row: &&Value| {
        row["place"]["account"] == place.account.as_str() && row["place"]["region"] == place.region.as_str()
    };
    rows_of(rows, kind).iter().filter(is_there)
}

/// A time in a row, in seconds after the world began.
pub(super) fn second(value: &Value) -> Option<i64> {
    let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(time.as_second() - BORN)
}

/// Answers when each place was last swept.
fn places(
    history: &History,
    (model, rows): (&Model, &Rows),
    world: &MemoryIo,
    checked: &mut Checked,
) -> BTreeMap<u8, Option<i64>> {
    let mut swept = BTreeMap::new();
    for n in 0..PLACES {
        let row = of_place(rows, "place", n).next();
        let at = row.and_then(|row| second(&row["counted"]["swept_at"]));
        swept.insert(n, at);
        let listed = || world.listed_at(&place(n.into())).into_iter().map(|at| at.as_second() - BORN);
        if let Some(at) = at.filter(|at| listed().all(|listed| !(0..=LISTED_WITHIN).contains(&(listed - at))))
        {
            checked
                .problem(format!("account {n} is said to be swept at {at}, when nobody listed its servers"));
        }
        if !history.weather.has(Trouble::RoleRefused) {
            counted(model, n, (row, at), checked);
        }
        let heard = row.and_then(|row| second(&row["heard_at"]));
        let must = model.heard.get(&n).copied();
        let is_within = match (heard, must) {
            (Some(heard), Some((earliest, latest))) => (earliest..=latest).contains(&heard),
            (heard, must) => heard.is_none() && must.is_none(),
        };
        if !is_within {
            checked.problem(format!("account {n} was heard at {heard:?} and must have been within {must:?}"));
        }
    }
    swept
}

/// A place that anybody asked for was swept since, and all that DRS shows was counted.
fn counted(model: &Model, n: u8, (row, at): (Option<&Value>, Option<i64>), checked: &mut Checked) {
    let (wished, shown) = &model.shown[&n];
    if at.is_none() && *wished == 0 {
        return;
    }
    if at.is_none_or(|at| at < *wished) {
        checked.problem(format!("account {n} was last swept at {at:?}, and last asked for at {wished}"));
    }
    let counted = row.and_then(|row| row["counted"]["servers"].as_u64());
    checked.equal(&format!("count of account {n}"), &counted, &Some(shown.len() as u64));
    let counted = row.and_then(|row| row["counted"]["replicating"].as_u64());
    let of = |ail| shown.values().filter(move |shown| shown.ail == Some(ail));
    // Of one without its agent an event with a clock that is ahead may say something else.
    let back =
        of(Ail::Disconnected).filter(|shown| model.state((n, shown.server), at) != Some("DISCONNECTED"));
    let least = shown.len() - of(Ail::Disconnected).count() - of(Ail::ExtensionFails).count();
    let may = least as u64..=(least + back.count()) as u64;
    if counted.is_none_or(|counted| !may.contains(&counted)) {
        checked.problem(format!("replicating servers of account {n} are {counted:?} and must be {may:?}"));
    }
}

fn servers(model: &Model, rows: &Rows, swept: &BTreeMap<u8, Option<i64>>, checked: &mut Checked) {
    for (n, server) in (0..PLACES).flat_map(|n| (0..SERVERS).map(move |server| (n, server))) {
        let id = server_id(server);
        let row = of_place(rows, "server", n).find(|row| row["id"] == id);
        let who = format!("server {server} of account {n}");
        let must = model.state(((n), server), swept[&n]);
        let live = row.filter(|row| row["gone_since"].is_null());
        checked.equal(&who, &live.and_then(|row| row["replication"]["state"].as_str()), &must);
        let open = live.is_some_and(|row| is_open(&row["incidents"]["REPLICATION_STALLED"]));
        checked.equal(&format!("stall of {who}"), &open, &(must == Some("STALLED")));
        let of = |name: &str| row.and_then(|row| second(&row[name]));
        let key = (n, server);
        checked.equal(&format!("snapshot of {who}"), &of("snapshot_at"), &model.snapshots.get(&key).copied());
        let called = of("disconnect_called_at");
        checked.equal(&format!("call for {who}"), &called, &model.disconnects.get(&key).copied());
    }
}

/// Whether an incident in a row is open.
pub(super) fn is_open(incident: &Value) -> bool {
    !incident.is_null() && incident["closed_at"].is_null()
}

fn set_aside(model: &Model, rows: &Rows, checked: &mut Checked) {
    let noted: BTreeSet<(String, String)> = rows_of(rows, "unhandled")
        .iter()
        .map(|row| (row["account"].as_str().unwrap().to_owned(), row["reason"].as_str().unwrap().to_owned()))
        .collect();
    let of = |(n, reason): &(u8, &str)| (place((*n).into()).account.to_string(), (*reason).to_owned());
    let stranger = model.stranger.then(|| (STRANGER.to_owned(), "UNREGISTERED".to_owned()));
    let must: BTreeSet<_> = model.set_aside.iter().map(of).chain(stranger).collect();
    checked.equal("what is set aside", &noted, &must);
}

/// What cannot be read, on the queue where it came, and nothing else on any.
fn dead_letters(world: &MemoryIo, poison: &BTreeSet<String>, checked: &mut Checked) {
    for queue in QUEUES {
        let buried = world.clone().on_queue(queue).dead_letters();
        let buried: BTreeSet<_> = buried.into_iter().map(|buried| buried.message.id).collect();
        let none = BTreeSet::new();
        let must = if queue == CapacityTracker::NAME { poison } else { &none };
        checked.equal(&format!("the dead-letter queue of {queue}"), &buried, must);
    }
}
