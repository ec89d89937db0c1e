//! Accounts, roles, access keys, and what policies allow.
//!
//! Keys and sessions live on real time, as signatures do; only `aws:CurrentTime` in a condition is the
//! cloud's own time.

mod context;
mod fuse;
mod keys;
mod policy;
mod role;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use awsim_iam_policy::Decision;
use jiff::Timestamp;
use serde_json::Value;

use crate::Clock;
use crate::call::{Principal, Refusal};
use crate::world::lock;
use fuse::Fuses;
pub use keys::Credentials;
use keys::Key;
pub(crate) use keys::random_text;
use policy::{Cache, Grant, Question};
pub use role::Role;

/// Accounts, roles, access keys and sessions.
#[derive(Default)]
pub struct Iam {
    state: Mutex<State>,
    resource_policies: Cache,
}

#[derive(Default)]
struct State {
    organizations: HashMap<String, Option<String>>,
    roles: HashMap<String, Arc<Role>>,
    keys: HashMap<String, Arc<Key>>,
    fuses: Fuses,
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Iam")
            .field("accounts", &state.organizations.len())
            .field("roles", &state.roles.len())
            .finish_non_exhaustive()
    }
}

impl Iam {
    /// Makes an account known and returns its administrator's keys. `organization` is the id (`o-…`) that
    /// `aws:PrincipalOrgID` sees.
    pub fn add_account(&self, account: &str, organization: Option<&str>) -> Credentials {
        let principal = Principal::Operator { account: account.to_owned() };
        let (key, credentials) = Key::create(principal, None);
        let mut state = lock(&self.state);
        state.organizations.insert(account.to_owned(), organization.map(str::to_owned));
        state.keys.insert(credentials.access_key_id.clone(), Arc::new(key));
        credentials
    }

    /// The organisation that an account is in, if it is in one.
    pub fn organization_of(&self, account: &str) -> Option<String> {
        lock(&self.state).organizations.get(account).cloned().flatten()
    }

    /// Creates or replaces a role. `policies` are its identity policies.
    ///
    /// # Errors
    /// `MalformedPolicyDocument` when a document does not parse.
    pub fn put_role(&self, role_arn: &str, trust: &Value, policies: &[Value]) -> Result<(), Refusal> {
        let role = Role::read(role_arn, trust, policies)?;
        lock(&self.state).roles.insert(role_arn.to_owned(), Arc::new(role));
        Ok(())
    }

    /// A role by its ARN.
    pub fn role(&self, role_arn: &str) -> Option<Arc<Role>> {
        lock(&self.state).roles.get(role_arn).cloned()
    }

    /// Removes a role. Its sessions stay valid and are allowed nothing. Says whether there was one.
    pub fn delete_role(&self, role_arn: &str) -> bool {
        lock(&self.state).roles.remove(role_arn).is_some()
    }

    /// A role that was removed is there again, as it was.
    pub fn restore_role(&self, role_arn: &str, role: Arc<Role>) {
        lock(&self.state).roles.insert(role_arn.to_owned(), role);
    }

    /// A session of a role without an `AssumeRole` call, as a container platform hands it to a task.
    ///
    /// # Errors
    /// `NoSuchEntity` when there is no such role.
    pub fn issue(&self, role_arn: &str, session: &str, lifetime: Duration) -> Result<Credentials, Refusal> {
        let mut state = lock(&self.state);
        if !state.roles.contains_key(role_arn) {
            return Err(Refusal::new(404, "NoSuchEntity", format!("there is no role {role_arn}")));
        }
        let expires = Timestamp::now().checked_add(lifetime).unwrap_or(Timestamp::MAX);
        let (key, credentials) = Key::create(session_of(role_arn, session), Some(expires));
        state.keys.insert(credentials.access_key_id.clone(), Arc::new(key));
        Ok(credentials)
    }

    /// The secret that signs for an access key, if the key is known.
    pub fn secret_of(&self, access_key_id: &str) -> Option<String> {
        lock(&self.state).keys.get(access_key_id).map(|key| key.secret.clone())
    }

