//! DRS in a spoke: one page at a time, reduced to what decisions use.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_drs::Client;
use aws_sdk_drs::config::ConfigBag;
use aws_sdk_drs::config::interceptors::BeforeDeserializationInterceptorContextRef as Context;
use aws_sdk_drs::config::{Intercept, RuntimeComponents};
use aws_sdk_drs::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_drs::types::DescribeSourceServersRequestFilters;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::date_time::{DateTime, Format};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{Page, ServerSeen};
use jiff::Timestamp;

use super::{Answer, server};
use crate::io::ServerFilter;
use crate::verdict::{IoError, Neighbour, Verdict, classify};

/// AWS sets no limit; its own samples use this.
pub(super) const PAGE: i32 = 200;

pub(super) async fn source_servers(
    client: &Client,
    place: &Place,
    filter: &ServerFilter,
    page: Option<String>,
) -> Answer<Page<ServerSeen>> {
    const OPERATION: &str = "DescribeSourceServers";
    let filters = match filter {
        ServerFilter::All => None,
        ServerFilter::Ids(ids) => {
            let ids = ids.iter().map(ToString::to_string).collect();
            Some(DescribeSourceServersRequestFilters::builder().set_source_server_ids(Some(ids)).build())
        }
        ServerFilter::OfInstance(id) => {
            Some(DescribeSourceServersRequestFilters::builder().hardware_id(id.as_str()).build())
        }
    };
    let date = DateHeader::default();
    let answer = client
        .describe_source_servers()
        .set_filters(filters)
        .max_results(PAGE)
        .set_next_token(page)
        .customize()
        .interceptor(date.clone())
        .send()
        .await;
    match answer {
        Ok(answer) => Ok(Page {
            items: answer.items.into_iter().flatten().filter_map(|s| server::seen(place, s)).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        }),
        Err(error) => uninitialized(&error, &date, OPERATION),
    }
}

/// Whether `DescribeSourceServers` is allowed, and if so, whether DRS is initialised there.
pub(crate) async fn is_initialized(client: &Client) -> Answer<bool> {
    match client.describe_source_servers().max_results(1).send().await {
        Ok(_) => Ok(true),
        Err(error) if is_uninitialized(&error) => Ok(false),
        Err(error) => Err(classify(Neighbour::Spoke, "DescribeSourceServers", &error)),
    }
}

/// DRS was never switched on in the Region: an empty answer, not a failure.
pub(super) fn uninitialized<T, E>(
    error: &SdkError<E, HttpResponse>,
    date: &DateHeader,
    operation: &'static str,
) -> Answer<Page<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if is_uninitialized(error) {
        Ok(Page { items: Vec::new(), next: None, date: date.time(operation)?, initialized: false })
    } else {
        Err(classify(Neighbour::Spoke, operation, error))
    }
}

fn is_uninitialized<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    code(error) == Some("UninitializedAccountException")
}

pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// What cannot be read is left out, so that one odd value does not hide a whole page.
pub(super) fn id<T: FromStr<Err: std::fmt::Display>>(place: &Place, text: &str) -> Option<T> {
    text.parse()
        .inspect_err(|error| tracing::warn!(%place, %error, "DRS shows a value that cannot be read"))
        .ok()
}

/// Keeps the `Date` header of an answer, good or bad: AWS's own clock, which orders sweeps and events.
#[derive(Clone, Debug, Default)]
pub(super) struct DateHeader(Arc<Mutex<Option<String>>>);

impl DateHeader {
    pub(super) fn time(&self, operation: &'static str) -> Answer<Timestamp> {
        let header = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parsed = header.and_then(|text| DateTime::from_str(&text, Format::HttpDate).ok());
        parsed.and_then(|time| Timestamp::from_second(time.secs()).ok()).ok_or_else(|| {
            // Without it a sweep could overwrite what is newer; whoever answers like this is not AWS.
            let message = "the answer has no readable Date header";
            IoError::new(Neighbour::Spoke, operation, Verdict::Transient, message)
        })
    }
}

#[dyn_dispatch_hint]
impl Intercept for DateHeader {
    fn name(&self) -> &'static str {
        "DateHeader"
    }

    fn read_before_deserialization(
        &self,
        context: &Context<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = header;
        Ok(())
    }
}
