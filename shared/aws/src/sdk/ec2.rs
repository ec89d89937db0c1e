//! EC2 in a spoke, for one thing: the types of instances.
//!
//! The SDK's crate for EC2 is larger than all its others here together, so this one call is written by hand in EC2's Query
//! protocol. Credentials, signature, connections and error kinds are the SDK's own: it runs the call as one of its operations.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::SigningRegion;
use aws_types::{SdkConfig, SigningName};
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::Place;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::xml::Described;
use super::Answer;
use super::drs::id;
use crate::verdict::{Neighbour, classify};

mod xml;

const OPERATION: &str = "DescribeInstances";

/// Shorter than for other calls: the tags of a machine wait for it.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// A client for an account and Region.
#[derive(Clone, Debug)]
pub(crate) struct Client(Operation<String, Described, ErrorMetadata>);

impl Client {
    /// Builds it with what the SDK's own clients take from `config`, retries apart: nothing waits for an answer.
    pub(crate) fn new(config: &SdkConfig) -> Self {
        let region = config.region().map_or("", AsRef::as_ref);
        let endpoint = config.endpoint_url().map_or_else(|| endpoint(region), str::to_owned);
        let limits = config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let operation = Operation::builder()
            .service_name("EC2")
            .operation_name(OPERATION)
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&endpoint)
            .timeout_config(limits.operation_attempt_timeout(CALL_LIMIT).build())
            .no_retry()
            .with_connection_poisoning()
            .runtime_plugin(signed(config, region))
            .serializer(request)
            .deserializer(answer)
            .build();
        Self(operation)
    }
}

/// Of AWS and its partitions in China and Europe.
fn endpoint(region: &str) -> String {
    let domain = match region.split_once('-') {
        Some(("cn", _)) => "amazonaws.com.cn",
        Some(("eusc", _)) => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    format!("https://ec2.{region}.{domain}")
}

/// The connections of the account's other clients, and its role.
fn signed(config: &SdkConfig, region: &str) -> StaticRuntimePlugin {
    let mut layer = Layer::new("EC2");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(aws_types::region::Region::new(region.to_owned()))),
        region_set: None,
        name: Some(SigningName::from_static("ec2")),
        signing_options: SigningOptions::default(),
    });
    let mut components = RuntimeComponentsBuilder::new("EC2")
        .with_http_client(config.http_client())
        .with_time_source(config.time_source())
        .with_sleep_impl(config.sleep_impl())
        .with_identity_cache(config.identity_cache())
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])));
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

fn request(form: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Described, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    if !response.status().is_success() {
        return Err(OrchestratorError::operation(xml::refusal(body)));
    }
    xml::described(body).map_err(|error| OrchestratorError::response(error.into()))
}

/// The types of these instances. Those that EC2 does not have are left out: as a filter, unknown ids are no error.
pub(super) async fn instance_types(
    client: &Client,
    place: &Place,
    instances: &[InstanceId],
) -> Answer<BTreeMap<InstanceId, String>> {
    let (mut types, mut next) = (BTreeMap::new(), None);
    loop {
        let called = client.0.invoke(form(instances, next.as_deref())).await;
        let page = called.map_err(|error| classify(Neighbour::Spoke, OPERATION, &error))?;
        types.extend(
            page.types.into_iter().filter_map(|(instance, name)| Some((id(place, &instance)?, name))),
        );
        next = page.next;
        if next.is_none() {
            return Ok(types);
        }
    }
}

fn form(instances: &[InstanceId], page: Option<&str>) -> String {
    // EC2 may refuse a list without a limit. This is the highest, and above the ids of one call.
    let mut form = format!("Action={OPERATION}&Version=2016-11-15&MaxResults=1000&Filter.1.Name=instance-id");
    form.extend((1..).zip(instances).map(|(n, instance)| format!("&Filter.1.Value.{n}={instance}")));
    if let Some(token) = page {
        form.push_str("&NextToken=");
        form.extend(utf8_percent_encode(token, NON_ALPHANUMERIC));
    }
    form
}

#[cfg(test)]
mod tests;
