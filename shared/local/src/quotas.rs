//! Service Quotas: what it says about the quotas of DRS. Other services have none here.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::World;
use crate::call::{Call, Refusal, Reply};
use crate::drs::page::Page;
use crate::drs::quota::{ALL, Applied, Quota};

const SERVICE: &str = "drs";
/// Quotas on a page at most; that many when the caller does not say.
const PAGE: usize = 100;
/// The members of each operation's input that are known here.
const LISTED_BY: [&str; 5] = ["ServiceCode", "MaxResults", "NextToken", "QuotaCode", "QuotaAppliedAtLevel"];
const GOT_BY: [&str; 2] = ["ServiceCode", "QuotaCode"];

/// Answers one call. That DRS was never initialised in the Region makes no difference.
///
/// # Errors
/// What the service refuses.
pub fn handle(world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
    let action = format!("servicequotas:{}", call.operation);
    let target = (call.account.as_str(), "*");
    world.iam.authorize(&world.clock, &call.principal, &action, target, None, &[])?;
    let place = (call.account.as_str(), call.region.as_str());
    let quotas = Quotas { place, applied: world.drs.applied_quotas(place) };
    quotas.answer(&call.operation, &call.json()?).map(|answer| Reply::json(&answer))
}

/// Which value is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Applied,
    Default,
}

/// The quotas of one account and Region.
struct Quotas<'a> {
    place: (&'a str, &'a str),
    applied: Applied,
}

impl Quotas<'_> {
    fn answer(&self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        match operation {
            "ListServiceQuotas" => self.list(Level::Applied, body),
            "ListAWSDefaultServiceQuotas" => self.list(Level::Default, body),
            "GetServiceQuota" => self.get(Level::Applied, body),
            "GetAWSDefaultServiceQuota" => self.get(Level::Default, body),
            other => Err(Refusal::unknown("servicequotas", other)),
        }
    }

    /// A quota without an applied value is left out of the applied ones.
    fn list(&self, level: Level, body: &Value) -> Result<Value, Refusal> {
        read(body, &LISTED_BY)?;
        let code = text(body, "QuotaCode")?;
        // DRS has no quota of a single resource.
        let wanted = text(body, "QuotaAppliedAtLevel")? != Some("RESOURCE");
        let found = ALL.iter().filter(|quota| wanted && code.is_none_or(|code| code == quota.code));
        let shown = found.filter_map(|quota| Some((quota.code.to_owned(), self.show(level, quota)?)));
        let (quotas, token) = self.page(level, body)?.cut(shown, |quota| quota);
        let mut answer = json!({ "Quotas": quotas });
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }

    fn get(&self, level: Level, body: &Value) -> Result<Value, Refusal> {
        read(body, &GOT_BY)?;
        let code = text(body, "QuotaCode")?.ok_or_else(|| illegal("QuotaCode is required"))?;
        let quota = ALL.iter().find(|quota| quota.code == code);
        let shown = quota.and_then(|quota| self.show(level, quota));
        let missing = || no_such(&format!("service {SERVICE} has no such value of quota {code}"));
        Ok(json!({ "Quota": shown.ok_or_else(missing)? }))
    }

    fn page(&self, level: Level, body: &Value) -> Result<Page, Refusal> {
        let wrong = || illegal(&format!("MaxResults must be from 1 to {PAGE}"));
        let limit = match body.get("MaxResults").filter(|value| !value.is_null()) {
            None => PAGE,
            Some(value) => {
                let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok());
                limit.filter(|limit| (1..=PAGE).contains(limit)).ok_or_else(wrong)?
            }
        };
        let list = if level == Level::Applied { "applied" } else { "default" };
        let scope = format!("{:?}/{list}/{}", self.place, body["QuotaCode"]);
        let page = Page::behind(limit, text(body, "NextToken")?, scope);
        page.ok_or_else(|| Refusal::new(400, "InvalidPaginationTokenException", "invalid NextToken"))
    }

    /// `ServiceQuota` as the API answers it; none without an applied value.
    fn show(&self, level: Level, quota: &Quota) -> Option<Value> {
        let (account, region) = self.place;
        let (owner, value) = match level {
            Level::Applied => (account, self.applied.value(quota)?),
            // A default belongs to no account.
            Level::Default => ("", quota.default),
        };
        Some(json!({
            "ServiceCode": SERVICE,
            "ServiceName": "AWS Elastic Disaster Recovery",
            "QuotaArn": format!("arn:aws:servicequotas:{region}:{owner}:{SERVICE}/{}", quota.code),
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": f64::from(value),
            "Unit": "None",
            "Adjustable": quota.adjustable,
            "GlobalQuota": false,
            "QuotaAppliedAtLevel": "ACCOUNT",
        }))
    }
}

/// Refuses members that would change the answer on AWS, and other services.
fn read(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    let members = body.as_object().ok_or_else(|| illegal("the body must be a JSON object"))?;
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(illegal(&format!("the local cloud does not know the member {name}")));
    }
    match text(body, "ServiceCode")? {
        Some(SERVICE) => Ok(()),
        Some(other) => Err(no_such(&format!("service {other} does not exist"))),
        None => Err(illegal("ServiceCode is required")),
    }
}

fn text<'a>(body: &'a Value, member: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = body.get(member).filter(|value| !value.is_null()) else { return Ok(None) };
    let value = value.as_str().filter(|text| !text.is_empty());
    value.map(Some).ok_or_else(|| illegal(&format!("{member} must be text")))
}

fn illegal(message: &str) -> Refusal {
    Refusal::new(400, "IllegalArgumentException", message)
}

fn no_such(message: &str) -> Refusal {
    Refusal::new(400, "NoSuchResourceException", message)
}

#[cfg(test)]
mod tests;
