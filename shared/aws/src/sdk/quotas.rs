//! The quotas of DRS as Service Quotas shows them: applied values, else AWS's defaults.

use std::collections::BTreeMap;

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;
use drs_fleet_domain::seen::QuotaSeen;

use super::Answer;
use crate::verdict::{Neighbour, classify};

const SERVICE: &str = "drs";
/// The most that AWS allows.
const PAGE: i32 = 100;

/// Both lists are read: AWS leaves a quota out of the applied ones when it has no applied value.
pub(super) async fn quotas(client: &Client) -> Answer<Vec<QuotaSeen>> {
    let mut all = BTreeMap::new();
    let defaults = client.list_aws_default_service_quotas().service_code(SERVICE).max_results(PAGE);
    let mut pages = defaults.into_paginator().items().send();
    while let Some(quota) = pages.next().await {
        let quota = quota.map_err(|e| classify(Neighbour::Spoke, "ListAWSDefaultServiceQuotas", &e))?;
        all.extend(seen(quota, false));
    }
    let applied = client.list_service_quotas().service_code(SERVICE).max_results(PAGE);
    let mut pages = applied.into_paginator().items().send();
    while let Some(quota) = pages.next().await {
        let quota = quota.map_err(|e| classify(Neighbour::Spoke, "ListServiceQuotas", &e))?;
        all.extend(seen(quota, true));
    }
    Ok(all.into_values().collect())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn seen(quota: ServiceQuota, applied: bool) -> Option<(String, QuotaSeen)> {
    let (code, value) = (quota.quota_code?, quota.value? as u32);
    Some((code.clone(), QuotaSeen { code, value, applied }))
}

#[cfg(test)]
mod tests;
