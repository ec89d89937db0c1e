//! The quotas of a place: read from Service Quotas every few hours by one instance for all. That they cannot be read is
//! in the table too, so that no instance asks an account that refuses with every sweep.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::quota::{self, QuotasRow};

use crate::CapacityTracker;

/// The quotas of a place. Where Service Quotas does not answer those read last are used, and none where they never
/// were: a count by the documented quota is better than none.
pub(crate) async fn current<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
) -> Result<Option<QuotasRow>, IoError> {
    let (key, now) = (keys::quotas(place), io.now());
    if let Some(held) = worker.quotas.held(&key).filter(|held| !held.row.is_old(now)) {
        return Ok(Some(held.row.clone()));
    }
    // Another instance may have read them.
    let stored = worker.quotas.fresh(io, &key).await?.map(|stored| stored.row.clone());
    if stored.as_ref().is_some_and(|row| !row.is_old(now)) {
        return Ok(stored);
    }
    match io.quotas(place).await {
        Ok(seen) => {
            let decide = |row: Option<&QuotasRow>| quota::decide(place, &seen, now, row);
            Ok(worker.quotas.change(io, &key, decide).await?.row().cloned())
        }
        Err(error) => {
            tracing::warn!(%place, %error, "the quotas cannot be read; going on with the last ones");
            // A call that was lost on its way says nothing of the next sweep's.
            if error.verdict == Verdict::Transient {
                return Ok(stored);
            }
            let failed = |row: Option<&QuotasRow>| quota::failed(place, now, row);
            Ok(worker.quotas.change(io, &key, failed).await?.row().cloned())
        }
    }
}
