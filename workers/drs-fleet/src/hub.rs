//! How a command reaches the hub: AWS as the environment describes it, or the running local cloud.

use std::sync::Arc;

use anyhow::bail;
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::caller::Caller;
use drs_fleet_aws::config::{BadSettings, HUB_BUS, IoSettings, Settings, WorkerSettings};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::time::SystemTime;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::Worker;
use drs_fleet_aws::{connect, sweeps};
use drs_fleet_domain::keys::{Key, Place, Range};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::tags::TagRequest;
use job_monitor::JobMonitor;
use tag_sync::TagSync;

use crate::local::operator::Operator;

/// The workers that sweep servers and jobs.
const SWEEPERS: [&str; 2] = [CapacityTracker::NAME, JobMonitor::NAME];

const NEEDS: &str =
    "to reach the hub on AWS, set what is missing; to use the running `drs-fleet local`, add --local";

/// Which hub a command is for.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Reach {
    /// Use the running `drs-fleet local` instead of AWS
    #[arg(long, global = true)]
    local: bool,
}

/// The hub, seen with the operator's rights.
pub(crate) struct Hub {
    /// The table, the roles and the clock.
    pub(crate) io: SdkIo,
    /// For people: which table that is.
    pub(crate) table: String,
    bus: String,
    caller: Caller,
    /// By worker: its queue.
    sweepers: Vec<(&'static str, SdkIo)>,
}

impl Reach {
    /// Makes the clients; AWS is not called yet.
    pub(crate) async fn hub(self) -> anyhow::Result<Hub> {
        if self.local {
            return Ok(Hub::of_operator(&Operator::of_the_running_cloud().await?));
        }
        let config = connect::from_env().await;
        let region = config.region().map(ToString::to_string);
        let (Settings { table, bus, .. }, region) = told(Settings::from_env(&[]), region)?;
        let bus = bus.unwrap_or_else(|| HUB_BUS.to_owned());
        let queue = |worker: &str| std::env::var(queue_variable(worker)).ok().filter(|url| !url.is_empty());
        Ok(Hub::new((&table, &bus, &region), Caller::new(&config), queue, |io| {
            SdkIo::new(&config, io, Arc::new(SystemTime))
        }))
    }
}

impl Hub {
    /// The hub of the local cloud.
    pub(crate) fn of_operator(operator: &Operator) -> Self {
        let config = connect::at_endpoint(&operator.endpoint, &operator.region, operator.keys());
        let time = Arc::new(operator.time());
        let queue = |worker: &str| operator.queues.get(worker).cloned();
        let connect = |io| SdkIo::new(&config, io, time.clone());
        Self::new((&operator.table, &operator.bus, &operator.region), Caller::new(&config), queue, connect)
    }

    fn new(
        (table, bus, region): (&str, &str, &str),
        caller: Caller,
        queue: impl Fn(&str) -> Option<String>,
        connect: impl Fn(IoSettings) -> SdkIo,
    ) -> Self {
        let with = |queues| connect(settings(table, bus, queues));
        let sweeper = |worker: &'static str| {
            // Nothing is received, so nothing can come to a dead-letter queue.
            let queues = WorkerSettings { queue_url: queue(worker)?, dlq_url: String::new() };
            Some((worker, with(Some(queues))))
        };
        Self {
            io: with(None),
            table: format!("{table} in {region}"),
            bus: format!("{bus} in {region}"),
            caller,
            sweepers: SWEEPERS.into_iter().chain([TagSync::NAME]).filter_map(sweeper).collect(),
        }
    }

    /// A row, if it is there.
    pub(crate) async fn row<R: Row>(&self, key: Key) -> Result<Option<R>, IoError> {
        Ok(self.io.read::<R>(&[key]).await?.pop().flatten().map(|stored| stored.row))
    }

    /// All rows of a range.
    pub(crate) async fn rows<R: Row>(&self, range: &Range) -> Result<Vec<R>, IoError> {
        let found = self.io.query::<R>(range).await?;
        Ok(found.into_iter().map(|stored| stored.row).collect())
    }

    /// Says what cannot be read, for errors of the table.
    pub(crate) fn unreadable(&self) -> String {
        format!(
            "table {} cannot be read; the credentials must be those of the hub's role drs-fleet-operator",
            self.table
        )
    }

