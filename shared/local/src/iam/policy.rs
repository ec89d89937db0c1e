//! Policy documents: parsed once, weighed by `awsim-iam-policy`.
//!
//! Actions, resources and conditions are that crate's decision. Who a statement of a *resource* policy is
//! about is decided here, because the crate knows neither service principals nor that a role's ARN stands
//! for its sessions: each statement is weighed alone, and only when it is about the caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use awsim_iam_policy::{
    AuthzRequest, BaseOperator, ContextValue, Decision, Effect, EvalContext, ParseError, PolicyDocument,
    Principal as Named, evaluate, parse_value,
};
use serde_json::Value;

use crate::call::Principal;
use crate::world::lock;

/// What a request is weighed with: the action, the resource and the condition keys.
pub(super) struct Question<'a> {
    pub principal: &'a Principal,
    pub action: &'a str,
    pub resource: &'a str,
    pub context: &'a HashMap<String, ContextValue>,
}

impl Question<'_> {
    fn weigh(&self, documents: &[PolicyDocument]) -> Decision {
        let arn = identity_arn(self.principal);
        let request = AuthzRequest {
            principal_arn: &arn,
            principal_account: self.principal.account(),
            action: self.action,
            resource_arn: self.resource,
            context: self.context,
        };
        evaluate(&request, &EvalContext { identity_policies: documents, ..EvalContext::default() })
    }
}

/// The ARN that `aws:PrincipalArn` and policies see: a session is seen as its role.
pub(super) fn identity_arn(principal: &Principal) -> String {
    match principal {
        Principal::Role { role_arn, .. } => role_arn.clone(),
        other => other.arn(),
    }
}

/// The policies of a role.
#[derive(Clone, Debug, Default)]
pub(super) struct IdentityPolicies(Vec<PolicyDocument>);

impl IdentityPolicies {
    pub fn parse(documents: &[Value]) -> Result<Self, ParseError> {
        documents.iter().map(parsed).collect::<Result<_, _>>().map(Self)
    }

    pub fn weigh(&self, question: &Question<'_>) -> Decision {
        question.weigh(&self.0)
    }
}

/// How far a resource policy goes towards a caller. The order is that of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// No statement allows it.
    Nothing,
    /// The caller's account is allowed, which leaves the decision to the policies in that account.
    ToAccount,
    /// The caller itself is allowed, or everybody.
    Direct,
    /// A statement forbids it.
    Denied,
}

/// A resource or trust policy: its statements, each a document of its own.
#[derive(Debug)]
pub(super) struct ResourcePolicy(Vec<PolicyDocument>);

impl ResourcePolicy {
    pub fn parse(document: &Value) -> Result<Self, ParseError> {
        let PolicyDocument { version, id, statements } = parsed(document)?;
        let alone = |statement| PolicyDocument {
            version: version.clone(),
            id: id.clone(),
            statements: vec![statement],
        };
        Ok(Self(statements.into_iter().map(alone).collect()))
    }

    pub fn grant(&self, question: &Question<'_>) -> Grant {
        let mut best = Grant::Nothing;
        for document in &self.0 {
            let reach = reach(document, question.principal);
            if reach == Grant::Nothing {
                continue;
            }
            match question.weigh(std::slice::from_ref(document)) {
                Decision::ExplicitDeny => return Grant::Denied,
                Decision::Allow => best = best.max(reach),
                Decision::ImplicitDeny => {}
            }
        }
        best
    }
}

/// How directly the one statement of `document` names the caller.
fn reach(document: &PolicyDocument, caller: &Principal) -> Grant {
    let Some(statement) = document.statements.first() else { return Grant::Nothing };
    match (&statement.principal, &statement.not_principal) {
        (Some(named), _) => naming(named, caller),
        (None, Some(named)) if naming(named, caller) == Grant::Nothing => Grant::Direct,
        _ => Grant::Nothing,
    }
}

fn naming(named: &Named, caller: &Principal) -> Grant {
    match named {
        Named::Wildcard => Grant::Direct,
        Named::Aws(list) => naming_aws(list, caller),
        Named::Service(list) => naming_service(list, caller),
        Named::Mixed { aws, service, .. } => naming_aws(aws, caller).max(naming_service(service, caller)),
        Named::Federated(_) | Named::CanonicalUser(_) => Grant::Nothing,
    }
}

fn naming_aws(list: &[String], caller: &Principal) -> Grant {
    let one = |entry: &String| {
        let is_service = matches!(caller, Principal::Service { .. });
        if entry == "*" {
            Grant::Direct
        } else if is_service {
            Grant::Nothing
        } else if *entry == caller.arn() || *entry == identity_arn(caller) {
            Grant::Direct
        } else if names_account(entry, caller.account()) {
            match caller {
                Principal::Operator { .. } => Grant::Direct,
                _ => Grant::ToAccount,
            }
        } else {
            Grant::Nothing
        }
    };
    list.iter().map(one).max().unwrap_or(Grant::Nothing)
}

fn names_account(entry: &str, account: &str) -> bool {
    let root = entry.strip_prefix("arn:").and_then(|rest| rest.split_once(":iam::")).map(|(_, id)| id);
    entry == account || root.and_then(|id| id.strip_suffix(":root")) == Some(account)
}

fn naming_service(list: &[String], caller: &Principal) -> Grant {
    match caller {
        Principal::Service { name, .. } if list.contains(name) => Grant::Direct,
        _ => Grant::Nothing,
    }
}

/// Resource policies by their text. A policy is asked at each call, and parsed once.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<Value, Arc<ResourcePolicy>>>);

impl Cache {
    /// More documents than any run has; a program that rewrites policies without end starts over.
    const CAPACITY: usize = 4096;

    pub fn get(&self, document: &Value) -> Result<Arc<ResourcePolicy>, ParseError> {
        let mut policies = lock(&self.0);
        if let Some(policy) = policies.get(document) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(ResourcePolicy::parse(document)?);
        if policies.len() >= Self::CAPACITY {
            policies.clear();
        }
        policies.insert(document.clone(), Arc::clone(&policy));
        Ok(policy)
    }
}

/// Parses, and irons out two differences between the crate and AWS: condition keys are not case-sensitive,
/// and `ArnEquals` takes wildcards as `ArnLike` does.
fn parsed(document: &Value) -> Result<PolicyDocument, ParseError> {
    let mut policy = parse_value(document)?;
    for statement in &mut policy.statements {
        if statement.effect == Effect::Allow && statement.action.is_none() && statement.not_action.is_none() {
            return Err(ParseError::MissingField("Action".to_owned()));
        }
        for condition in statement.condition.iter_mut().flat_map(|block| &mut block.conditions) {
            condition.key = canonical(&condition.key);
            condition.operator.base = match condition.operator.base {
                BaseOperator::ArnEquals => BaseOperator::ArnLike,
                BaseOperator::ArnNotEquals => BaseOperator::ArnNotLike,
                other => other,
            };
        }
    }
    Ok(policy)
}

/// The condition keys that requests here carry, as they are stored in the context.
const KEYS: [&str; 14] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalServiceName",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "events:detail-type",
    "events:source",
    "sts:ExternalId",
];

fn canonical(key: &str) -> String {
    KEYS.iter().find(|known| known.eq_ignore_ascii_case(key)).map_or(key, |known| known).to_owned()
}
