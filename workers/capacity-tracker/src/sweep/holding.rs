//! The claim of a sweep, which its holder renews while it gets on: a page that DRS throttles may be waited for longer than
//! a claim lasts.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place;
use drs_fleet_domain::sweep::Sweeping;

use crate::CapacityTracker;

/// A claim this old is renewed: so that most sweeps, which take seconds, write nothing for it, and that the longest wait
/// between two looks at it fits into what is left.
const OLD: Duration = Duration::from_secs(30);

/// A sweep that this process has claimed.
pub(super) struct Holding(Sweeping);

/// Why a sweep does not come to its end.
pub(super) enum Stopped {
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

impl Holding {
    pub(super) fn of(claim: Sweeping) -> Self {
        Self(claim)
    }

    /// The sweep gets on.
    pub(super) async fn goes_on<I: Io>(
        &mut self,
        worker: &CapacityTracker,
        io: &I,
        place: &Place,
    ) -> Result<(), Stopped> {
        let now = io.now();
        if self.0.since.checked_add(OLD).is_ok_and(|old| now < old) {
            return Ok(());
        }
        let renew = |row: Option<&_>| place::renew(row, &self.0, now);
        let renewed = worker.places.change(io, &keys::place(place), renew).await?;
        let claim = renewed.row().filter(|_| renewed.changed()).and_then(|row| row.sweeping.clone());
        self.0 = claim.ok_or(Stopped::Overtaken)?;
        Ok(())
    }
}
