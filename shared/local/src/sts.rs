//! Security Token Service: `AssumeRole` and `GetCallerIdentity`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::World;
use crate::call::{Call, Principal, Refusal, Reply};
use crate::http::hex;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers one call.
///
/// # Errors
/// What the service refuses.
pub fn handle(world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
    match call.operation.as_str() {
        "AssumeRole" => assume_role(world, call),
        "GetCallerIdentity" => Ok(caller_identity(&call.principal)),
        other => Err(Refusal::unknown("sts", other)),
    }
}

fn assume_role(world: &World, call: &Call) -> Result<Reply, Refusal> {
    let form = call.form();
    // To pass over what narrows or marks a session would grant more than AWS does.
    let unknown = ["Policy", "PolicyArns", "Tags", "SourceIdentity", "SerialNumber"];
    if let Some(name) = form.keys().find(|name| unknown.iter().any(|unknown| name.starts_with(unknown))) {
        return Err(invalid(&format!("the local cloud does not know {name} of AssumeRole")));
    }
    let role_arn = text(&form, "RoleArn", (20, 2048), |_| true)?.ok_or_else(|| missing("RoleArn"))?;
    let session = text(&form, "RoleSessionName", (2, 64), |c| "+=,.@-".contains(c))?
        .ok_or_else(|| missing("RoleSessionName"))?;
    let external_id = text(&form, "ExternalId", (2, 1224), |c| "+=,.@:/-".contains(c))?;
    let lifetime = lifetime(&call.principal, &form)?;

    world.iam.may_assume(&world.clock, &call.principal, role_arn, external_id)?;
    let keys = world
        .iam
        .issue(role_arn, session, lifetime)
        .map_err(|_| Refusal::denied(&call.principal, "sts:AssumeRole", role_arn))?;

    let assumed = Principal::Role {
        account: crate::iam::account_of(role_arn).to_owned(),
        role_arn: role_arn.to_owned(),
        session: session.to_owned(),
    };
    let inner = format!(
        "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{:.0}</Expiration></Credentials>",
        unique_id(&assumed),
        assumed.arn(),
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token.unwrap_or_default(),
        keys.expires.unwrap_or(jiff::Timestamp::MAX),
    );
    Ok(Reply::xml("AssumeRole", NAMESPACE, &inner))
}

/// An optional parameter within its length, of word characters and those that `also` allows. The message
/// never shows the value: an external id is one.
fn text<'a>(
    form: &'a BTreeMap<String, String>,
    name: &str,
    (shortest, longest): (usize, usize),
    also: impl Fn(char) -> bool,
) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = form.get(name) else { return Ok(None) };
    let length = value.chars().count();
    let fits = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || also(c));
    if fits && (shortest..=longest).contains(&length) {
        return Ok(Some(value));
    }
    Err(invalid(&format!("1 validation error detected: Value at '{name}' failed to satisfy its constraint")))
}

/// `DurationSeconds`: an hour unless told, and never more for a role that assumes a role.
fn lifetime(caller: &Principal, form: &BTreeMap<String, String>) -> Result<Duration, Refusal> {
    let Some(asked) = form.get("DurationSeconds") else { return Ok(Duration::from_hours(1)) };
    let seconds: u64 = asked.parse().unwrap_or_default();
    if !(900..=43_200).contains(&seconds) {
        return Err(invalid("1 validation error detected: 'durationSeconds' must be between 900 and 43200"));
    }
    if seconds > 3600 && matches!(caller, Principal::Role { .. }) {
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(invalid(text));
    }
    Ok(Duration::from_secs(seconds))
}

fn missing(name: &str) -> Refusal {
    invalid(&format!("1 validation error detected: Value null at '{name}' must not be null"))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

fn caller_identity(caller: &Principal) -> Reply {
    let inner = format!(
        "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
        caller.arn(),
        unique_id(caller),
        caller.account()
    );
    Reply::xml("GetCallerIdentity", NAMESPACE, &inner)
}

/// `AROA…:session` for a role, the account for its administrator. The id is made of the role's ARN.
fn unique_id(caller: &Principal) -> String {
    match caller {
        Principal::Role { role_arn, session, .. } => {
            let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(role_arn));
            let id: String = digest.chars().take(16).collect::<String>().to_ascii_uppercase();
            format!("AROA{id}:{session}")
        }
        other => other.account().to_owned(),
    }
}

#[cfg(test)]
mod tests;
