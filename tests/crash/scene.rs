//! A worker as a process on the world in memory: it dies where a plan says so, and another one takes its place.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::policy::{Policy, PolicyRow, Thresholds};
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::row::{Change, Row};
use drs_fleet_domain::span::Length;
use drs_fleet_testkit::work::work;
use serde_json::Value;
use tokio::time::Instant;

use super::left::is_settled;
use super::world::{account, heartbeat, now};

/// So long a call takes: time passes between any two effects.
const LATENCY: Duration = Duration::from_millis(5);

/// What is due later than this waits for a person, or for the next step.
const SOON: Duration = Duration::from_secs(150);

/// No path needs longer, whatever goes wrong in it.
const LONGEST: Duration = Duration::from_hours(4);

/// So often the place is heard of, in a scene that keeps hearing.
const HEARS_EVERY: Duration = Duration::from_mins(2);

/// Two sweeps within one minute would be one point of history.
const MINUTE: Duration = Duration::from_secs(61);

/// What time alone changes, it changes after this, where a path is not about that.
pub(super) const NEVER: Duration = Duration::from_hours(24 * 365);

/// The world, and the process that works in it at present.
#[derive(Clone)]
pub(super) struct Scene {
    /// A handle of its own: what a test does is no point of the worker's.
    pub(super) world: MemoryIo,
    process: Arc<Mutex<MemoryIo>>,
    broken: Arc<Mutex<Option<(Neighbour, Verdict)>>>,
    pause: Arc<Mutex<Duration>>,
    hears: Arc<Mutex<bool>>,
    tried_from: Arc<Mutex<usize>>,
    appointments: Arc<Mutex<Vec<Instant>>>,
}

impl Scene {
    /// A world in which the one account is registered and nothing has happened.
    pub(super) async fn new() -> Self {
        super::seam::begins();
        let world = MemoryIo::default();
        let row = account();
        let register = |_: Option<&AccountRow>| Some(Change { row: row.clone(), tell: Vec::new() });
        Store::default().change(&world, &row.key(), register).await.unwrap();
        judges_by(&world, &Thresholds::default());
        let process =
            Arc::new(Mutex::new(world.restarted().with_latency(LATENCY).witnessed(super::seam::witness)));
        let (broken, pause, hears, tried_from, appointments) = Default::default();
        Self { world, process, broken, pause, hears, tried_from, appointments }
    }

    pub(super) fn process(&self) -> MemoryIo {
        self.process.lock().unwrap().clone()
    }

    /// Another process, of which calls fail.
    pub(super) fn tried(&self) -> MemoryIo {
        self.process().restarted().witnessed(super::seam::witness)
    }

    pub(super) fn put(&self, body: &Value) {
        self.world.put_message(body.to_string());
    }

    /// A neighbour fails until it is mended, whichever process calls it.
    pub(super) fn break_down(&self, neighbour: Neighbour, verdict: Verdict) {
        *self.broken.lock().unwrap() = Some((neighbour, verdict));
        self.process().break_down(neighbour, verdict);
    }

    pub(super) fn mend(&self) {
        if let Some((neighbour, _)) = self.broken.lock().unwrap().take() {
            self.process().mend(neighbour);
        }
    }

    /// After this step so much time passes, for what is tried again later.
    pub(super) fn lets_pass(&self, time: Duration) {
        *self.pause.lock().unwrap() = time;
    }

    /// So much later something happens, whatever the process does then.
    pub(super) fn later(&self, time: Duration, happens: fn(&Self)) {
        let scene = self.clone();
        let at = Instant::now() + time;
        self.appointments.lock().unwrap().push(at);
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            happens(&scene);
        });
    }

    /// When something happens that the table knows nothing of.
    fn next_appointment(&self) -> Option<Instant> {
        let now = Instant::now();
        self.appointments.lock().unwrap().iter().filter(|at| **at > now).min().copied()
    }

    /// Lets so much time pass.
    pub(super) async fn passes(&self, time: Duration) {
        self.world.lets_pass(time, || self.next_appointment()).await;
    }

    /// From now on its heartbeats come: what time alone changes is judged only by who hears.
    pub(super) fn keeps_hearing(&self) {
        *self.hears.lock().unwrap() = true;
        self.put(&heartbeat(now(self)));
    }

    /// What came before is what other paths are about: faults are met from here on.
    pub(super) fn is_tried_from_here(&self) {
        *self.tried_from.lock().unwrap() = self.process().points().len();
    }

    pub(super) fn tried_from(&self) -> usize {
        *self.tried_from.lock().unwrap()
    }

    fn restart(&self) {
        let next = self.process().restarted();
        if let Some((neighbour, verdict)) = *self.broken.lock().unwrap() {
            next.break_down(neighbour, verdict);
        }
        *self.process.lock().unwrap() = next;
    }

    /// Waits until the queue is empty, everything is told, and nothing is due within `soon`.
    pub(super) async fn settles(&self, soon: Duration) {
        let began = Instant::now();
        let (mut quiet, mut hears_at) = (0, began + HEARS_EVERY);
        while began.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_secs(2)).await;
            if hears_at <= Instant::now() {
                hears_at += HEARS_EVERY;
                if *self.hears.lock().unwrap() {
                    self.put(&heartbeat(now(self)));
                }
            }
            quiet = if is_settled(&self.world, soon) { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
            if quiet == 0 {
                self.world.leap(self.next_appointment().map_or(hears_at, |at| at.min(hears_at))).await;
            }
        }
        panic!("never settled: {} messages, {:#?}", self.world.queued(), self.world.table());
    }
}

/// A spoke of which nothing is heard for `time` is silent.
pub(super) fn listens_for(world: &MemoryIo, time: Duration) {
    judges_by(world, &Thresholds { silent_after: Some(time.into()), ..Thresholds::default() });
}

/// The thresholds of the whole fleet; what is not set never matters.
pub(super) fn judges_by(world: &MemoryIo, fleet: &Thresholds) {
    let never = |set: Option<Length>| set.or(Some(NEVER.into()));
    let fleet = Thresholds {
        silent_after: never(fleet.silent_after),
        stalled_critical_after: never(fleet.stalled_critical_after),
        initial_sync_stuck_after: never(fleet.initial_sync_stuck_after),
        job_stuck_after: never(fleet.job_stuck_after),
        ..fleet.clone()
    };
    let policy = Policy { fleet, ..Policy::default() };
    world.set_row(&PolicyRow { policy, ..PolicyRow::default() });
}

/// Lets a worker live through `steps`. In the end nothing is left to do, now or ever.
pub(super) async fn play<W: Worker>(scene: &Scene, make: fn() -> W, steps: &[fn(&Scene)]) {
    let living = tokio::spawn(live(scene.clone(), make));
    for (number, step) in steps.iter().enumerate() {
        if number > 0 {
            scene.passes(MINUTE).await;
        }
        step(scene);
        let pause = std::mem::take(&mut *scene.pause.lock().unwrap());
        scene.passes(pause).await;
        scene.settles(SOON).await;
    }
    scene.settles(Duration::from_hours(24)).await;
    living.abort();
}

/// One process after another, each with cold caches.
async fn live<W: Worker>(scene: Scene, make: fn() -> W) {
    loop {
        let io = scene.process();
        tokio::select! {
            biased;
            () = io.crashed() => {}
            () = work(io.clone(), make()) => return,
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        scene.restart();
    }
}