    /// Says what takes no event, for errors of the bus.
    pub(crate) fn unheard(&self) -> String {
        format!(
            "the bus {} takes no event; the credentials must be those of the hub's role drs-fleet-operator, of a stack of \
             this release",
            self.bus
        )
    }

    /// Who changes something: the caller's ARN, else the name of the user on this machine.
    pub(crate) async fn who(&self) -> String {
        let user = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        self.caller.arn().await.or_else(user).unwrap_or_else(|| "somebody".to_owned())
    }

    /// Asks the tag-sync to bring tags in line now; false when its queue is not known.
    pub(crate) async fn ask_for_tags(&self, requests: &[(Place, TagRequest)]) -> Result<bool, IoError> {
        let Some((_, io)) = self.sweepers.iter().find(|(worker, _)| *worker == TagSync::NAME) else {
            return Ok(false);
        };
        sweeps::ask_for_tags(io, requests).await.map(|()| true)
    }

    /// Asks the workers whose queues are known to sweep `places` now; answers which.
    pub(crate) async fn ask_sweeps(&self, places: &[Place]) -> Result<Vec<&'static str>, IoError> {
        let mut asked = Vec::new();
        for (worker, io) in self.sweepers.iter().filter(|(worker, _)| SWEEPERS.contains(worker)) {
            sweeps::ask(io, places).await?;
            asked.push(*worker);
        }
        Ok(asked)
    }
}

/// Settings and Region, or all that is missing.
fn told(
    settings: Result<Settings, BadSettings>,
    region: Option<String>,
) -> anyhow::Result<(Settings, String)> {
    const NO_REGION: &str = "AWS_REGION: is not set\n      the hub's Region, such as eu-central-1";
    match (settings, region) {
        (Ok(settings), Some(region)) => Ok((settings, region)),
        (Ok(_), None) => bail!("{NEEDS}\n  {NO_REGION}"),
        (Err(bad), Some(_)) => bail!("{NEEDS}\n{bad}"),
        (Err(bad), None) => bail!("{NEEDS}\n{bad}\n  {NO_REGION}"),
    }
}

/// The variables that [`Hub::ask_sweeps`] needs on AWS.
pub(crate) fn queue_variables() -> String {
    SWEEPERS.map(queue_variable).join(" and ")
}

/// The variable that [`Hub::ask_for_tags`] needs on AWS.
pub(crate) fn tag_queue_variable() -> String {
    queue_variable(TagSync::NAME)
}

/// As `run all` names it.
fn queue_variable(worker: &str) -> String {
    format!("DRS_FLEET_{}_QUEUE_URL", worker.to_uppercase().replace('-', "_"))
}

fn settings(table: &str, bus: &str, queues: Option<WorkerSettings>) -> IoSettings {
    IoSettings {
        worker: "cli".to_owned(),
        table: table.to_owned(),
        queues,
        bus: Some(bus.to_owned()),
        topic_arn: None,
        slack_secret: None,
        slack_signing_secret: None,
        slack_api: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_to_reach_the_hub_is_told_at_once() {
        let none = told(Settings::from_lookup(&[], |_| None), None).unwrap_err().to_string();
        for part in ["add --local", "DRS_FLEET_TABLE: is not set", "AWS_REGION: is not set"] {
            assert!(none.contains(part), "{none}");
        }
        let table = |name: &str| (name == "DRS_FLEET_TABLE").then(|| "drs-fleet".to_owned());
        let no_region = told(Settings::from_lookup(&[], table), None).unwrap_err().to_string();
        assert!(no_region.contains("AWS_REGION") && !no_region.contains("DRS_FLEET_TABLE"), "{no_region}");
    }

    #[test]
    fn queues_are_named_as_for_several_workers_in_one_process() {
        let expected = "DRS_FLEET_CAPACITY_TRACKER_QUEUE_URL and DRS_FLEET_JOB_MONITOR_QUEUE_URL";
        assert_eq!(queue_variables(), expected);
        assert_eq!(tag_queue_variable(), "DRS_FLEET_TAG_SYNC_QUEUE_URL");
    }
}
