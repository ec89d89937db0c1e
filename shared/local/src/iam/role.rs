//! Roles.

use serde_json::Value;

use super::policy::{IdentityPolicies, ResourcePolicy};
use crate::call::Refusal;

/// A role as it was put.
#[derive(Debug)]
pub struct Role {
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: String,
    /// Who may assume it.
    pub trust: Value,
    /// What it allows.
    pub policies: Vec<Value>,
    pub(super) trusting: ResourcePolicy,
    pub(super) allowing: IdentityPolicies,
}

impl Role {
    /// # Errors
    /// `MalformedPolicyDocument` when a document does not parse.
    pub(super) fn read(arn: &str, trust: &Value, policies: &[Value]) -> Result<Self, Refusal> {
        let malformed = |e| Refusal::new(400, "MalformedPolicyDocument", format!("{arn}: {e}"));
        Ok(Self {
            arn: arn.to_owned(),
            trust: trust.clone(),
            policies: policies.to_vec(),
            trusting: ResourcePolicy::parse(trust).map_err(malformed)?,
            allowing: IdentityPolicies::parse(policies).map_err(malformed)?,
        })
    }
}
