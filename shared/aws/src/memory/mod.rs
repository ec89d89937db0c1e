//! [`Io`](crate::io::Io) in memory, for crash tests and simulation: one world of queues, table, bus and spokes,
//! and faults at its I/O points.
//!
//! An **I/O point** is one call of a fallible method of `Io`. Points are numbered from 0 per handle, in the order
//! of the calls. At a point a call may fail before it took effect, take effect and lose its answer, take effect
//! twice, or be the last thing the process did ([`MemoryIo::crash_at`]); [`MemoryIo::restarted`] is then the next
//! process on the same world. Time is tokio's, so a paused clock runs it without waiting.
//!
//! Every point that is passed, and when, by which process and with what, goes into the world's **trace**, a number: two runs with
//! the same trace are the same run.

mod faults;
mod io;
mod lag;
mod places;
mod points;
mod queue;
mod rest;
mod spokes;
mod table;
mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::row::{Outbox, Row, Stored};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::faults::Faults;
pub use self::faults::{Chances, Fault};
pub use self::points::{ASKS, points_of_the_seam};
use self::queue::Queue;
pub use self::queue::{Buried, QUEUE_VISIBILITY};
use self::spokes::Spokes;
use self::table::Table;
pub use self::table::{Item, Wrote};
use self::trace::Trace;
use crate::io::{Notice, Write};
use crate::limiter::Limiter;
use crate::time::after;
use crate::verdict::{IoError, Neighbour, Verdict};

/// What the Slack app of the hub in memory signs with.
pub const SIGNING_SECRET: &str = "a-signing-secret-of-no-app";

/// A process's view of the world in memory. Clones are the same process.
#[derive(Clone, Debug)]
pub struct MemoryIo {
    world: Arc<Mutex<World>>,
    faults: Arc<Mutex<Faults>>,
    crashed: CancellationToken,
    latency: Duration,
    grain: Duration,
    limiter: Option<Limiter>,
    queue: &'static str,
    number: u64,
    witness: Option<fn(&'static str)>,
}

/// From an own event to the queue that the bus puts it on, and the message.
pub type Delivery = fn(usize, &OwnEvent) -> Option<(&'static str, String)>;

/// What lives on when a process dies.
#[derive(Debug)]
struct World {
    born: Instant,
    born_at: Timestamp,
    queues: BTreeMap<&'static str, Queue>,
    table: Table,
    spokes: Spokes,
    published: Vec<OwnEvent>,
    delivery: Option<Delivery>,
    notices: Vec<(Timestamp, Notice)>,
    deaf: Option<fn(&Notice) -> bool>,
    evicted: Vec<AccountId>,
    processes: u64,
    /// When a process last did more than ask in vain; ahead while one is paused, or waits to try again.
    stirred_at: Instant,
    trace: Trace,
}

impl World {
    fn queue(&mut self, name: &'static str) -> &mut Queue {
        self.queues.entry(name).or_default()
    }

    fn now(&self) -> Timestamp {
        after(self.born_at, self.born.elapsed())
    }
}

impl Default for MemoryIo {
    fn default() -> Self {
        Self::new(Timestamp::from_second(1_767_225_600).unwrap_or_default())
    }
}

impl MemoryIo {
    /// An empty world in which it is `now`. Needs tokio's clock.
    pub fn new(now: Timestamp) -> Self {
        let world = World {
            born: Instant::now(),
            born_at: now,
            queues: BTreeMap::new(),
            table: Table::default(),
            spokes: Spokes::default(),
            published: Vec::new(),
            delivery: None,
            notices: Vec::new(),
            deaf: None,
            evicted: Vec::new(),
            processes: 0,
            stirred_at: Instant::now(),
            trace: Trace::default(),
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            faults: Arc::default(),
            crashed: CancellationToken::new(),
            latency: Duration::ZERO,
            grain: Duration::ZERO,
            limiter: None,
            queue: "",
            number: 0,
            witness: None,
        }
    }

    /// Another process on the same world and queue, without faults.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let number = {
            let mut world = self.world();
            world.processes += 1;
            world.processes
        };
        Self {
            faults: Arc::default(),
            crashed: CancellationToken::new(),
            number,
            witness: None,
            ..self.clone()
        }
    }

    /// The same process with another queue; a world has as many as are named.
    #[must_use]
    pub fn on_queue(mut self, name: &'static str) -> Self {
        self.queue = name;
        self
    }

    /// Lets each call of this handle take so long.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// What [`Io::grain`](crate::io::Io::grain) says.
    #[must_use]
    pub fn with_grain(mut self, grain: Duration) -> Self {
        self.grain = grain;
        self
    }

    /// Limits the calls into each account, as [`crate::sdk::SdkIo`] does.
    #[must_use]
    pub fn limited(mut self) -> Self {
        self.limiter = Some(Limiter::default());
        self
    }

