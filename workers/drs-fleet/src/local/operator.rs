//! What another command needs to be the operator of the running local cloud.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use drs_fleet::fleet::{Fleet, Simulated};
use drs_fleet_aws::config::HUB_BUS;
use drs_fleet_aws::connect::Keys;
use drs_fleet_local::Clock;
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
    /// The bus.
    pub(crate) bus: String,
    /// URL of each worker's queue.
    pub(crate) queues: BTreeMap<String, String>,
    /// What the local cloud's clock shows.
    pub(crate) now: Timestamp,
    /// Simulated seconds in each real one.
    pub(crate) speed: f64,
}

impl Operator {
    /// Makes sessions of the operator's role, for other commands.
    pub(crate) fn sessions_of(fleet: &Fleet) -> impl Fn() -> anyhow::Result<Self> + Send + Sync + 'static {
        let (estate, settings) = (fleet.estate.clone(), fleet.settings().clone());
        let (endpoint, clock) = (fleet.endpoint().to_owned(), fleet.world.clock.clone());
        let queues: BTreeMap<_, _> =
            settings.workers.into_iter().map(|(name, queues)| (name, queues.queue_url)).collect();
        move || {
            let keys = estate.session("OperatorRoleArn", "cli")?;
            Ok(Self {
                endpoint: endpoint.clone(),
                region: estate.plan.region.clone(),
                access_key_id: keys.access_key_id,
                secret_access_key: keys.secret_access_key,
                session_token: keys.session_token,
                table: settings.table.clone(),
                bus: settings.bus.clone().unwrap_or_else(|| HUB_BUS.to_owned()),
                queues: queues.clone(),
                now: clock.now(),
                speed: clock.speed(),
            })
        }
    }

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
