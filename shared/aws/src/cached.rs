//! What workers decide with and people change seldom: the account registry, the policy. Read again every minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::keys;
use drs_fleet_domain::notify::{Routes, RoutesRow};
use drs_fleet_domain::pace::{History, PaceRow};
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::tags::TagPolicy;
use drs_fleet_domain::tags::rules::TagPolicyRow;
use jiff::Timestamp;

use crate::io::{Io, READ_AT_ONCE};
use crate::time::after;
use crate::verdict::IoError;
use crate::{policy, registry};

/// How old may be what a worker decides with.
pub const REFRESH: Duration = Duration::from_mins(1);
/// When a refresh that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// What can be held for a minute.
pub trait Held: std::fmt::Debug + Send + Sync + 'static {
    /// For logs.
    const NAME: &'static str;

    /// Reads it from the table.
    ///
    /// # Errors
    /// [`IoError`] of the table.
    fn load<I: Io>(io: &I) -> impl Future<Output = Result<Self, IoError>> + Send
    where
        Self: Sized;
}

/// Something that is read again when it is older than [`REFRESH`]. Clones share it.
#[derive(Debug)]
pub struct Cached<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    slot: Mutex<Slot<T>>,
    /// Held by whoever reads the table; others go on with what there is.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<Arc<T>>,
    refresh_at: Timestamp,
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        let slot = Mutex::new(Slot { value: None, refresh_at: Timestamp::default() });
        Self(Arc::new(Shared { slot, reading: tokio::sync::Mutex::default() }))
    }
}

impl<T: Held> Cached<T> {
    /// The value, at most about [`REFRESH`] old; older while the table does not answer.
    ///
    /// # Errors
    /// [`IoError`] of the table when it was never read successfully.
    pub async fn current<I: Io>(&self, io: &I) -> Result<Arc<T>, IoError> {
        let (value, refresh_at) = self.held();
        let now = io.now();
        let Some(value) = value else {
            let _turn = self.0.reading.lock().await;
            // Whoever had the turn before may have read it.
            return match self.held().0 {
                Some(value) => Ok(value),
                None => self.refresh(io).await,
            };
        };
        if now < refresh_at {
            return Ok(value);
        }
        let Ok(_turn) = self.0.reading.try_lock() else { return Ok(value) };
        Ok(self.refresh(io).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "{} cannot be read; going on with the last one", T::NAME);
            self.hold(Arc::clone(&value), after(now, RETRY));
            value
        }))
    }

    /// Has it read again at the next look.
    pub fn forget(&self) {
        self.slot().refresh_at = Timestamp::default();
    }

    async fn refresh<I: Io>(&self, io: &I) -> Result<Arc<T>, IoError> {
        let value = Arc::new(T::load(io).await?);
        self.hold(Arc::clone(&value), after(io.now(), REFRESH));
        Ok(value)
    }

    fn held(&self) -> (Option<Arc<T>>, Timestamp) {
        let slot = self.slot();
        (slot.value.clone(), slot.refresh_at)
    }

    fn hold(&self, value: Arc<T>, refresh_at: Timestamp) {
        *self.slot() = Slot { value: Some(value), refresh_at };
    }

    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thresholds as a process holds them.
pub type PolicyCache = Cached<Policy>;

impl Held for Policy {
    const NAME: &'static str = "the policy";

    async fn load<I: Io>(io: &I) -> Result<Self, IoError> {
        policy::current::<PolicyRow>(io).await
    }
}

/// How long the fleet's jobs take, as a process holds it.
pub type HistoryCache = Cached<History>;

impl Held for History {
    const NAME: &'static str = "the history of jobs";

    async fn load<I: Io>(io: &I) -> Result<Self, IoError> {
        let keys: Vec<_> = registry::load(io).await?.drs_places().iter().map(keys::pace).collect();
        let mut rows = Vec::new();
        for keys in keys.chunks(READ_AT_ONCE) {
            rows.extend(io.read::<PaceRow>(keys).await?.into_iter().flatten().map(|stored| stored.row));
        }
        Ok(rows.into_iter().collect())
    }
}

/// The rules of tags as a process holds them.
pub type TagPolicyCache = Cached<TagPolicy>;

impl Held for TagPolicy {
    const NAME: &'static str = "the rules of tags";

    async fn load<I: Io>(io: &I) -> Result<Self, IoError> {
        policy::current::<TagPolicyRow>(io).await
    }
}

/// The routes of notifications as a process holds them.
pub type RoutesCache = Cached<Routes>;

impl Held for Routes {
    const NAME: &'static str = "the routes";

    async fn load<I: Io>(io: &I) -> Result<Self, IoError> {
        policy::current::<RoutesRow>(io).await
    }
}
