//! I/O points: where a call may fail, lose its answer, happen twice, or be the last thing that its process did.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::OwnEvent;
use jiff::Timestamp;
use tokio::time::Instant;

use super::faults::Meets;
use super::{Fault, MemoryIo, World};
use crate::heard;
use crate::io::Io;
use crate::limiter::Service;
use crate::time::{after, until};
use crate::verdict::{IoError, Neighbour, Verdict};

/// Names of all points: of the methods of [`Io`] that may fail, as its definition has them.
pub fn points_of_the_seam() -> BTreeSet<&'static str> {
    let methods = include_str!("../io.rs").split("\n    fn ").skip(1);
    let signatures = methods.map(|method| method.split(';').next().unwrap_or_default());
    signatures
        .filter(|signature| {
            ["Output = Answer<", "Output = Result<"].iter().any(|may| signature.contains(may))
        })
        .filter_map(|signature| signature.split(['<', '(']).next())
        .collect()
}

/// Calls by which a process asks whether there is anything to do.
pub const ASKS: [&str; 2] = ["receive", "due"];

/// What failed is tried again by then.
const LONGEST_BEFORE_RETRY: Duration = Duration::from_mins(1);

impl MemoryIo {
    /// Passes an I/O point: `effect` happens as often as the point's fault lets it.
    pub(super) async fn point<T, E: From<IoError>>(
        &self,
        name: &'static str,
        neighbour: Neighbour,
        effect: impl FnMut(&mut World, Timestamp) -> Result<T, E>,
    ) -> Result<T, E> {
        let meets = self.pass(name, neighbour).await;
        let answer = self.end(meets, effect).await;
        if neighbour == Neighbour::Table { heard::of_table(answer) } else { answer }
    }

    /// Passes an I/O point with a batch, each entry of which answers for itself.
    pub(super) async fn batch<T: Sync>(
        &self,
        name: &'static str,
        neighbour: Neighbour,
        entries: &[T],
        mut effect: impl FnMut(&mut World, Timestamp, &T) -> Result<(), IoError>,
    ) -> Result<Vec<Result<(), IoError>>, IoError> {
        let meets = self.pass(name, neighbour).await;
        let (whole, fails_in_part) = meets.taken_apart();
        let fails = |n: usize| fails_in_part && n.is_multiple_of(2);
        self.end(whole, |world, now| {
            let mut one = |(n, entry)| if fails(n) { Err(meets.error()) } else { effect(world, now, entry) };
            Ok(entries.iter().enumerate().map(&mut one).collect())
        })
        .await
    }

    /// A point at which a spoke is called.
    pub(super) async fn call<T>(
        &self,
        name: &'static str,
        place: &Place,
        mut effect: impl FnMut(&mut World, Timestamp) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let effect = |world: &mut World, now| {
            if service_of(name) == Service::Drs {
                world.spokes.admit(place, name, now)?;
            }
            effect(world, now)
        };
        let call = async {
            let (pace, hang) = self.world().spokes.begin(place);
            let _under_way = UnderWay { io: self, place };
            if let Some(time) = pace {
                tokio::time::sleep(time).await;
            }
            let Some(time) = hang else { return self.point(name, Neighbour::Spoke, effect).await };
            tokio::time::sleep(time).await;
            let timed_out = IoError::new(Neighbour::Spoke, name, Verdict::Transient, "the call timed out");
            self.point(name, Neighbour::Spoke, |_, _| Err(timed_out.clone())).await
        };
        match &self.limiter {
            Some(limiter) => limiter.call(&place.account, service_of(name), name, call).await,
            None => call.await,
        }
    }

    pub(super) async fn pass(&self, name: &'static str, neighbour: Neighbour) -> Meets {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        self.is_awake().await;
        if let Some(witness) = self.witness {
            witness(name);
        }
        let meets = self.faults().pass(name, neighbour);
        self.traces(name, meets.as_ref());
        match meets {
            Some(meets) => meets,
            None => std::future::pending().await,
        }
    }

    /// Waits while the process is frozen.
    async fn is_awake(&self) {
        loop {
            let thaws_at = self.faults().thaws_at();
            let Some(thaws_at) = thaws_at else { return };
            tokio::time::sleep_until(thaws_at).await;
        }
    }

    fn traces(&self, name: &'static str, meets: Option<&Meets>) {
        let fault = meets.and_then(|meets| meets.fault);
        let mut world = self.world();
        let now = world.now();
        let in_hand = match fault {
            Some(fault) => Some(fault.pause().unwrap_or(LONGEST_BEFORE_RETRY)),
            None => (!ASKS.contains(&name)).then_some(Duration::ZERO),
        };
        if let Some(time) = in_hand {
            world.stirred_at = world.stirred_at.max(Instant::now() + time);
        }
        world.trace.passed((self.number, name), fault, now);
    }

    pub(super) async fn end<T, E: From<IoError>>(
        &self,
        meets: Meets,
        mut effect: impl FnMut(&mut World, Timestamp) -> Result<T, E>,
    ) -> Result<T, E> {
        let answer = {
            let mut world = self.world();
            let now = world.now();
            match meets.fault {
                None | Some(Fault::Late(_) | Fault::Frozen(_)) => effect(&mut world, now),
                Some(Fault::Before | Fault::Part) => Err(meets.error().into()),
                Some(Fault::After) => effect(&mut world, now).and(Err(meets.error().into())),
                Some(Fault::Twice) => {
                    let _lost = effect(&mut world, now);
                    effect(&mut world, now)
                }
            }
        };
        if let Some(pause) = meets.fault.and_then(Fault::pause) {
            tokio::time::sleep(pause).await;
        }
        if meets.dies {
            self.crashed.cancel();
            std::future::pending::<()>().await;
        }
        answer
    }

    /// Waits until a message can be received, for `wait` at most.
    pub(super) async fn wait_for_messages(&self, wait: Duration) {
        let deadline = after(self.now(), wait);
        loop {
            let (pause, arrival) = {
                let mut world = self.world();
                let now = world.now();
                let queue = world.queue(self.queue);
                let next = queue.next_visible(now).map_or(deadline, |at| at.min(deadline));
                (until(now, next), queue.arrival())
            };
            if pause.is_zero() {
                return;
            }
            tokio::select! {
                biased;
                () = arrival => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl World {
    pub(super) fn publish(&mut self, events: &[OwnEvent], now: Timestamp) {
        let before = self.published.len();
        self.published.extend_from_slice(events);
        let Some(delivery) = self.delivery else { return };
        let delivered = events.iter().enumerate().filter_map(|(n, event)| delivery(before + n, event));
        for (queue, body) in delivered {
            self.queue(queue).put(body, now);
        }
    }
}

fn service_of(call: &str) -> Service {
    match call {
        "quotas" => Service::Quotas,
        "tagged_instances" => Service::Tagging,
        "instance_types" => Service::Ec2,
        _ => Service::Drs,
    }
}

/// A call into a spoke that has not come to its end, also when its caller gives it up.
struct UnderWay<'a> {
    io: &'a MemoryIo,
    place: &'a Place,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.io.world().spokes.ended(self.place);
    }
}
