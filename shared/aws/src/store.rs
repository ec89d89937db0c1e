//! The write that loses nothing: load, decide, compare and set, publish, remove from the outbox.
//!
//! A row and what must be told because of it are one write. Once that is stored, a failed publish does not
//! fail the change: the item lies in the index `due` until its outbox is empty, so any instance tells it later.
//! Publishing comes before removing, so a crash repeats an event rather than losing it; events carry an id by
//! which their reader drops repetitions.

mod at_once;
mod cache;
mod outbox;
mod wake;

use std::ops::ControlFlow;
use std::sync::Arc;

use drs_fleet_domain::keys::{Key, Range};
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::{Change, OUTBOX_LIMIT, Row, Stored, outbox_with};

use self::at_once::AtOnce;
use self::cache::Cache;
use self::outbox::due_of;
use crate::io::{CommitError, Io, Write};
use crate::metrics::Metrics;
use crate::verdict::{IoError, Neighbour, Verdict};

/// How often one change decides again because another writer was first.
const ROUNDS: usize = 8;

/// The rows of one kind. Clones share what this process last stored.
#[derive(Clone, Debug)]
pub struct Store<R> {
    cache: Cache<R>,
    metrics: Metrics,
}

/// What a change came to.
#[derive(Clone, Debug)]
pub struct Outcome<R> {
    stored: Option<Arc<Stored<R>>>,
    changed: bool,
}

impl<R> Outcome<R> {
    /// What is stored now; `None` when there is no such item.
    pub fn row(&self) -> Option<&R> {
        self.stored.as_deref().map(|stored| &stored.row)
    }

    /// Whether this call wrote. In [`Store::wake`]: whether this instance is the one that serves the timer.
    pub fn changed(&self) -> bool {
        self.changed
    }
}

impl<R: Row> Default for Store<R> {
    fn default() -> Self {
        Self::new(Metrics::default())
    }
}

