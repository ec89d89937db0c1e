//! Items whose due time has come: what their outbox still holds, and their timers.

use std::ops::ControlFlow;
use std::sync::Arc;

use drs_fleet_domain::keys::Key;
use drs_fleet_domain::row::{Change, Row, Stored};

use super::outbox::look_again;
use super::{Outcome, ROUNDS, Store, contended};
use crate::io::{CommitError, Io, Write};
use crate::verdict::IoError;

impl<R: Row> Store<R> {
    /// Serves an item whose due time has come: publishes what its outbox still holds and, if the time of
    /// [`Row::wake_at`] has come, applies `decide`. Every write is a claim by revision, so of several
    /// instances one serves it: [`Outcome::changed`] says whether this one did.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub async fn wake<I: Io>(
        &self,
        io: &I,
        key: &Key,
        mut decide: impl FnMut(&R) -> Option<Change<R>>,
    ) -> Result<Outcome<R>, IoError> {
        let mut stored = self.read(io, key).await?;
        for _ in 0..ROUNDS {
            let Some(current) = stored else { return Ok(Outcome { stored: None, changed: false }) };
            let timer_rang = current.row.wake_at().is_some_and(|at| at <= io.now());
            let change = if timer_rang { decide(&current.row) } else { None };
            let Some(change) = change else {
                let stored = self.quieten(io, current, timer_rang).await?;
                return Ok(Outcome { stored, changed: false });
            };
            match self.attempt(io, key, Some(current), change).await? {
                ControlFlow::Break(outcome) => return Ok(outcome),
                ControlFlow::Continue(found) => stored = found,
            }
        }
        Err(contended(key))
    }

    /// An item in the index `due` whose row asks for nothing: publishes its outbox, or sets the entry right.
    async fn quieten<I: Io>(
        &self,
        io: &I,
        current: Arc<Stored<R>>,
        timer_rang: bool,
    ) -> Result<Option<Arc<Stored<R>>>, IoError> {
        let later = look_again(io.now());
        if current.outbox.is_empty() {
            let due = if timer_rang { Some(later) } else { current.row.wake_at() };
            io.published(&current.row.key(), current.rev, &[], due).await?;
            return Ok(Some(current));
        }
        // Without the claim, every instance that saw the entry would publish.
        let claim = Write {
            row: &current.row,
            expected: Some(current.rev),
            outbox_before: &current.outbox,
            outbox: &current.outbox,
            due: Some(later),
        };
        match io.commit(claim).await {
            Ok(rev) => {
                let claimed =
                    self.remember_written(Stored { rev, ..Stored::clone(&current) }, Some(current.rev));
                self.tell(io, &claimed).await;
                Ok(Some(claimed))
            }
            Err(CommitError::Conflict(found)) => Ok(self.found(&current.row.key(), found, Some(current.rev))),
            Err(CommitError::Io(error)) => Err(error),
        }
    }
}
