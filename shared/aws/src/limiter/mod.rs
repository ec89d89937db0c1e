//! One limiter per account and process, for all calls into the account: a bulkhead, so that an account that hangs or
//! throttles slows nobody but itself.
//!
//! - At most [`AT_ONCE`] calls of an account are under way, in all its Regions: so many hang where it hangs, until
//!   they meet the time limit of a call.
//! - They begin at a rate that is learnt (`pace.rs`), for each [`Service`] its own: without a limit until the first
//!   throttle. An account whose Service Quotas throttle is swept as fast as ever.
//! - A call that will not begin within [`PATIENCE`], as far as is known, or would be behind [`WAITING`] others, is not
//!   queued: it fails at once as `Throttled` with a time to come back after, so that the consume loop gives its place
//!   to others.
//!
//! Time is tokio's, for it is AWS's real time that counts, whatever clock the worker has.

mod pace;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::ids::AccountId;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use self::pace::Pace;
use crate::verdict::{IoError, Neighbour, Verdict};

/// Calls of one account that are under way at the same time.
pub const AT_ONCE: usize = 4;
/// Calls of one account that wait for their turn.
pub const WAITING: usize = 12;
/// How long a call waits for its turn at most.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A call that finds too many waiting comes back after this at least.
const SOON: Duration = Duration::from_millis(100);

/// The limiters of all accounts. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Limiter(Arc<Mutex<HashMap<AccountId, Arc<Account>>>>);

/// Whose rate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// DRS.
    Drs,
    /// Service Quotas.
    Quotas,
    /// Resource Groups Tagging.
    Tagging,
    /// EC2.
    Ec2,
}

#[derive(Debug)]
struct Account {
    turns: Semaphore,
    waiting: AtomicUsize,
    drs: Mutex<Pace>,
    quotas: Mutex<Pace>,
    tagging: Mutex<Pace>,
    ec2: Mutex<Pace>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            waiting: AtomicUsize::default(),
            drs: Mutex::default(),
            quotas: Mutex::default(),
            tagging: Mutex::default(),
            ec2: Mutex::default(),
        }
    }
}

impl Limiter {
    /// Makes a call into `account` when its turn has come, and learns from how it ends.
    ///
    /// # Errors
    /// Of the call; [`Verdict::Throttled`] with `retry_after` when its turn does not come soon.
    pub async fn call<T>(
        &self,
        account: &AccountId,
        service: Service,
        operation: &'static str,
        call: impl Future<Output = Result<T, IoError>>,
    ) -> Result<T, IoError> {
        let limit = self.of(account);
        let turn = limit.turn(service).await;
        let _turn = turn.map_err(|wait| refused(account, operation, wait))?;
        let begun = Instant::now();
        let answer = call.await;
        limit.learn(service, begun, &answer);
        answer
    }

    fn of(&self, account: &AccountId) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.get(account) {
            return Arc::clone(known);
        }
        Arc::clone(accounts.entry(account.clone()).or_default())
    }
}

impl Account {
    /// Waits for a turn. The error is how long that would take.
    async fn turn(&self, service: Service) -> Result<SemaphorePermit<'_>, Duration> {
        let deadline = Instant::now() + PATIENCE;
        self.until_begin(service, deadline)?;
        let waiting = self.join_the_queue(service)?;
        let Ok(Ok(turn)) = timeout_at(deadline, self.turns.acquire()).await else { return Err(PATIENCE) };
        drop(waiting);
        let mut at = self.begin_by(service, deadline)?;
        loop {
            if at > Instant::now() {
                sleep_until(at).await;
            }
            // A call that ended meanwhile may have been told to wait.
            if !self.pace(service).holds(Instant::now()) {
                return Ok(turn);
            }
            at = self.until_begin(service, deadline)?;
        }
    }

    fn begin_by(&self, service: Service, deadline: Instant) -> Result<Instant, Duration> {
        let at = self.until_begin(service, deadline)?;
        self.pace(service).begin(at);
        Ok(at)
    }

    /// When a call may begin, if that is not after the deadline.
    fn until_begin(&self, service: Service, deadline: Instant) -> Result<Instant, Duration> {
        let now = Instant::now();
        let at = self.pace(service).earliest(now);
        if at <= deadline { Ok(at) } else { Err(at - now) }
    }

    fn join_the_queue(&self, service: Service) -> Result<Waiting<'_>, Duration> {
        // The guard takes back also what turns out to be one too many.
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if self.turns.available_permits() > 0 {
            return Ok(waiting);
        }
        let takes = self.pace(service).takes();
        let behind = |others: usize| takes.mul_f64(others as f64 / AT_ONCE as f64);
        if before >= WAITING || behind(before + 1) > PATIENCE {
            return Err(behind(WAITING).clamp(SOON, PATIENCE));
        }
        Ok(waiting)
    }

    fn learn<T>(&self, service: Service, begun: Instant, answer: &Result<T, IoError>) {
        let now = Instant::now();
        self.pace(service).took(now - begun);
        match answer {
            Err(error) if error.neighbour == Neighbour::Spoke && error.verdict == Verdict::Throttled => {
                self.pace(service).throttled(begun, error.retry_after, now);
            }
            // A time-out says nothing about the rate.
            Err(error) if error.verdict == Verdict::Transient => {}
            _ => self.pace(service).went_through(now),
        }
    }

    fn pace(&self, service: Service) -> MutexGuard<'_, Pace> {
        let pace = match service {
            Service::Drs => &self.drs,
            Service::Quotas => &self.quotas,
            Service::Tagging => &self.tagging,
            Service::Ec2 => &self.ec2,
        };
        pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in the queue, until it begins or gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn refused(account: &AccountId, operation: &'static str, wait: Duration) -> IoError {
    let message = format!(
        "not called: account {account} is slow or throttles, and a turn would come in {:.1} s or later",
        wait.as_secs_f64()
    );
    let error = IoError::new(Neighbour::Spoke, operation, Verdict::Throttled, message);
    IoError { retry_after: Some(wait), ..error }
}