impl<R: Row> Store<R> {
    /// A store that has nothing cached and counts into `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { cache: Cache::default(), metrics }
    }

    /// Remembers items that a query brought, so that changing them needs no read.
    pub fn remember(&self, items: impl IntoIterator<Item = Stored<R>>) {
        for item in items {
            self.cache.put_if_newer(Arc::new(item));
        }
    }

    /// Keeps nothing of an item that is seldom changed and large.
    pub fn release(&self, key: &Key) {
        self.cache.forget(key);
    }

    /// The item as this process last stored or read it, without asking the table.
    pub fn held(&self, key: &Key) -> Option<Arc<Stored<R>>> {
        self.cache.get(key)
    }

    /// The item as this process last stored or read it, else as the table has it; the table may have a newer one.
    ///
    /// # Errors
    /// Of the table.
    pub async fn known<I: Io>(&self, io: &I, key: &Key) -> Result<Option<Arc<Stored<R>>>, IoError> {
        match self.cache.get(key) {
            Some(cached) => Ok(Some(cached)),
            None => self.read(io, key).await,
        }
    }

    /// What the table holds now, which this process knows from then on.
    ///
    /// # Errors
    /// Of the table.
    pub async fn fresh<I: Io>(&self, io: &I, key: &Key) -> Result<Option<Arc<Stored<R>>>, IoError> {
        let before = self.cache.rev(key);
        let mut found = io.read::<AtOnce<R>>(std::slice::from_ref(key)).await?;
        Ok(self.found(key, found.pop().flatten().map(|found| Box::new(at_once::row(found))), before))
    }

    /// The items of a range as the table holds them now, each of which costs twice what a query that may be late costs.
    ///
    /// # Errors
    /// Of the table.
    pub async fn all_now<I: Io>(&self, io: &I, range: &Range) -> Result<Vec<Stored<R>>, IoError> {
        Ok(io.query::<AtOnce<R>>(range).await?.into_iter().map(at_once::row).collect())
    }

    /// Changes one item: `decide` gets the stored row (`None`: no item) and answers the change, or `None` when
    /// there is nothing to do. It is called again when another writer was first.
    ///
    /// # Errors
    /// Of the table: [`Verdict::Conflict`] when other writers were first again and again. Of the bus only when
    /// it has failed for so long that the outbox is full.
    pub async fn change<I: Io>(
        &self,
        io: &I,
        key: &Key,
        decide: impl FnMut(Option<&R>) -> Option<Change<R>>,
    ) -> Result<Outcome<R>, IoError> {
        let stored = self.known(io, key).await?;
        self.decide(io, key, stored, decide).await
    }

    /// As [`Store::change`], where "nothing to do" may become wrong with time: it is decided on what the table
    /// holds now, and never on what this process remembers. A claim that another instance gave back is such a thing.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub async fn change_now<I: Io>(
        &self,
        io: &I,
        key: &Key,
        decide: impl FnMut(Option<&R>) -> Option<Change<R>>,
    ) -> Result<Outcome<R>, IoError> {
        let stored = self.fresh(io, key).await?;
        self.decide(io, key, stored, decide).await
    }

    async fn decide<I: Io>(
        &self,
        io: &I,
        key: &Key,
        mut stored: Option<Arc<Stored<R>>>,
        mut decide: impl FnMut(Option<&R>) -> Option<Change<R>>,
    ) -> Result<Outcome<R>, IoError> {
        for _ in 0..ROUNDS {
            let Some(change) = decide(stored.as_deref().map(|stored| &stored.row)) else {
                self.metrics.count(|counted| counted.stale += 1);
                if let Some(stored) = &stored {
                    self.tell(io, stored).await;
                }
                return Ok(Outcome { stored, changed: false });
            };
            let stubborn = is_planted(Bug::WrittenWithoutCondition).then(|| change.clone());
            match self.attempt(io, key, stored, change).await? {
                ControlFlow::Break(outcome) => return Ok(outcome),
                ControlFlow::Continue(found) => stored = found,
            }
            if let Some(change) = stubborn
                && let ControlFlow::Break(outcome) = self.attempt(io, key, stored.clone(), change).await?
            {
                return Ok(outcome);
            }
        }
        Err(contended(key))
    }

    /// Writes and tells; where another writer was first, goes on with what that one stored.
    async fn attempt<I: Io>(
        &self,
        io: &I,
        key: &Key,
        stored: Option<Arc<Stored<R>>>,
        change: Change<R>,
    ) -> Result<ControlFlow<Outcome<R>, Option<Arc<Stored<R>>>>, IoError> {
        let before = stored.as_ref().map(|stored| stored.rev);
        match self.write(io, stored, change).await {
            Ok(written) => {
                self.tell(io, &written).await;
                Ok(ControlFlow::Break(Outcome { stored: Some(written), changed: true }))
            }
            Err(CommitError::Conflict(found)) if is_planted(Bug::ConflictTakenForWrite) => {
                Ok(ControlFlow::Break(Outcome { stored: self.found(key, found, before), changed: true }))
            }
            Err(CommitError::Conflict(found)) => Ok(ControlFlow::Continue(self.found(key, found, before))),
            Err(CommitError::Io(error)) => Err(error),
        }
    }

    /// Deletes an item.
    ///
    /// # Errors
    /// Of the table.
    pub async fn forget<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        self.cache.forget(key);
        io.forget(key).await
    }

    /// What the table shows, unless this process knows what is newer: the read may be late.
    async fn read<I: Io>(&self, io: &I, key: &Key) -> Result<Option<Arc<Stored<R>>>, IoError> {
        let mut found = io.read::<R>(std::slice::from_ref(key)).await?;
        let Some(found) = found.pop().flatten() else {
            self.cache.forget(key);
            return Ok(None);
        };
        Ok(Some(self.cache.put_if_newer(Arc::new(found))))
    }

    async fn write<I: Io>(
        &self,
        io: &I,
        before: Option<Arc<Stored<R>>>,
        change: Change<R>,
    ) -> Result<Arc<Stored<R>>, CommitError<R>> {
        let mut outbox_before = before.as_ref().map(|stored| stored.outbox.clone()).unwrap_or_default();
        let mut outbox = outbox_with(&outbox_before, &change.tell);
        if let Some(before) = &before
            && outbox.len() > OUTBOX_LIMIT
        {
            // The bus has failed for long: the item must not outgrow its limit, and nothing may be dropped.
            self.publish(io, before).await?;
            outbox_before.clear();
            outbox = outbox_with(&outbox_before, &change.tell);
        }
        if is_planted(Bug::PublishedBeforeStored) {
            io.publish(&change.tell).await?;
            outbox.clone_from(&outbox_before);
        }
        let due = due_of(&change.row, &outbox, io.now());
        let told = is_planted(Bug::OutboxNotStored).then(|| std::mem::take(&mut outbox));
        let expected = before.map(|stored| stored.rev);
        let write = Write { row: &change.row, expected, outbox_before: &outbox_before, outbox: &outbox, due };
        let rev = io.commit(write).await?;
        let outbox = told.unwrap_or(outbox);
        Ok(self.remember_written(Stored { row: change.row, rev, outbox }, expected))
    }

    /// What was written in place of revision `before`; the answer may come after that to a later write.
    fn remember_written(&self, stored: Stored<R>, before: Option<u64>) -> Arc<Stored<R>> {
        let stored = Arc::new(stored);
        self.cache.put_found(stored.clone(), before);
        stored
    }

    /// What the table holds for a key, as it has just said; this process knew revision `before` when it asked.
    fn found(&self, key: &Key, found: Option<Box<Stored<R>>>, before: Option<u64>) -> Option<Arc<Stored<R>>> {
        let Some(found) = found else {
            self.cache.forget(key);
            return None;
        };
        let found = Arc::new(*found);
        self.cache.put_found(found.clone(), before);
        Some(found)
    }
}

fn contended(key: &Key) -> IoError {
    let message = format!("other writers of {}/{} were first {ROUNDS} times", key.pk, key.sk);
    // Not transient: one hot key is no sign that the table is down.
    IoError::new(Neighbour::Table, "change", Verdict::Conflict, message)
}

#[cfg(test)]
mod tests;
