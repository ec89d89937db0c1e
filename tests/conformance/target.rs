//! What the same test is run against.

use drs_fleet_aws::connect::{Keys, at_endpoint};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use serde_json::json;

use super::ministack;

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "eu-central-1";
pub(super) const ROLE: &str = "drs-fleet-spoke";
pub(super) const EXTERNAL_ID: &str = "external-id-0001";

/// An endpoint and an administrator of [`ACCOUNT`]; there is a role [`ROLE`] that wants [`EXTERNAL_ID`].
pub(super) struct Target {
    endpoint: String,
    keys: Keys,
    // `None` when it is not ours.
    local: Option<LocalCloud>,
}

/// What the clients of all services are made from.
pub(super) type Config = aws_types::SdkConfig;

impl Target {
    /// A local cloud of its own.
    pub(super) async fn local() -> Self {
        let cloud = LocalCloud::start(Clock::real(), Faults::none()).await.unwrap();
        let keys = cloud.world().iam.add_account(ACCOUNT, None);
        let everything = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let trust = json!({"Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }]});
        cloud.world().iam.put_role(&role_arn(), &trust, &[everything]).unwrap();
        let keys = Keys {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
        };
        Self { endpoint: cloud.endpoint(), keys, local: Some(cloud) }
    }

    /// The emulator that all tests of this process share; `None` when it cannot be had.
    pub(super) async fn ministack() -> Option<Self> {
        let shared = ministack::shared().await?;
        Some(Self { endpoint: shared.endpoint.clone(), keys: shared.keys.clone(), local: None })
    }

    /// Whether it is the local cloud, for the few documented differences.
    pub(super) fn is_local(&self) -> bool {
        self.local.is_some()
    }

    pub(super) fn config(&self) -> Config {
        self.config_of(self.keys.clone())
    }

    /// As somebody else.
    pub(super) fn config_of(&self, keys: Keys) -> Config {
        // Retries would hide what is answered.
        at_endpoint(&self.endpoint, REGION, keys)
            .to_builder()
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .build()
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys.clone()
    }
}

pub(super) fn role_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}")
}
