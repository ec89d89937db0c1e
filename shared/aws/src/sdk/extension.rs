//! Extended source servers: what a staging account has to offer, and taking it over one by one.

use std::collections::BTreeMap;

use aws_sdk_drs::Client;
use aws_sdk_drs::error::SdkError;
use aws_sdk_drs::operation::create_extended_source_server::CreateExtendedSourceServerError;
use aws_sdk_drs::types::StagingSourceServer;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use drs_fleet_domain::ids::{AccountId, SourceServerId};
use drs_fleet_domain::seen::{ExtensibleSeen, Page};

use super::Answer;
use super::drs::{DateHeader, uninitialized};
use crate::verdict::{IoError, Neighbour, Verdict, classify};

/// The most that AWS allows (`MaxResultsReplicatingSourceServers`).
const PAGE: i32 = 300;

pub(super) async fn extensible(
    client: &Client,
    staging: &AccountId,
    page: Option<String>,
) -> Answer<Page<ExtensibleSeen>> {
    const OPERATION: &str = "ListExtensibleSourceServers";
    let date = DateHeader::default();
    let answer = client
        .list_extensible_source_servers()
        .staging_account_id(staging.as_str())
        .max_results(PAGE)
        .set_next_token(page)
        .customize()
        .interceptor(date.clone())
        .send()
        .await;
    match answer {
        Ok(answer) => Ok(Page {
            items: answer.items.into_iter().flatten().filter_map(seen).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        }),
        Err(error) => uninitialized(&error, &date, OPERATION),
    }
}

fn seen(server: StagingSourceServer) -> Option<ExtensibleSeen> {
    Some(ExtensibleSeen {
        arn: server.arn?,
        hostname: server.hostname,
        tags: server.tags.into_iter().flatten().collect(),
    })
}

pub(super) async fn extend(
    client: &Client,
    staging_server_arn: &str,
    tags: &BTreeMap<String, String>,
) -> Answer<SourceServerId> {
    const OPERATION: &str = "CreateExtendedSourceServer";
    let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let request =
        client.create_extended_source_server().source_server_arn(staging_server_arn).set_tags(Some(tags));
    let answer =
        request.send().await.map_err(|e| with_quota(classify(Neighbour::Spoke, OPERATION, &e), &e))?;
    let id = answer.source_server.and_then(|server| server.source_server_id).unwrap_or_default();
    id.parse().map_err(|e| IoError::new(Neighbour::Spoke, OPERATION, Verdict::Transient, format!("{e}")))
}

/// Names the quota that is used up: the service's words do not, and it is what a person has raised.
fn with_quota(error: IoError, refusal: &SdkError<CreateExtendedSourceServerError, HttpResponse>) -> IoError {
    let Some(CreateExtendedSourceServerError::ServiceQuotaExceededException(used_up)) =
        refusal.as_service_error()
    else {
        return error;
    };
    let message = format!("{} (quota {})", error.message, used_up.quota_code().unwrap_or("unknown"));
    IoError { message, ..error }
}

#[cfg(test)]
mod tests;
