//! Timers and unfinished outboxes: asks the index `due` each second for items whose time has come.
//!
//! Every instance asks for everything; whoever claims an item by its revision serves it (`Store::wake`). So a
//! timer needs no owner, and an instance that dies leaves its timers to the others. An item that cannot be
//! served is tried again later and later, and neither it nor a slow one holds the others.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use drs_fleet_domain::keys::{Key, due_shards};
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backoff::Delays;
use crate::io::{Due, Io};
use crate::time::{after, until};
use crate::worker::Worker;

const EVERY: Duration = Duration::from_secs(1);

/// Items of one shard per round that may be begun; what is left comes with the next.
const PAGE: usize = 100;

const AFTER_FAILURE: Delays = Delays { first: Duration::from_secs(2), longest: Duration::from_mins(1) };

/// Serves the worker's due items until `stop`; what is being served then is finished.
pub async fn serve_due<I: Io, W: Worker>(io: I, worker: W, stop: CancellationToken) {
    let shards: Vec<String> = due_shards(W::NAME).collect();
    let mut serving = Serving::default();
    let mut failed_rounds = 0_u32;
    let every = EVERY.max(io.grain());
    let mut ask_at = after(io.now(), every);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = serving.tasks.join_next() => serving.ended(ended, io.now()),
            () = io.sleep(until(io.now(), ask_at)) => {
                let now = io.now();
                let (items, index_failed) = ask::<I, W>(&io, &shards, (now, PAGE + serving.busy())).await;
                failed_rounds = if index_failed { failed_rounds.saturating_add(1) } else { 0 };
                let pause = if index_failed { AFTER_FAILURE.after(failed_rounds, &W::NAME) } else { every };
                ask_at = after(io.now(), pause);
                serving.wait_for(items, now);
            }
        }
        serving.start(&io, &worker);
    }
    while let Some(ended) = serving.tasks.join_next().await {
        serving.ended(ended, io.now());
    }
}

/// How serving an item ended: its key, and the failure if there was one.
type Ended = (Key, Option<String>);

/// What is being served, and what comes next.
#[derive(Default)]
struct Serving {
    tasks: JoinSet<Ended>,
    under_way: HashSet<Key>,
    waiting: VecDeque<Due>,
    failing: Failing,
}

impl Serving {
    /// How many items are in the index that are not to be begun: so many more are asked for, lest they hide others.
    fn busy(&self) -> usize {
        self.under_way.len() + self.failing.0.len()
    }

    /// Takes what the index said last in place of what it said before.
    fn wait_for(&mut self, items: Vec<Due>, now: Timestamp) {
        self.failing.forget_old(now);
        let may_begin = |due: &Due| !self.under_way.contains(&due.key) && self.failing.may_try(&due.key, now);
        self.waiting = items.into_iter().filter(may_begin).collect();
    }

    fn start<I: Io, W: Worker>(&mut self, io: &I, worker: &W) {
        while self.tasks.len() < W::DUE_AT_ONCE
            && let Some(due) = self.waiting.pop_front()
        {
            let (io, worker) = (io.clone(), worker.clone());
            self.under_way.insert(due.key.clone());
            self.tasks.spawn(async move { wake(&io, &worker, due.key).await });
        }
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>, now: Timestamp) {
        // Panics are caught in `wake`, and nobody aborts a single task.
        let Ok((key, failure)) = ended else { return };
        self.under_way.remove(&key);
        self.failing.count(key, failure, now);
    }
}

/// What is due in all shards, oldest first, and whether a shard did not answer; the others are served anyway.
async fn ask<I: Io, W: Worker>(
    io: &I,
    shards: &[String],
    (now, most): (Timestamp, usize),
) -> (Vec<Due>, bool) {
    let pages = join_all(shards.iter().map(|shard| io.due(shard, now, most))).await;
    let mut items = Vec::new();
    let mut failure = None;
    for page in pages {
        match page {
            Ok(page) => items.extend(page),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = &failure {
        warn!(worker = W::NAME, %error, "the index of due items does not answer");
    }
    items.sort_by_key(|due| due.at);
    (items, failure.is_some())
}

async fn wake<I: Io, W: Worker>(io: &I, worker: &W, key: Key) -> (Key, Option<String>) {
    // In a box, it is moved neither with the task nor when that ends: it has room for all that serving may come to.
    let ended = AssertUnwindSafe(Box::pin(worker.wake(io, &key))).catch_unwind().await;
    let failure = match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the handler panicked".to_owned()),
    };
    (key, failure)
}

/// Items that could not be served, with the number of failures and when each is tried again.
#[derive(Debug, Default)]
struct Failing(HashMap<Key, (u32, Timestamp)>);

impl Failing {
    fn may_try(&self, key: &Key, now: Timestamp) -> bool {
        self.0.get(key).is_none_or(|(_, not_before)| *not_before <= now)
    }

    fn count(&mut self, key: Key, failure: Option<String>, now: Timestamp) {
        let Some(failure) = failure else {
            self.0.remove(&key);
            return;
        };
        let failures = self.0.get(&key).map_or(0, |(failures, _)| *failures).saturating_add(1);
        if failures.is_power_of_two() {
            warn!(pk = key.pk, sk = key.sk, failures, failure, "a due item cannot be served");
        }
        let not_before = after(now, AFTER_FAILURE.after(failures, &key));
        self.0.insert(key, (failures, not_before));
    }

    /// Another instance may have served an item since, so its memory must not stay for ever.
    fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|_, (_, not_before)| now < after(*not_before, 2 * AFTER_FAILURE.longest));
    }
}

#[cfg(test)]
mod tests;
