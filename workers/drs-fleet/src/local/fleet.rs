//! The simulated company: its hub and spokes, and the workers that watch them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use drs_fleet_aws::config::{Settings, WorkerSettings};
use drs_fleet_aws::connect::{self, Keys};
use drs_fleet_aws::process;
use drs_fleet_aws::registry::{RegistryEditor, WriteToken};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_local::estate::{Estate, EstatePlan, Spoke, SpokePlan};
use drs_fleet_local::{LocalCloud, World};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Arguments;
use super::desk::Desk;
use super::operator::{Operator, Simulated};
use crate::run::{self, ALL};

/// The hub lies in the Region that one would recover to.
const HUB: (&str, &str) = ("999900001111", "eu-central-1");

/// Account, name and Region of the spokes. The first is the account that AWS's event samples name.
const SPOKES: [(&str, &str, &str); 4] = [
    ("111122223333", "Payments", "us-west-2"),
    ("222233334444", "Logistics", "eu-central-1"),
    ("333344445555", "Web shop", "us-west-2"),
    ("444455556666", "ERP", "eu-central-1"),
];

/// Per worker: its role, its queue and its dead-letter queue, as outputs of the hub's stack.
const OUTPUTS: [[&str; 3]; 4] = [
    ["CapacityTrackerRoleArn", "CapacityQueueUrl", "CapacityDeadLettersUrl"],
    ["JobMonitorRoleArn", "JobsQueueUrl", "JobsDeadLettersUrl"],
    ["TagSyncRoleArn", "TagsQueueUrl", "TagsDeadLettersUrl"],
    ["NotifierRoleArn", "NotificationsQueueUrl", "NotificationsDeadLettersUrl"],
];

/// The company.
pub(crate) struct Fleet {
    /// Hub and spokes.
    pub(crate) estate: Estate,
    /// The cloud that they live in.
    pub(crate) world: Arc<World>,
    /// The table, seen with the operator's role.
    pub(crate) operator: SdkIo,
    endpoint: String,
    settings: Settings,
}

impl Fleet {
    /// Builds hub and spokes from the templates.
    pub(crate) async fn build(
        cloud: &LocalCloud,
        arguments: &Arguments,
        desk: &Desk,
    ) -> anyhow::Result<Self> {
        let spoke = |(account, name, region): (&str, &str, &str)| SpokePlan {
            account: account.to_owned(),
            name: name.to_owned(),
            region: region.to_owned(),
            servers: arguments.servers,
        };
        let plan = EstatePlan {
            organization: "o-a1b2c3d4e5".to_owned(),
            hub: HUB.0.to_owned(),
            region: HUB.1.to_owned(),
            alert_email: "oncall@example.com".to_owned(),
            spokes: SPOKES.map(spoke).into(),
            seed: arguments.seed,
        };
        let world = Arc::clone(cloud.world());
        let estate = Estate::build(&world, plan).await?;
        estate.set_slack_webhook(desk.slack_url()).await?;
        world.sns.confirm_email(estate.output("AlertTopicArn"), "oncall@example.com");
        let settings = settings(&estate);
        let endpoint = cloud.endpoint();
        let operator = io(&estate, &world, &endpoint, "OperatorRoleArn", settings.io("cli"))?;
        Ok(Self { estate, world, operator, endpoint, settings })
    }

    /// Registers and validates the spokes as a person does with `accounts add` and `accounts validate`.
    pub(crate) async fn register(&self) -> anyhow::Result<()> {
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

    /// Makes sessions of the operator's role, for other commands.
    pub(crate) fn operators(&self) -> impl Fn() -> anyhow::Result<Operator> + Send + Sync + 'static {
        let (estate, settings, endpoint) =
            (self.estate.clone(), self.settings.clone(), self.endpoint.clone());
        let clock = self.world.clock.clone();
        let queues: BTreeMap<_, _> =
            settings.workers.into_iter().map(|(name, queues)| (name, queues.queue_url)).collect();
        move || {
            let keys = estate.session("OperatorRoleArn", "cli")?;
            Ok(Operator {
                endpoint: endpoint.clone(),
                region: HUB.1.to_owned(),
                access_key_id: keys.access_key_id,
                secret_access_key: keys.secret_access_key,
                session_token: keys.session_token,
                table: settings.table.clone(),
                queues: queues.clone(),
                now: clock.now(),
                speed: clock.speed(),
            })
        }
    }

    /// Where the spokes' servers are.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.estate
            .spokes
            .iter()
            .filter_map(|spoke| account(spoke).ok())
            .flat_map(|row| row.drs_places().collect::<Vec<_>>())
            .collect()
    }

    /// Starts the four workers, each with its own role, and the spokes' life; the schedules fire at once.
    pub(crate) fn start_workers(
        &self,
        stop: &CancellationToken,
    ) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
        let arguments = process::Arguments { no_metrics: true, ..process::Arguments::default() };
        let mut workers = Vec::new();
        for (name, [role, ..]) in ALL.into_iter().zip(OUTPUTS) {
            let io = io(&self.estate, &self.world, &self.endpoint, role, self.settings.io(name))?;
            workers.extend(run::by_name(name, io, &self.settings, arguments, stop));
        }
        self.estate.run(stop);
        let (settings, stop) = (self.settings.clone(), stop.clone());
        Ok(tokio::spawn(async move { process::run(workers, &settings, stop).await }))
    }
}

fn account(spoke: &Spoke) -> anyhow::Result<AccountRow> {
    let SpokePlan { account, name, region, .. } = &spoke.plan;
    Ok(AccountRow {
        id: account.parse()?,
        name: name.clone(),
        alias: None,
        role_arn: spoke.role_arn.clone(),
        external_id_secret: spoke.external_id_secret.clone(),
        regions: vec![AccountRegion { region: region.parse()?, drs: true, source: true }],
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
    let config = connect::at_endpoint(endpoint, HUB.1, keys);
    Ok(SdkIo::new(&config, settings, Arc::new(Simulated(world.clock.clone()))))
}
