//! The condition keys that every request carries.

use std::collections::HashMap;

use awsim_iam_policy::ContextValue;

use super::Iam;
use super::policy::identity_arn;
use crate::Clock;
use crate::call::Principal;

impl Iam {
    /// The caller's keys, the time, and `more` that only this call has.
    pub(super) fn context(
        &self,
        clock: &Clock,
        principal: &Principal,
        more: &[(&str, &str)],
    ) -> HashMap<String, ContextValue> {
        let mut keys = HashMap::with_capacity(8 + more.len());
        let mut put = |key: &str, value: String| keys.insert(key.to_owned(), ContextValue::String(value));
        put("aws:CurrentTime", clock.now().to_string());
        put("aws:EpochTime", clock.now().as_second().to_string());
        // The loopback stands for AWS's TLS endpoints: what asks for TLS must hold here as it does there.
        put("aws:SecureTransport", "true".to_owned());
        put("aws:PrincipalIsAWSService", matches!(principal, Principal::Service { .. }).to_string());
        match principal {
            Principal::Service { name, source_arn, source_account } => {
                put("aws:PrincipalServiceName", name.clone());
                put("aws:SourceArn", source_arn.clone());
                put("aws:SourceAccount", source_account.clone());
                if let Some(organization) = self.organization_of(source_account) {
                    put("aws:SourceOrgID", organization);
                }
            }
            caller => {
                put("aws:PrincipalArn", identity_arn(caller));
                put("aws:PrincipalAccount", caller.account().to_owned());
                if let Some(organization) = self.organization_of(caller.account()) {
                    put("aws:PrincipalOrgID", organization);
                }
            }
        }
        for (key, value) in more {
            put(key, (*value).to_owned());
        }
        keys
    }
}
