//! What a storm costs: all servers of full accounts stall within a minute, from DRS's events to what people read, on
//! simulated time and a world in memory whose calls take as long each.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::company::{Fleet, tick};
use drs_fleet_testkit::wire;
use drs_fleet_testkit::work::work;
use notifier::Notifier;

use crate::load::Load;

/// An account and Region is full with so many replicating servers (quota L-C1D14A2B).
const FULL: usize = 300;
/// Until a first sweep of all is done, and what it found is told.
const REST: Duration = Duration::from_mins(20);

pub struct Storm {
    /// How many servers stall.
    pub servers: usize,
    /// How many instances of each worker there are.
    pub instances: usize,
    /// How long each call takes.
    pub call: Duration,
}

/// What it came to, when all of it was told open.
struct Came<'a> {
    of: &'a Storm,
    tracker: Calls,
    notifier: Calls,
    load: &'a Load,
    /// E-mails that told of it.
    digests: usize,
    /// Seconds until the trackers had stored all of it.
    stored: i64,
    /// Seconds until the notifiers had taken all of it in.
    taken: i64,
}

/// Calls of all instances of a worker.
struct Calls {
    /// To the table, for each server.
    reads: f64,
    writes: f64,
    /// With which it published own events, for each server.
    published: f64,
    /// `DescribeSourceServers`, a page each.
    describes: usize,
}

impl fmt::Display for Came<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of: Storm { servers, instances, call }, tracker, notifier, load, digests, stored, taken } =
            self;
        let accounts = of_accounts(*servers);
        write!(
            f,
            "A storm: {servers} servers, all of {accounts} accounts, stall within a minute; {instances} of each worker, \
             {} ms a call. For each server it costs the capacity-tracker {:.2} table reads, {:.2} writes and {:.2} own events, \
             and the notifier {:.2} reads and {:.2} writes; DRS is asked for {:.1} pages of servers an account. It was \
             stored after {stored} s and taken in by the notifier after {taken} s; {digests} e-mails in ten minutes. {}",
            call.as_millis(),
            tracker.reads,
            tracker.writes,
            tracker.published,
            notifier.reads,
            notifier.writes,
            tracker.describes as f64 / accounts as f64,
            load.told(*servers),
        )
    }
}

/// The instances of a worker.
struct Team {
    queue: MemoryIo,
    /// Each, and how many points it had passed before the storm.
    instances: Vec<(MemoryIo, usize)>,
}

impl Team {
    fn of<W: Worker>(world: &MemoryIo, storm: &Storm, worker: impl Fn() -> W) -> Self {
        let queue = world.clone().on_queue(W::NAME);
        let instance = |_| {
            let io = queue.restarted().with_latency(storm.call);
            tokio::spawn(work(io.clone(), worker()));
            (io, 0)
        };
        Self { instances: (0..storm.instances).map(instance).collect(), queue }
    }

    /// What they called until now does not count.
    fn begin(&mut self) {
        self.instances.iter_mut().for_each(|(io, before)| *before = io.points().len());
    }

    async fn done(&self) {
        while self.queue.queued() > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn calls(&self, servers: usize) -> Calls {
        let points = self.instances.iter().flat_map(|(io, before)| io.points().split_off(*before));
        let points: Vec<_> = points.collect();
        let calls = |names: &[&str]| points.iter().filter(|point| names.contains(*point)).count();
        let each = |names: &[&str]| calls(names) as f64 / servers as f64;
        Calls {
            reads: each(&["read", "query"]),
            writes: each(&["commit", "published"]),
            published: each(&["publish"]),
            describes: calls(&["source_servers"]),
        }
    }
}

impl Storm {
    pub async fn run(&self) -> impl fmt::Display {
        let world = MemoryIo::default();
        world.deliver(wire::to_people);
        let tracker = || CapacityTracker::new(RegistryCache::default(), &Metrics::default());
        let notifier = || Notifier::new(true, RegistryCache::default(), &Metrics::default());
        let (mut trackers, mut notifiers) =
            (Team::of(&world, self, tracker), Team::of(&world, self, notifier));
        let mut fleet = Fleet::new(&world, of_accounts(self.servers), self.servers);
        tick(&trackers.queue);
        tokio::time::sleep(REST).await;
        trackers.begin();
        notifiers.begin();
        let load = Load::of(&world);
        let (began, told) = (world.now(), world.notices().len());
        let since = || world.now().duration_since(began).as_secs();
        for second in 0..60 {
            let until = |second| self.servers * second / 60;
            fleet.turn(&trackers.queue, until(second)..until(second + 1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        trackers.done().await;
        let stored = since();
        notifiers.done().await;
        let taken = since();
        tokio::time::sleep(Duration::from_mins(9)).await;
        let (tracker, notifier) = (trackers.calls(self.servers), notifiers.calls(self.servers));
        let digests = (world.notices().len() - told) / 2;
        let load = &load.lock().unwrap_or_else(PoisonError::into_inner);
        Came { of: self, tracker, notifier, load, digests, stored, taken }.to_string()
    }
}

fn of_accounts(servers: usize) -> usize {
    servers.div_ceil(FULL)
}