    /// Who is behind an access key.
    ///
    /// # Errors
    /// `InvalidClientTokenId` for an unknown key or a wrong token, `ExpiredTokenException` for an old session.
    pub fn authenticate(&self, access_key_id: &str, token: Option<&str>) -> Result<Principal, Refusal> {
        let key = lock(&self.state).keys.get(access_key_id).cloned();
        let Some(key) = key.filter(|key| key.token.as_deref() == token) else {
            let text = "The security token included in the request is invalid.";
            return Err(Refusal::new(403, "InvalidClientTokenId", text));
        };
        if key.expires.is_some_and(|end| end <= Timestamp::now()) {
            let text = "The security token included in the request is expired";
            return Err(Refusal::new(403, "ExpiredTokenException", text));
        }
        Ok(key.principal.clone())
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
        let denied = || Refusal::denied(principal, action, resource);
        self.burn(principal, action);
        // A policy that does not parse allows nothing; services refuse such a document when it is put.
        let policy = match resource_policy {
            Some(document) => Some(self.resource_policies.get(document).map_err(|_| denied())?),
            None => None,
        };
        let context = self.context(clock, principal, context);
        let question = Question { principal, action, resource, context: &context };
        let grant = policy.map_or(Grant::Nothing, |policy| policy.grant(&question));
        let same_account = principal.account() == owner;
        match (self.identity_allows(&question), grant) {
            (Decision::Allow, Grant::ToAccount | Grant::Direct) => Ok(()),
            (Decision::Allow, Grant::Nothing) if same_account => Ok(()),
            (Decision::ImplicitDeny, Grant::Direct) if same_account || is_service(principal) => Ok(()),
            _ => Err(denied()),
        }
    }

    /// Whether the caller may assume a role: the trust policy must allow it, and the caller's own policies too
    /// unless the trust policy names the caller itself within one account. A service needs the trust only.
    ///
    /// # Errors
    /// `AccessDenied`, the same for a missing role, a wrong external id and a missing permission.
    pub fn may_assume(
        &self,
        clock: &Clock,
        principal: &Principal,
        role_arn: &str,
        external_id: Option<&str>,
    ) -> Result<(), Refusal> {
        let action = "sts:AssumeRole";
        let denied = || Refusal::denied(principal, action, role_arn);
        let role = self.role(role_arn).ok_or_else(denied)?;
        let more: Vec<_> = external_id.iter().map(|id| ("sts:ExternalId", *id)).collect();
        let context = self.context(clock, principal, &more);
        let question = Question { principal, action, resource: role_arn, context: &context };
        let same_account = principal.account() == account_of(role_arn);
        match (self.identity_allows(&question), role.trusting.grant(&question)) {
            (Decision::Allow, Grant::ToAccount | Grant::Direct) => Ok(()),
            (Decision::ImplicitDeny, Grant::Direct) if same_account || is_service(principal) => Ok(()),
            _ => Err(denied()),
        }
    }

    /// The role session in which a service acts for one of its resources, such as a rule that has a role.
    ///
    /// # Errors
    /// `AccessDenied` when the role does not exist or does not trust the service.
    pub fn act_as(
        &self,
        clock: &Clock,
        service: &Principal,
        role_arn: &str,
        session: &str,
    ) -> Result<Principal, Refusal> {
        self.may_assume(clock, service, role_arn, None)?;
        Ok(session_of(role_arn, session))
    }

    fn identity_allows(&self, question: &Question<'_>) -> Decision {
        match question.principal {
            Principal::Operator { .. } => Decision::Allow,
            Principal::Service { .. } => Decision::ImplicitDeny,
            Principal::Role { role_arn, .. } => {
                self.role(role_arn).map_or(Decision::ImplicitDeny, |role| role.allowing.weigh(question))
            }
        }
    }
}

fn is_service(principal: &Principal) -> bool {
    matches!(principal, Principal::Service { .. })
}

fn session_of(role_arn: &str, session: &str) -> Principal {
    Principal::Role {
        account: account_of(role_arn).to_owned(),
        role_arn: role_arn.to_owned(),
        session: session.to_owned(),
    }
}

/// The account in an ARN; empty when there is none.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

#[cfg(test)]
mod tests;
