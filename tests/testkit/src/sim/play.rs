//! A history is played until nothing is left to do.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::{Policy, PolicyRow, Thresholds};
use drs_fleet_domain::registry::AccountRegion;
use drs_fleet_domain::seen::QuotaSeen;
use futures::future::join_all;
use jiff::Timestamp;
use job_monitor::JobMonitor;
use notifier::Notifier;
use serde_json::json;
use tag_sync::TagSync;

use super::bodies::{SOURCE_REGION, body, job, launched, seen};
use super::check::{Checked, check};
use super::draw::{PLACES, SERVERS, SPEAKER};
use super::history::{ASKED_AFTER, BORN, Event, History, Job, Tells, Trouble, What};
use super::house::House;
use super::outage::{Fed, Says, breaks};
use super::settle::settles;
use super::shown::Shown;
use super::wrong::SMALL;
use crate::company::{place, register, register_in};
use crate::wire;

/// All workers' queues.
pub(super) const QUEUES: [&str; 4] = [CapacityTracker::NAME, JobMonitor::NAME, TagSync::NAME, Notifier::NAME];

/// As `infra/hub.yaml` sets it.
const RECEIVES: u32 = 10;

/// What time alone changes, it changes after this.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// Quotas of replicating servers, of all servers and of jobs at a time, as Service Quotas calls them.
const REPLICATING: &str = "L-C1D14A2B";
const TOTAL: &str = "L-E28BE5E0";
const JOBS: &str = "L-D88FAC3A";

/// So long nothing is heard of a spoke that is silent.
const SILENT_AFTER: Duration = Duration::from_mins(12);

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
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(played(history))
}

async fn played(history: &History) -> Played {
    let world = MemoryIo::new(Timestamp::from_second(BORN).unwrap()).on_queue(CapacityTracker::NAME);
    for queue in QUEUES {
        world.clone().on_queue(queue).redrive_after(RECEIVES);
    }
    if history.whole {
        world.deliver(wire::to_people);
    }
    furnish(&world, history);
    if history.weather.has(Trouble::ReadsLag) {
        world.lag_reads(history.seed);
    }
    if history.weather.has(Trouble::MailDeaf) {
        world.deafen(Some(|notice| matches!(notice, Notice::Topic { .. })));
    }
    let house = House::new(world.clone());
    house.opens(history);
    let fed = Fed::default();
    let breaking = join_all(history.outages().map(|outage| breaks(&house, outage, &fed)));
    let ((), broken) = tokio::join!(feed(&world, history, &fed), breaking);
    world.deafen(None);
    let (left, mut early) = settles(&house, history).await;
    early.problems.extend(broken.into_iter().flat_map(|checked| checked.problems));
    let checked = check(history, &world, &fed.poison(), &left, early);
    let messages = history.steps.len();
    Played { trace: world.trace(), deaths: house.deaths(), messages, checked }
}

/// Registers the accounts.
fn furnish(world: &MemoryIo, history: &History) {
    for n in 0..PLACES {
        let place = place(n.into());
        let region = |name: &str, drs| AccountRegion { region: name.parse().unwrap(), drs, source: !drs };
        register_in(world, &place, vec![region(place.region.as_str(), true), region(SOURCE_REGION, false)]);
        world.set_servers(&place, (0..SERVERS).map(|n| seen(&place, Shown::well(n))).collect());
        world.set_page_size(&place, Some(3));
        if history.weather.has(Trouble::RoleRefused) {
            let refusal = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "not authorized");
            world.set_spoke_failure(&place, Some(refusal));
        }
    }
    let speaker = place(SPEAKER.into());
    register(world, &speaker);
    furnish_small(world, history);
    let never = Some(NEVER.into());
    let is_silent = history.weather.has(Trouble::Silence);
    let fleet = Thresholds {
        silent_after: if is_silent { Some(SILENT_AFTER.into()) } else { never },
        sweep_every: never.filter(|_| is_silent),
        unswept_after: never,
        stalled_critical_after: never,
        initial_sync_stuck_after: never,
        job_stuck_after: Some(Duration::from_mins(10).into()),
        drill_left_after: Some(Duration::from_secs(10).into()),
        hysteresis: Some(0),
        ..Thresholds::default()
    };
    world.set_row(&PolicyRow { policy: Policy { fleet, ..Policy::default() }, ..PolicyRow::default() });
}

/// One account has quotas that it may use up.
fn furnish_small(world: &MemoryIo, history: &History) {
    let small = place(SMALL.into());
    let quotas = [(REPLICATING, SERVERS), (TOTAL, SERVERS), (JOBS, 2)];
    let quota =
        |(code, value): (&str, u8)| QuotaSeen { code: code.to_owned(), value: value.into(), applied: true };
    world.set_quotas(&small, quotas.map(quota).into());
    if history.weather.has(Trouble::TagsRefused) {
        let refusal = IoError::new(Neighbour::Spoke, "TagResource", Verdict::Denied, "not authorized");
        world.set_tag_failure(&small, Some(refusal));
    }
}

/// Lets everything happen.
async fn feed(world: &MemoryIo, history: &History, fed: &Fed) {
    let mut jobs = BTreeMap::new();
    for step in &history.steps {
        tokio::time::sleep(step.pause).await;
        match &step.what {
            What::Comes(event) => {
                for to in queues(event) {
                    let id = world.clone().on_queue(to).put_message(body(event));
                    fed.put(to, id, Says::Event(event.clone()));
                }
            }
            What::Runs(told) => runs(world, &mut jobs, told),
            What::Shows { place: n, servers } => {
                let place = place((*n).into());
                world.set_servers(&place, servers.iter().map(|shown| seen(&place, *shown)).collect());
                tokio::time::sleep(ASKED_AFTER).await;
                fed.put(CapacityTracker::NAME, wish(world, &place), Says::Sweep);
                if history.whole {
                    let id = wish(&world.clone().on_queue(JobMonitor::NAME), &place);
                    fed.put(JobMonitor::NAME, id, Says::Sweep);
                }
            }
        }
    }
}

/// As `infra/hub.yaml` routes it.
fn queues(event: &Event) -> &'static [&'static str] {
    match event.tells {
        Tells::Tagged(..) => &[TagSync::NAME],
        Tells::Launched(..) => &[JobMonitor::NAME],
        Tells::Started(_) => &[CapacityTracker::NAME, JobMonitor::NAME],
        _ => &[CapacityTracker::NAME],
    }
}

/// The schedule ticks: from then on all places are listened for.
pub(super) fn tick(queue: &MemoryIo) {
    let now = Timestamp::from_second(queue.now().as_second()).unwrap();
    let tick = ("drs-fleet.schedule", "Sweep Tick");
    queue.put_message(wire::event("tick", &place(SPEAKER.into()), tick, now, &json!({})).to_string());
}

/// Somebody asks for a sweep; answers the id of the message.
pub(super) fn wish(queue: &MemoryIo, place: &Place) -> String {
    let now = Timestamp::from_second(queue.now().as_second()).unwrap();
    let wish = ("drs-fleet.schedule", "Sweep Place");
    queue.put_message(wire::event("wish", place, wish, now, &json!({})).to_string())
}

fn runs(world: &MemoryIo, jobs: &mut BTreeMap<(u8, u8), Job>, told: &Job) {
    jobs.insert((told.place, told.number), told.clone());
    let of_place: Vec<_> = jobs.values().filter(|job| job.place == told.place).collect();
    let place = place(told.place.into());
    world.set_jobs(&place, of_place.iter().map(|told| job(told)).collect());
    world.set_recovery_instances(&place, of_place.iter().flat_map(|told| launched(told)).collect());
}
