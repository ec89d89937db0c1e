//! The account registry as processes hold it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drs_fleet_domain::keys;
use drs_fleet_domain::registry::{AccountRow, Registry};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::io::Io;
use crate::time::after;
use crate::verdict::IoError;

mod edit;
#[cfg(test)]
mod tests;
mod validate;

pub use edit::{EditError, RegistryEditor, WriteToken};
pub use validate::{Check, Outcome, Report, What};

/// How old the registry may be that a worker decides with.
pub const REFRESH: Duration = Duration::from_mins(1);
/// When a refresh that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The registry, read again when it is older than [`REFRESH`]. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RegistryCache(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<Held>,
    /// Held by whoever reads the table; others go on with what there is.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    registry: Option<Arc<Registry>>,
    refresh_at: Timestamp,
}

impl RegistryCache {
    /// The registry, at most about [`REFRESH`] old; older while the table does not answer.
    ///
    /// # Errors
    /// [`IoError`] of the table when it was never read successfully.
    pub async fn current<I: Io>(&self, io: &I) -> Result<Arc<Registry>, IoError> {
        let (held, now) = (self.held(), io.now());
        let Some(registry) = held.registry else {
            let _turn = self.0.reading.lock().await;
            // Whoever had the turn before may have read it.
            return match self.held().registry {
                Some(registry) => Ok(registry),
                None => self.refresh(io).await,
            };
        };
        if now < held.refresh_at {
            return Ok(registry);
        }
        let Ok(_turn) = self.0.reading.try_lock() else { return Ok(registry) };
        Ok(self.refresh(io).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the account registry cannot be read; going on with the last one");
            self.hold(Arc::clone(&registry), after(now, RETRY));
            registry
        }))
    }

    /// Has the registry read again at the next look.
    pub fn forget(&self) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).refresh_at = Timestamp::default();
    }

    async fn refresh<I: Io>(&self, io: &I) -> Result<Arc<Registry>, IoError> {
        let registry = Arc::new(load(io).await?);
        self.hold(Arc::clone(&registry), after(io.now(), REFRESH));
        Ok(registry)
    }

    fn held(&self) -> Held {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, registry: Arc<Registry>, refresh_at: Timestamp) {
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) =
            Held { registry: Some(registry), refresh_at };
    }
}

/// Reads the whole registry.
///
/// # Errors
/// [`IoError`] of the table.
pub async fn load<I: Io>(io: &I) -> Result<Registry, IoError> {
    let ranges = keys::accounts();
    let parts = try_join_all(ranges.iter().map(|range| io.query::<AccountRow>(range))).await?;
    Ok(parts.into_iter().flatten().map(|stored| stored.row).collect())
}
