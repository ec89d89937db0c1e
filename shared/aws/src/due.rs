//! Timers and unfinished outboxes: asks the index `due` each second for items whose time has come.
//!
//! Every instance asks for everything; whoever claims an item by its revision serves it (`Store::wake`). So a
//! timer needs no owner, and an instance that dies leaves its timers to the others. An item that cannot be
//! served is tried again later and later, and holds none of the others.

use std::collections::HashMap;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use drs_fleet_domain::keys::{Key, due_shards};
use futures::future::join_all;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backoff::Delays;
use crate::io::{Due, Io};
use crate::time::after;
use crate::worker::Worker;

const EVERY: Duration = Duration::from_secs(1);

/// Items of one shard per round; what is left comes with the next.
const PAGE: usize = 100;

/// Items served at the same time.
const AT_ONCE: usize = 16;

const AFTER_FAILURE: Delays = Delays { first: Duration::from_secs(2), longest: Duration::from_mins(1) };

/// Serves the worker's due items until `stop`; what is being served then is finished.
pub async fn serve_due<I: Io, W: Worker>(io: I, worker: W, stop: CancellationToken) {
    let mut failing = Failing::default();
    let mut failed_rounds = 0_u32;
    loop {
        let pause = if failed_rounds == 0 { EVERY } else { AFTER_FAILURE.after(failed_rounds, &W::NAME) };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = io.sleep(pause) => {}
        }
        let now = io.now();
        let (mut items, index_failed) = ask::<I, W>(&io, now).await;
        failed_rounds = if index_failed { failed_rounds.saturating_add(1) } else { 0 };

        items.retain(|due| failing.may_try(&due.key, now));
        let not_begun = stream::iter(items).take_while(|_| ready(!stop.is_cancelled()));
        let mut served = not_begun.map(|due| wake(&io, &worker, due.key)).buffer_unordered(AT_ONCE);
        while let Some((key, failure)) = served.next().await {
            failing.count(key, failure, io.now());
        }
        failing.forget_old(now);
    }
}

/// What is due in all shards, oldest first, and whether a shard did not answer; the others are served anyway.
async fn ask<I: Io, W: Worker>(io: &I, now: Timestamp) -> (Vec<Due>, bool) {
    let shards: Vec<String> = due_shards(W::NAME).collect();
    let pages = join_all(shards.iter().map(|shard| io.due(shard, now, PAGE))).await;
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
    let ended = AssertUnwindSafe(worker.wake(io, &key)).catch_unwind().await;
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
