//! A simulated company: its hub and spokes on the local cloud, and the workers that watch them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::config::{Settings, WorkerSettings};
use drs_fleet_aws::connect::{self, Keys};
use drs_fleet_aws::process;
use drs_fleet_aws::registry::{RegistryEditor, WriteToken};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::time::Time;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_local::estate::{Estate, EstatePlan, Spoke, SpokePlan};
use drs_fleet_local::slack::Slack;
use drs_fleet_local::{Clock, LocalCloud, World};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::workers::{self, ALL};

/// Per worker: its role, its queue and its dead-letter queue, as outputs of the hub's stack.
const OUTPUTS: [[&str; 3]; 4] = [
    ["CapacityTrackerRoleArn", "CapacityQueueUrl", "CapacityDeadLettersUrl"],
    ["JobMonitorRoleArn", "JobsQueueUrl", "JobsDeadLettersUrl"],
    ["TagSyncRoleArn", "TagsQueueUrl", "TagsDeadLettersUrl"],
    ["NotifierRoleArn", "NotificationsQueueUrl", "NotificationsDeadLettersUrl"],
];

/// The company.
pub struct Fleet {
    /// Hub and spokes.
    pub estate: Estate,
    /// The cloud that they live in.
    pub world: Arc<World>,
    /// The table, seen with the operator's role.
    pub operator: SdkIo,
    endpoint: String,
    settings: Settings,
}

/// The simulated clock as workers and commands see it.
#[derive(Debug)]
pub struct Simulated(pub Clock);

/// Of real time. Sixteen shards of the index of what is due, each asked every simulated second, keep a core busy where
/// a minute is a second.
const GRAIN: Duration = Duration::from_millis(100);

impl Time for Simulated {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let clock = self.0.clone();
        Box::pin(async move { clock.sleep(time).await })
    }

    fn grain(&self) -> Duration {
        GRAIN.mul_f64(self.0.speed())
    }
}

impl Fleet {
    /// Builds hub and spokes from the templates; Slack is at `slack_url`, and the mailbox is confirmed.
    ///
    /// # Errors
    /// What the templates or the local cloud refuse.
    pub async fn build(cloud: &LocalCloud, plan: EstatePlan, slack_url: &str) -> anyhow::Result<Self> {
        let world = Arc::clone(cloud.world());
        let estate = Estate::build(&world, plan).await?;
        estate.set_slack_webhook(slack_url).await?;
        world.sns.confirm_email(estate.output("AlertTopicArn"), &estate.plan.alert_email);
        let settings = settings(&estate);
        let endpoint = cloud.endpoint();
        let operator = io(&estate, &world, &endpoint, "OperatorRoleArn", settings.io("cli"))?;
        Ok(Self { estate, world, operator, endpoint, settings })
    }

    /// Lets the workers post as a bot to the Slack whose API is at `api`, and believe its clicks. Before they start.
    ///
    /// # Errors
    /// What the local cloud refuses.
    pub async fn admit_slack_bot(&mut self, api: String, slack: &Slack) -> anyhow::Result<()> {
        self.estate.set_slack_bot(&slack.token()).await?;
        self.estate.set_slack_signing_secret(&slack.signing_secret()).await?;
        self.settings.slack_api = Some(api);
        Ok(())
    }

    /// Registers and validates the spokes as a person does with `accounts add` and `accounts validate`.
    ///
    /// # Errors
    /// Of the table, and a spoke that does not let the hub in.
    pub async fn register(&self) -> anyhow::Result<()> {
        let editor = RegistryEditor::new(self.operator.clone(), WriteToken::for_command_of_a_person());
        for spoke in &self.estate.spokes {
            let row = account(spoke)?;
            editor.add(row.clone()).await?;
            let report = editor.validate(&row.id).await?;
            if report.status != AccountStatus::Active {
                bail!("spoke {} cannot be validated: {:?}", spoke.plan.account, report.checks);
            }
        }
        Ok(())
    }

    /// The endpoint of all services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What the workers are told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the spokes' servers are.
    pub fn places(&self) -> Vec<Place> {
        self.estate
            .spokes
            .iter()
            .filter_map(|spoke| account(spoke).ok())
            .flat_map(|row| row.drs_places().collect::<Vec<_>>())
            .collect()
    }

    /// The cloud as the worker of that name sees it: with its role and its queues.
    ///
    /// # Errors
    /// When there is no such worker or no such role.
    pub fn worker_io(&self, name: &str) -> anyhow::Result<SdkIo> {
        let known = ALL.into_iter().zip(OUTPUTS).find(|(worker, _)| *worker == name);
        let (_, [role, ..]) = known.with_context(|| format!("no worker is called {name:?}"))?;
        io(&self.estate, &self.world, &self.endpoint, role, self.settings.io(name))
    }

    /// Starts the four workers, each with its own role, and the spokes' life; the schedules fire at once.
    ///
    /// # Errors
    /// When a role is missing.
    pub fn start_workers(&self, stop: &CancellationToken) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
        let arguments = process::Arguments { no_metrics: true, ..process::Arguments::default() };
        let mut runnable = Vec::new();
        for name in ALL {
            let io = self.worker_io(name)?;
            runnable.extend(workers::by_name(name, io, &self.settings, arguments, stop));
        }
        self.estate.run(stop);
        let (settings, stop) = (self.settings.clone(), stop.clone());
        Ok(tokio::spawn(async move { process::run(runnable, &settings, stop).await }))
    }
}

/// The registry row of a spoke, as a person writes it.
fn account(spoke: &Spoke) -> anyhow::Result<AccountRow> {
    let SpokePlan { account, name, region, .. } = &spoke.plan;
    Ok(AccountRow {
        id: account.parse()?,
        name: name.clone(),
        alias: None,
        role_arn: spoke.role_arn.clone(),
        external_id_secret: spoke.external_id_secret.clone(),
        regions: vec![AccountRegion { region: region.parse()?, drs: true, source: true }],
        target: None,
        ou: None,
        tags: BTreeMap::new(),
        status: AccountStatus::PendingValidation,
        last_validated: None,
        last_error: None,
    })
}

fn settings(estate: &Estate) -> Settings {
    let output = |name: &str| estate.output(name).to_owned();
    let queues = |[_, queue, dead_letters]: [&str; 3]| WorkerSettings {
        queue_url: output(queue),
        dlq_url: output(dead_letters),
    };
    let workers: BTreeMap<_, _> =
        ALL.into_iter().zip(OUTPUTS).map(|(name, outputs)| (name.to_owned(), queues(outputs))).collect();
    Settings {
        table: output("TableName"),
        bus: Some(output("BusName")),
        topic_arn: Some(output("AlertTopicArn")),
        slack_secret: Some(output("SlackWebhookSecretArn")),
        slack_signing_secret: Some(output("SlackSigningSecretName")).filter(|name| !name.is_empty()),
        slack_api: None,
        health: None,
        workers,
    }
}

/// The cloud as a role of the hub sees it.
fn io(
    estate: &Estate,
    world: &Arc<World>,
    endpoint: &str,
    role: &str,
    settings: drs_fleet_aws::config::IoSettings,
) -> anyhow::Result<SdkIo> {
    let session = estate.session(role, &settings.worker).with_context(|| format!("role {role}"))?;
    let keys = Keys {
        access_key_id: session.access_key_id,
        secret_access_key: session.secret_access_key,
        session_token: session.session_token,
    };
    let config = connect::at_endpoint(endpoint, &estate.plan.region, keys);
    Ok(SdkIo::new(&config, settings, Arc::new(Simulated(world.clock.clone()))))
}
