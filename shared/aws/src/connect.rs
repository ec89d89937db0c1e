//! How a process reaches AWS, or something that speaks like it.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Named, so that an update of the SDK changes neither retries nor time-outs unseen.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// One for the clients of all services: each that makes its own reads the trusted certificates anew and keeps
/// connections of its own. Heeds the proxies of the environment, as the SDK's own does.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = Connector::builder().tls_provider(tls).proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

/// AWS as the environment describes it: Region, role of the container or profile, `AWS_ENDPOINT_URL`.
pub async fn from_env() -> SdkConfig {
    aws_config::defaults(behavior()).http_client(http_client()).load().await
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
        .http_client(Builder::new().build_http())
        .region(Region::new(region.to_owned()))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build()
}
