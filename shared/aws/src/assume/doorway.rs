//! A role in a spoke and its external id: how credentials are got.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use secrecy::{ExposeSecret, SecretString};

use crate::sdk::Answer;
use crate::secrets::Secrets;
use crate::verdict::{IoError, Neighbour, Verdict, classify_hiding};

pub(super) const OPERATION: &str = "AssumeRole";
/// A role that assumes a role gets an hour at most.
const SESSION_SECONDS: i32 = 3600;
/// STS allows role session names of 2 to 64 characters.
const SESSION_NAME_LIMIT: usize = 64;

/// A role in a spoke, assumed when credentials are needed.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) doorway: Doorway,
    pub(super) arn: String,
    /// Name of the secret that holds the external id.
    pub(super) secret: String,
}

impl Role {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.arn == other.arn && self.secret == other.secret
    }

    async fn assume(&self) -> Answer<Credentials> {
        let external_id = self.doorway.external_id(&self.secret).await?;
        self.doorway.assume(&self.arn, Some(&external_id)).await
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        // The `IoError` stays whole inside, so that `classify` finds its verdict again.
        future::ProvideCredentials::new(async {
            self.assume().await.map_err(CredentialsError::provider_error)
        })
    }
}

/// What assuming any role needs.
#[derive(Clone, Debug)]
pub(crate) struct Doorway {
    sts: aws_sdk_sts::Client,
    pub(super) secrets: Secrets,
    session_name: String,
}

impl Doorway {
    pub(super) fn new(sts: aws_sdk_sts::Client, secrets: Secrets, worker: &str) -> Self {
        let session_name = format!("drs-fleet-{worker}").chars().take(SESSION_NAME_LIMIT).collect();
        Self { sts, secrets, session_name }
    }

    /// The external id of a role, by the name of its secret.
    pub(crate) async fn external_id(&self, secret: &str) -> Answer<SecretString> {
        self.secrets.get(secret).await
    }

    /// Assumes a role for an hour.
    pub(crate) async fn assume(&self, arn: &str, external_id: Option<&SecretString>) -> Answer<Credentials> {
        let answer = self
            .sts
            .assume_role()
            .role_arn(arn)
            .role_session_name(&self.session_name)
            .duration_seconds(SESSION_SECONDS)
            .set_external_id(external_id.map(|id| id.expose_secret().to_owned()))
            .send()
            .await
            .map_err(|e| {
                // STS repeats an external id that breaks its pattern in the refusal.
                let secret = external_id.map(ExposeSecret::expose_secret);
                classify_hiding(secret, Neighbour::Spoke, OPERATION, &e)
            })?;
        let given = answer.credentials.ok_or_else(|| {
            IoError::new(Neighbour::Spoke, OPERATION, Verdict::Transient, "the answer holds no credentials")
        })?;
        let end = SystemTime::try_from(given.expiration).ok();
        let (id, key, token) = (given.access_key_id, given.secret_access_key, Some(given.session_token));
        Ok(Credentials::new(id, key, token, end, "drs-fleet"))
    }
}
