//! What decisions look at besides the rows.

use std::sync::Arc;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::job::{self, JobServerRow, Purpose};
use drs_fleet_domain::job_sweep;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::pace::History;
use drs_fleet_domain::policy::{Limits, Policy, SetBy};
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::recovery;
use drs_fleet_domain::registry::Registry;
use jiff::Timestamp;

use crate::JobMonitor;

/// What is known of the company, of one account, and of earlier jobs.
pub(crate) struct Known {
    registry: Arc<Registry>,
    pub(crate) policy: Arc<Policy>,
    history: Arc<History>,
    pub(crate) limits: Limits,
    place: Place,
    /// Our time.
    pub(crate) now: Timestamp,
}

impl Known {
    /// Of a place, as this process holds it.
    pub(crate) async fn of<I: Io>(worker: &JobMonitor, io: &I, place: &Place) -> Result<Self, IoError> {
        let policy = worker.policy.current(io).await?;
        Ok(Self {
            registry: worker.registry.current(io).await?,
            history: worker.history.current(io).await?,
            limits: policy.of_account(&place.account),
            policy,
            place: place.clone(),
            now: io.now(),
        })
    }

    /// As [`Known::of`], for what time brings: an account may be newer than the registry that is held.
    pub(crate) async fn fresh<I: Io>(worker: &JobMonitor, io: &I, place: &Place) -> Result<Self, IoError> {
        let known = Self::of(worker, io, place).await?;
        if known.is_watched() {
            return Ok(known);
        }
        worker.registry.forget();
        Self::of(worker, io, place).await
    }

    /// Whether anything of the place is judged: nothing is of an account that was switched off or removed.
    pub(crate) fn is_watched(&self) -> bool {
        self.registry.is_swept(&self.place)
    }

    /// To decide on a job of this purpose.
    pub(crate) fn job<'a>(
        &'a self,
        purpose: Purpose,
        servers: &'a [JobServerRow],
        looked: bool,
    ) -> job::Context<'a> {
        job::Context {
            stuck_after: self.stuck_after(purpose),
            usual: self.history.usual(purpose),
            servers,
            looked,
            watched: self.is_watched(),
            ..job::Context::new(self.account_name(), &self.limits, self.now)
        }
    }

    /// To decide on the jobs of the place as a whole.
    pub(crate) fn jobs<'a>(&'a self, quotas: Option<&'a QuotasRow>) -> job_sweep::Context<'a> {
        job_sweep::Context {
            account_name: self.account_name(),
            limits: &self.limits,
            quotas,
            watched: self.is_watched(),
            now: self.now,
        }
    }

    /// To decide on a recovery instance; `swept_at` is the last complete sweep of them.
    pub(crate) fn recovery(&self, swept_at: Option<Timestamp>) -> recovery::Context<'_> {
        recovery::Context {
            account_name: self.account_name(),
            limits: &self.limits,
            swept_at,
            watched: self.is_watched(),
            now: self.now,
        }
    }

    /// What is set outweighs what is learnt.
    fn stuck_after(&self, purpose: Purpose) -> Duration {
        let learnt = match self.policy.origin(&self.place.account, "job_stuck_after") {
            SetBy::Default => self.history.stuck_after(purpose),
            SetBy::Fleet | SetBy::Override(_) => None,
        };
        learnt.unwrap_or(self.limits.job_stuck_after)
    }

    fn account_name(&self) -> &str {
        self.registry.account_name(&self.place.account)
    }
}
