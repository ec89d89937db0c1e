//! The account registry as processes hold it.

use drs_fleet_domain::keys;
use drs_fleet_domain::registry::{AccountRow, Registry};
use futures::future::try_join_all;

use crate::cached::{Cached, Held};
use crate::io::Io;
use crate::verdict::IoError;

mod edit;
#[cfg(test)]
mod tests;
mod validate;

pub use edit::{EditError, RegistryEditor, WriteToken};
pub use validate::{Check, Outcome, Report, What};

/// The registry as a process holds it.
pub type RegistryCache = Cached<Registry>;

impl Held for Registry {
    const NAME: &'static str = "the account registry";

    async fn load<I: Io>(io: &I) -> Result<Self, IoError> {
        load(io).await
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
