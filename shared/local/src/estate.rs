//! A hub and its spokes, built from the very templates that are shipped.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::call::{Call, Refusal};
use crate::cloudformation::{Outputs, StackError};
use crate::iam::Credentials;
use crate::{World, apigateway, drs, fleet, scheduler};

/// As deployed in the hub.
pub const HUB_TEMPLATE: &str = include_str!("../../../infra/hub.yaml");
/// As deployed in each spoke.
pub const SPOKE_TEMPLATE: &str = include_str!("../../../infra/spoke.yaml");

/// The secret that the hub's stack is told of.
const SLACK_SIGNING_SECRET: &str = "drs-fleet/slack-signing";

/// How long a worker's role session lasts here; its platform would renew it, the local cloud does not.
const SESSION: Duration = Duration::from_hours(12);

/// What to build.
#[derive(Clone, Debug)]
pub struct EstatePlan {
    /// `o-…`; hub and spokes belong to it.
    pub organization: String,
    /// The hub's account.
    pub hub: String,
    /// The hub's Region.
    pub region: String,
    /// Who gets alerts by e-mail.
    pub alert_email: String,
    /// The spokes.
    pub spokes: Vec<SpokePlan>,
    /// Makes the same servers again.
    pub seed: u64,
}

/// A spoke to build.
#[derive(Clone, Debug)]
pub struct SpokePlan {
    /// Its account.
    pub account: String,
    /// Its name for people.
    pub name: String,
    /// Its DRS Region, where its machines run as well.
    pub region: String,
    /// How many servers replicate there.
    pub servers: usize,
}

/// What was built.
#[derive(Clone, Debug)]
pub struct Estate {
    /// What it was built from.
    pub plan: EstatePlan,
    /// Outputs of the hub's stack.
    pub hub: Outputs,
    /// The spokes, in the order of the plan.
    pub spokes: Vec<Spoke>,
    world: Arc<World>,
}

/// A spoke that was built.
#[derive(Clone, Debug)]
pub struct Spoke {
    /// What it was built from.
    pub plan: SpokePlan,
    /// The role that the hub's workers assume.
    pub role_arn: String,
    /// Name of the hub's secret that holds the external id.
    pub external_id_secret: String,
    /// Ids of its source servers.
    pub servers: Vec<String>,
}

/// What kept an estate from being built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A template.
    #[error("stack {0}: {1}")]
    Stack(String, StackError),
    /// A call.
    #[error("{what}: {} ({})", refusal.message, refusal.code)]
    Call {
        /// What was being done.
        what: String,
        /// The service's answer.
        refusal: Refusal,
    },
}

impl Estate {
    /// Builds hub and spokes.
    ///
    /// # Errors
    /// [`BuildError`]: a template that the local cloud cannot interpret, or a plan that no account holds.
    pub async fn build(world: &Arc<World>, plan: EstatePlan) -> Result<Self, BuildError> {
        world.iam.add_account(&plan.hub, Some(&plan.organization));
        let given = [
            ("OrganizationId", plan.organization.as_str()),
            ("AlertEmail", &plan.alert_email),
            ("SlackSigningSecret", SLACK_SIGNING_SECRET),
        ];
        let hub = stack(world, (&plan.hub, &plan.region), "drs-fleet-hub", HUB_TEMPLATE, &given).await?;
        let mut estate = Self { plan, hub, spokes: Vec::new(), world: Arc::clone(world) };
        // Of no app yet, and so nobody can sign with it.
        let signing = json!({"Name": SLACK_SIGNING_SECRET, "SecretString": uuid::Uuid::new_v4().to_string()});
        estate.secret("CreateSecret", &signing).await?;
        for plan in estate.plan.spokes.clone() {
            let spoke = estate.build_spoke(plan).await?;
            estate.spokes.push(spoke);
        }
        Ok(estate)
    }

