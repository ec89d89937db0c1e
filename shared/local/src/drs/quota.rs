//! The quotas of DRS in an account and Region, and what is refused for their sake.
//!
//! Names, codes and defaults: AWS General Reference, "AWS Elastic Disaster Recovery endpoints and quotas". "One
//! job per source server" is in the list and refused as a conflict, not as a quota.

use std::collections::BTreeMap;

use crate::call::Refusal;

/// A quota as AWS documents it.
#[derive(Debug)]
pub(crate) struct Quota {
    /// `L-…`.
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) default: u32,
    pub(crate) adjustable: bool,
}

const fn quota(code: &'static str, name: &'static str, default: u32, adjustable: bool) -> Quota {
    Quota { code, name, default, adjustable }
}

pub(super) const REPLICATING: Quota =
    quota("L-C1D14A2B", "Max Total replicating source servers Per AWS Account", 300, false);
pub(super) const SERVERS: Quota =
    quota("L-E28BE5E0", "Max Total source servers Per AWS Account", 4_000, true);
pub(super) const JOBS: Quota = quota("L-D88FAC3A", "Concurrent jobs in progress", 20, false);
pub(super) const SERVERS_IN_JOBS: Quota = quota("L-05AFA8C6", "Max source servers in all Jobs", 500, false);
pub(super) const SERVERS_IN_JOB: Quota =
    quota("L-B827C881", "Max source servers in a single Job", 100, false);

pub(super) const NETWORKS: Quota =
    quota("L-4B0323BD", "Max number of source networks per AWS account", 100, true);

/// All that Service Quotas lists for the service code `drs`, in the order of their codes.
pub(crate) const ALL: [Quota; 9] = [
    SERVERS_IN_JOBS,
    quota("L-0588D03B", "Max number of launch actions per resource", 200, false),
    quota("L-1F3FAE4D", "Max number of launch configuration templates per AWS account", 1, false),
    NETWORKS,
    SERVERS_IN_JOB,
    REPLICATING,
    JOBS,
    quota("L-DD6D028C", "Max concurrent Jobs per source server", 1, false),
    SERVERS,
];

/// The applied values of one account and Region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied(BTreeMap<&'static str, Option<u32>>);

impl Applied {
    /// What Service Quotas shows as applied: AWS's default unless set, none where there is no applied value.
    pub(crate) fn value(&self, quota: &Quota) -> Option<u32> {
        self.0.get(quota.code).copied().unwrap_or(Some(quota.default))
    }

    /// Sets an applied value, or takes it away.
    pub(super) fn set(&mut self, code: &str, value: Option<u32>) -> Result<(), Refusal> {
        let unknown = || Refusal::new(400, "NoSuchResourceException", format!("DRS has no quota {code}"));
        let quota = ALL.iter().find(|quota| quota.code == code).ok_or_else(unknown)?;
        self.0.insert(quota.code, value);
        Ok(())
    }

    /// How many the service allows.
    fn limit(&self, quota: &Quota) -> usize {
        usize::try_from(self.value(quota).unwrap_or(quota.default)).unwrap_or(usize::MAX)
    }

    /// Refuses when `wanted` is more than the quota allows. The refusal names the resource (its type and id)
    /// that is one too many.
    pub(super) fn admit(
        &self,
        quota: &Quota,
        wanted: usize,
        (kind, id): (&str, &str),
    ) -> Result<(), Refusal> {
        let limit = self.limit(quota);
        if wanted <= limit {
            return Ok(());
        }
        let text = format!("quota exceeded: {} is {limit}, this call would need {wanted}", quota.name);
        Err(Refusal::new(402, "ServiceQuotaExceededException", text)
            .member("resourceId", id)
            .member("resourceType", kind)
            .member("serviceCode", "drs")
            .member("quotaCode", quota.code))
    }
}
