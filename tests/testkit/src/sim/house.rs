//! The instances of the workers, and how they die and are replaced.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::memory::{Chances, Fault, MemoryIo};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use job_monitor::JobMonitor;
use notifier::Notifier;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tag_sync::TagSync;
use tokio::task::JoinHandle;

use super::draw::HUB;
use super::history::{History, Trouble};
use crate::company::place;
use crate::work::work;

/// A call takes so long.
const LATENCY: Duration = Duration::from_millis(5);

/// A process that died is replaced after this time.
const RESTART: Duration = Duration::from_secs(2);

/// More than one call in twenty goes wrong.
const CHANCES: Chances = Chances {
    before: 0.02,
    after: 0.02,
    twice: 0.01,
    part: 0.01,
    late: 0.01,
    only: None,
    throttled: 0.3,
    denied: 0.05,
};

/// So many of an instance's processes die.
const DEATHS: usize = 6;

/// The world, and who works in it.
#[derive(Clone)]
pub struct House {
    /// A handle of its own: what a simulation does is no point of a worker's.
    pub world: MemoryIo,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// The present process of each instance.
    processes: Vec<MemoryIo>,
    broken: Vec<(Neighbour, Verdict)>,
    deaths: usize,
    instances: Vec<JoinHandle<()>>,
}

impl House {
    /// Nobody works in it yet.
    pub fn new(world: MemoryIo) -> Self {
        Self { world, shared: Arc::default() }
    }

    /// Two instances of each worker begin.
    pub fn opens(&self, history: &History) {
        for _ in 0..2 {
            self.begins(history, tracker);
            if history.whole {
                self.begins(history, monitor);
                self.begins(history, sync);
                self.begins(history, notifier);
            }
        }
    }

    /// From now on every call of a neighbour fails so.
    pub fn breaks(&self, neighbour: Neighbour, verdict: Verdict) {
        let mut shared = self.shared();
        shared.broken.push((neighbour, verdict));
        shared.processes.iter().for_each(|process| process.break_down(neighbour, verdict));
    }

    /// From now on they go through again.
    pub fn mends(&self, neighbour: Neighbour) {
        let mut shared = self.shared();
        shared.broken.retain(|(other, _)| *other != neighbour);
        shared.processes.iter().for_each(|process| process.mend(neighbour));
    }

    /// All instances are gone at once, whatever they were doing.
    pub fn closes(&self) {
        let mut shared = self.shared();
        shared.instances.drain(..).for_each(|instance| instance.abort());
        shared.processes.clear();
    }

    /// How many processes died so far.
    pub fn deaths(&self) -> usize {
        self.shared().deaths
    }

    fn begins<W: Worker>(&self, history: &History, make: fn() -> W) {
        let mut shared = self.shared();
        let slot = shared.processes.len();
        shared.processes.push(self.world.clone());
        let living = self.clone().lives(
            (history.seed, history.weather.has(Trouble::Faults), history.weather.has(Trouble::Kills)),
            slot,
            make,
        );
        shared.instances.push(tokio::spawn(living));
    }

    /// One process after another, each with cold caches.
    async fn lives<W: Worker>(self, (seed, faults, kills): (u64, bool, bool), slot: usize, make: fn() -> W) {
        for life in 0.. {
            let io = self.world.restarted().on_queue(W::NAME).with_latency(LATENCY).limited();
            let mut dice = dice(&(seed, slot, life));
            if faults {
                io.fail_by_chance(dice.random(), CHANCES);
            }
            if kills && life < DEATHS {
                let fault = if dice.random() { Fault::Before } else { Fault::After };
                io.crash_at(dice.random_range(50..1_500), fault);
            }
            self.takes_its_place(slot, &io);
            tokio::select! {
                biased;
                () = io.crashed() => self.shared().deaths += 1,
                () = work(io.clone(), make()) => return,
            }
            tokio::time::sleep(RESTART).await;
        }
    }

    fn takes_its_place(&self, slot: usize, io: &MemoryIo) {
        let mut shared = self.shared();
        for (neighbour, verdict) in &shared.broken {
            io.break_down(*neighbour, *verdict);
        }
        if let Some(place) = shared.processes.get_mut(slot) {
            *place = io.clone();
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

fn dice(of: &impl Hash) -> StdRng {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    StdRng::seed_from_u64(hasher.finish())
}

fn monitor() -> JobMonitor {
    JobMonitor::new(RegistryCache::default(), &Metrics::default())
}

fn sync() -> TagSync {
    TagSync::new(RegistryCache::default(), &Metrics::default())
}

fn notifier() -> Notifier {
    Notifier::new(true, RegistryCache::default(), &Metrics::default()).in_hub(Some(place(HUB.into())))
}

fn tracker() -> CapacityTracker {
    CapacityTracker::new(RegistryCache::default(), &Metrics::default())
}
