//! Accounts, roles, access keys, and what policies allow.

use std::time::Duration;

use serde_json::Value;

use crate::Clock;
use crate::call::{Principal, Refusal};

/// Accounts, roles, access keys and sessions.
#[derive(Debug, Default)]
pub struct Iam {}

/// Keys as a client needs them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `AKIA…` for an operator, `ASIA…` for a session.
    pub access_key_id: String,
    /// Signs, is never sent.
    pub secret_access_key: String,
    /// Present for sessions.
    pub session_token: Option<String>,
    /// When a session ends, on real time.
    pub expires: Option<jiff::Timestamp>,
}

impl Iam {
    /// Makes an account known and returns its administrator's keys. `organization` is the id (`o-…`) that
    /// `aws:PrincipalOrgID` sees.
    pub fn add_account(&self, account: &str, organization: Option<&str>) -> Credentials {
        unimplemented!("{account} {organization:?}")
    }

    /// Creates or replaces a role. `policies` are its identity policies.
    ///
    /// # Errors
    /// `MalformedPolicyDocument` when a document does not parse.
    pub fn put_role(&self, role_arn: &str, trust: &Value, policies: &[Value]) -> Result<(), Refusal> {
        unimplemented!("{role_arn} {trust} {policies:?}")
    }

    /// A session of a role without an `AssumeRole` call, as a container platform hands it to a task.
    ///
    /// # Errors
    /// `NoSuchEntity` when there is no such role.
    pub fn issue(&self, role_arn: &str, session: &str, lifetime: Duration) -> Result<Credentials, Refusal> {
        unimplemented!("{role_arn} {session} {lifetime:?}")
    }

    /// Who is behind an access key.
    ///
    /// # Errors
    /// `InvalidClientTokenId` for an unknown key or a wrong token, `ExpiredTokenException` for an old session.
    pub fn authenticate(&self, access_key_id: &str, token: Option<&str>) -> Result<Principal, Refusal> {
        unimplemented!("{access_key_id} {token:?}")
    }

    /// Whether the caller may do `action` (`sqs:SendMessage`) on `resource` (an ARN or `*`), which belongs to
    /// `owner` (an account). Within one account the identity policies or the resource policy must allow it,
    /// across accounts both; a service needs the resource policy. `context` are more condition keys.
    ///
    /// # Errors
    /// `AccessDenied` in AWS's words.
    pub fn authorize(
        &self,
        clock: &Clock,
        principal: &Principal,
        action: &str,
        (owner, resource): (&str, &str),
        resource_policy: Option<&Value>,
        context: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        unimplemented!("{clock:?} {principal:?} {action} {owner} {resource} {resource_policy:?} {context:?}")
    }
}
