//! How a process reaches AWS, or something that speaks like it.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;

/// Named, so that an update of the SDK changes neither retries nor time-outs unseen.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// AWS as the environment describes it: Region, role of the container or profile, `AWS_ENDPOINT_URL`.
pub async fn from_env() -> SdkConfig {
    aws_config::load_defaults(behavior()).await
}

/// Keys of one session.
#[derive(Clone)]
pub struct Keys {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// Signs, is never sent.
    pub secret_access_key: String,
    /// Present for role sessions.
    pub session_token: Option<String>,
}

/// An endpoint on this machine that serves all services, with given keys. Reads nothing from the environment,
/// proxies included, and speaks plain HTTP.
pub fn at_endpoint(endpoint: &str, region: &str, keys: Keys) -> SdkConfig {
    let Keys { access_key_id, secret_access_key, session_token } = keys;
    let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "drs-fleet");
    SdkConfig::builder()
        .behavior_version(behavior())
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(region.to_owned()))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build()
}
