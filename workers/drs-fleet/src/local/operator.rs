//! What another command needs to be the operator of the running local cloud.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::connect::Keys;
use drs_fleet_aws::time::Time;
use drs_fleet_local::Clock;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address;

/// A session of the operator's role, and where to use it. Its keys open nothing outside of the local cloud.
#[derive(Serialize, Deserialize)]
pub(crate) struct Operator {
    /// Of all services.
    pub(crate) endpoint: String,
    /// The hub's.
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    /// The table.
    pub(crate) table: String,
    /// URL of each worker's queue.
    pub(crate) queues: BTreeMap<String, String>,
    /// What the local cloud's clock shows.
    pub(crate) now: Timestamp,
    /// Simulated seconds in each real one.
    pub(crate) speed: f64,
}

impl Operator {
    /// Asks the local cloud that was started last.
    pub(crate) async fn of_the_running_cloud() -> anyhow::Result<Self> {
        let at = address::last().context("no local cloud is running: start one with `drs-fleet local`")?;
        Self::at(&at).await
    }

    /// Asks the local cloud whose page is there.
    pub(crate) async fn at(at: &str) -> anyhow::Result<Self> {
        let asked = address::client()?.get(format!("{at}/operator.json")).send().await;
        let answer =
            asked.with_context(|| format!("no local cloud answers at {at}: is it still running?"))?;
        let admitted = answer.status().is_success();
        let text = answer.text().await.context("the local cloud's answer broke off")?;
        if !admitted {
            bail!("the local cloud admits no operator: {text}");
        }
        serde_json::from_str(&text).context("the local cloud is of another version of drs-fleet")
    }

    /// The session's keys.
    pub(crate) fn keys(&self) -> Keys {
        Keys {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
            session_token: self.session_token.clone(),
        }
    }

    /// The local cloud's time, from here on.
    pub(crate) fn time(&self) -> Simulated {
        Simulated(Clock::starting(self.now, self.speed))
    }
}

/// The simulated clock as workers and commands see it.
#[derive(Debug)]
pub(crate) struct Simulated(pub(crate) Clock);

impl Time for Simulated {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let clock = self.0.clone();
        Box::pin(async move { clock.sleep(time).await })
    }
}