    async fn build_spoke(&self, plan: SpokePlan) -> Result<Spoke, BuildError> {
        let world = &self.world;
        world.iam.add_account(&plan.account, Some(&self.plan.organization));
        let external_id = format!("external-id-{}", uuid::Uuid::new_v4());
        let given = [
            ("HubAccountId", self.plan.hub.as_str()),
            ("HubBusArn", self.output("BusArn")),
            ("ExternalId", &external_id),
            ("AllowExtend", "true"),
        ];
        let place = (plan.account.as_str(), plan.region.as_str());
        let outputs = stack(world, place, "drs-fleet-spoke", SPOKE_TEMPLATE, &given).await?;
        let external_id_secret = format!("drs-fleet/external-id/{}", plan.account);
        let secret = json!({"Name": external_id_secret, "SecretString": external_id});
        self.secret("CreateSecret", &secret).await?;
        let servers = fleet::populate(world, place.0, place.1, plan.servers, self.plan.seed)
            .map_err(|refusal| BuildError::Call { what: format!("servers of {}", plan.account), refusal })?;
        let role_arn = outputs.get("SpokeRoleArn").cloned().unwrap_or_default();
        Ok(Spoke { plan, role_arn, external_id_secret, servers })
    }

    /// An output of the hub's stack; empty when the template has none of that name.
    pub fn output(&self, name: &str) -> &str {
        self.hub.get(name).map_or("", String::as_str)
    }

    /// A session of one of the hub's roles, as the platform hands it to a worker.
    ///
    /// # Errors
    /// [`BuildError::Call`] when the template makes no such role.
    pub fn session(&self, role_output: &str, name: &str) -> Result<Credentials, BuildError> {
        let role = self.output(role_output);
        let what = || format!("session of {role_output}");
        self.world
            .iam
            .issue(role, name, SESSION)
            .map_err(|refusal| BuildError::Call { what: what(), refusal })
    }

    /// Stores the URL of the Slack webhook, as a person does after deploying the hub.
    ///
    /// # Errors
    /// [`BuildError::Call`].
    pub async fn set_slack_webhook(&self, url: &str) -> Result<(), BuildError> {
        let secret = json!({"SecretId": self.output("SlackWebhookSecretArn"), "SecretString": url});
        self.secret("PutSecretValue", &secret).await
    }

    /// Puts the token of the Slack bot into its secret, as a person does after deploying the hub.
    ///
    /// # Errors
    /// [`BuildError::Call`].
    pub async fn set_slack_bot(&self, token: &str) -> Result<(), BuildError> {
        let secret = json!({"SecretId": self.output("SlackBotSecretArn"), "SecretString": token});
        self.secret("PutSecretValue", &secret).await
    }

    /// The address here of the endpoint that Slack posts clicks to; `endpoint` is the cloud's.
    pub fn slack_interactivity_url(&self, endpoint: &str) -> Option<String> {
        apigateway::local_url(endpoint, self.output("SlackInteractivityUrl"))
    }

    /// Stores the signing secret of the Slack app, or another one.
    ///
    /// # Errors
    /// [`BuildError::Call`].
    pub async fn set_slack_signing_secret(&self, signing_secret: &str) -> Result<(), BuildError> {
        let secret = json!({"SecretId": SLACK_SIGNING_SECRET, "SecretString": signing_secret});
        self.secret("PutSecretValue", &secret).await
    }

    /// Lets schedules fire and simulated servers live until `stop`.
    pub fn run(&self, stop: &CancellationToken) {
        tokio::spawn(scheduler::run(Arc::clone(&self.world), stop.clone()));
        tokio::spawn(drs::run(Arc::clone(&self.world), stop.clone()));
    }

    async fn secret(&self, operation: &str, body: &serde_json::Value) -> Result<(), BuildError> {
        let call =
            Call::by_operator((&self.plan.hub, &self.plan.region), ("secretsmanager", operation), body);
        let done = self.world.perform(&call).await;
        done.map(|_| ()).map_err(|refusal| BuildError::Call { what: operation.to_owned(), refusal })
    }
}

async fn stack(
    world: &Arc<World>,
    place: (&str, &str),
    name: &str,
    template: &str,
    given: &[(&str, &str)],
) -> Result<Outputs, BuildError> {
    let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let created = world.stacks.create(world, place, name, template, &given).await;
    created.map_err(|error| BuildError::Stack(format!("{name} in {}", place.0), error))
}