    /// `witness` is called with the name of each point that this process comes to: by the code that comes to it, so that it
    /// sees who called.
    #[must_use]
    pub fn witnessed(mut self, witness: fn(&'static str)) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Point number `point` meets `fault`; the process lives on.
    pub fn fail_at(&self, point: usize, fault: Fault) {
        self.faults().fail_at(point, fault);
    }

    /// Point number `point` meets `fault`, and the process dies: no call ever answers from then on.
    pub fn crash_at(&self, point: usize, fault: Fault) {
        self.faults().crash_at(point, fault);
    }

    /// Every point meets faults by chance, the same for the same seed.
    pub fn fail_by_chance(&self, seed: u64, chances: Chances) {
        self.faults().by_chance(seed, chances);
    }

    /// Every call of a neighbour fails with this verdict, until [`MemoryIo::mend`].
    pub fn break_down(&self, neighbour: Neighbour, verdict: Verdict) {
        self.faults().break_down(neighbour, verdict);
    }

    /// Ends [`MemoryIo::break_down`].
    pub fn mend(&self, neighbour: Neighbour) {
        self.faults().mend(neighbour);
    }

    /// Each partition of the table takes so many writes in a second and throttles all others, for every process; `None`: it
    /// takes all.
    pub fn limit_writes(&self, a_second: Option<u32>) {
        self.world().table.limit_writes(a_second);
    }

    /// Every write from now on that comes to the table, and is not throttled.
    pub fn writes(&self) -> UnboundedReceiver<Wrote> {
        self.world().table.watch()
    }

    /// From now on reads that are eventually consistent, and those of the index, may show for up to a second what was before
    /// the last write.
    pub fn lag_reads(&self, seed: u64) {
        self.world().table.lag(seed);
    }

    /// Waits until this process has died.
    pub async fn crashed(&self) {
        self.crashed.cancelled().await;
    }

    /// Names of the points passed so far, in order.
    pub fn points(&self) -> Vec<&'static str> {
        self.faults().passed().to_vec()
    }

    /// Points at which this process was paused so far, and for how long.
    pub fn pauses(&self) -> Vec<(usize, Duration)> {
        self.faults().pauses().to_vec()
    }

    /// Puts a message on the queue; answers its id.
    pub fn put_message(&self, body: impl Into<String>) -> String {
        let mut world = self.world();
        let now = world.now();
        world.queue(self.queue).put(body.into(), now)
    }

    /// How many messages are on the queue, hidden ones included.
    pub fn queued(&self) -> usize {
        self.world().queue(self.queue).len()
    }

    /// How many messages are hidden now: somebody has them in hand.
    pub fn hidden(&self) -> usize {
        let mut world = self.world();
        let now = world.now();
        world.queue(self.queue).hidden(now)
    }

    /// How often the messages on the queue have been received, by id.
    pub fn receive_counts(&self) -> BTreeMap<String, u32> {
        self.world().queue(self.queue).receive_counts()
    }

    /// After so many receives a message goes to the dead-letter queue by itself.
    pub fn redrive_after(&self, receives: u32) {
        self.world().queue(self.queue).redrive_after(receives);
    }

    /// What is on the dead-letter queue.
    pub fn dead_letters(&self) -> Vec<Buried> {
        self.world().queue(self.queue).dead_letters().to_vec()
    }

    /// All items, as stored.
    pub fn table(&self) -> BTreeMap<Key, Item> {
        self.world().table.items().clone()
    }

    /// Looks at all items without a copy of them.
    pub fn look<T>(&self, look: impl FnOnce(&BTreeMap<Key, Item>) -> T) -> T {
        look(self.world().table.items())
    }

    /// One item.
    ///
    /// # Errors
    /// When it is of another kind.
    pub fn stored<R: Row>(&self, key: &Key) -> Result<Option<Stored<R>>, IoError> {
        self.world().table.get(key)
    }

    /// Stores an item that another worker wrote.
    pub fn set_row<R: Row>(&self, row: &R) {
        let none = Outbox::new();
        let write = Write { row, expected: None, outbox_before: &none, outbox: &none, due: None };
        let mut world = self.world();
        let now = world.now();
        world.table.forget(&row.key(), now);
        // Without an item there is no revision that it could conflict with.
        let _stored = world.table.commit(&write, now);
    }

    /// Everything published, repetitions included.
    pub fn published_events(&self) -> Vec<OwnEvent> {
        self.world().published.clone()
    }

    /// From now on the bus delivers what is published.
    pub fn deliver(&self, delivery: Delivery) {
        self.world().delivery = Some(delivery);
    }

    /// A number for all points that were passed so far, what was moved there, and what the table holds.
    pub fn trace(&self) -> u64 {
        let world = self.world();
        world.trace.number(world.table.items().values().map(|item| &*item.json))
    }

    /// Everything sent to people.
    pub fn notices(&self) -> Vec<Notice> {
        self.world().notices.iter().map(|(_, notice)| notice.clone()).collect()
    }

    /// Everything sent to people, and when.
    pub fn sent(&self) -> Vec<(Timestamp, Notice)> {
        self.world().notices.clone()
    }

    /// From now on nobody takes the notices that are meant by it; `None`: everybody takes all.
    pub fn deafen(&self, deaf: Option<fn(&Notice) -> bool>) {
        self.world().deaf = deaf;
    }

    /// Accounts whose caches were dropped.
    pub fn evicted(&self) -> Vec<AccountId> {
        self.world().evicted.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
