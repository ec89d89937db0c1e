//! The claim of a sweep, which its holder renews while it gets on: a page that DRS throttles may be waited for longer than
//! a claim lasts.

use std::time::Duration;

use drs_fleet_domain::keys::Key;
use drs_fleet_domain::sweep::{Claimed, Sweeping};

use crate::io::Io;
use crate::patience;
use crate::store::Store;
use crate::verdict::IoError;

/// A claim this old is renewed: so that most sweeps, which take seconds, write nothing for it, and that the longest wait
/// between two looks at it fits into what is left.
const OLD: Duration = Duration::from_secs(30);

/// A sweep that this process has claimed.
#[derive(Debug)]
pub struct Holding<R> {
    claim: Sweeping,
    store: Store<R>,
    key: Key,
}

/// Why a sweep does not come to its end.
#[derive(Debug)]
pub enum Stopped {
    /// Something cannot be read or written.
    Failed(IoError),
    /// It took so long that another has claimed it.
    Overtaken,
}

impl From<IoError> for Stopped {
    fn from(error: IoError) -> Self {
        Self::Failed(error)
    }
}

impl<R: Claimed> Holding<R> {
    /// Of what is claimed on an item of `store`.
    pub fn of(claim: Sweeping, store: &Store<R>, key: Key) -> Self {
        Self { claim, store: store.clone(), key }
    }

    /// The claim as it was renewed last.
    pub fn claim(&self) -> &Sweeping {
        &self.claim
    }

    /// The sweep gets on.
    ///
    /// # Errors
    /// Of the table, and when another has taken the sweep over.
    pub async fn goes_on<I: Io>(&mut self, io: &I) -> Result<(), Stopped> {
        let now = io.now();
        if self.claim.since.checked_add(OLD).is_ok_and(|old| now < old) {
            return Ok(());
        }
        let renew = |row: Option<&R>| R::renewed(row, &self.claim, now);
        let renewed = self.store.change(io, &self.key, renew).await?;
        let claim = renewed.row().filter(|_| renewed.changed()).and_then(|row| row.sweeping().cloned());
        self.claim = claim.ok_or(Stopped::Overtaken)?;
        Ok(())
    }

    /// As [`patience::patiently`], while the claim is kept. The loop that called us keeps the lease of the request.
    ///
    /// # Errors
    /// Of the call, and as [`Holding::goes_on`].
    pub async fn patiently<I: Io, T, Call>(
        &mut self,
        io: &I,
        mut call: impl FnMut() -> Call,
    ) -> Result<T, Stopped>
    where
        Call: Future<Output = Result<T, IoError>>,
    {
        for _ in 0..patience::REPETITIONS {
            self.goes_on(io).await?;
            let answer = call().await;
            match answer.as_ref().err().and_then(patience::wait) {
                Some(time) => io.sleep(time).await,
                None => return Ok(answer?),
            }
        }
        Ok(call().await?)
    }
}
