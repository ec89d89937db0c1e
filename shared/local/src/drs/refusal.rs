//! What DRS refuses, in its modelled errors. Statuses and quota codes: Service Quotas, `ServiceCode` `drs`.

use crate::call::Refusal;

/// A quota and what AWS calls it.
pub(super) struct Quota {
    pub(super) code: &'static str,
    pub(super) limit: usize,
    pub(super) what: &'static str,
}

pub(super) const REPLICATING: Quota =
    Quota { code: "L-C1D14A2B", limit: 300, what: "Max Total replicating source servers Per AWS Account" };
pub(super) const SERVERS: Quota =
    Quota { code: "L-E28BE5E0", limit: 4_000, what: "Max Total source servers Per AWS Account" };
pub(super) const JOBS: Quota = Quota { code: "L-D88FAC3A", limit: 20, what: "Concurrent jobs in progress" };
pub(super) const SERVERS_IN_JOBS: Quota =
    Quota { code: "L-05AFA8C6", limit: 500, what: "Max source servers in all Jobs" };
pub(super) const SERVERS_IN_JOB: Quota =
    Quota { code: "L-B827C881", limit: 100, what: "Max source servers in a single Job" };

impl Quota {
    /// Refuses when `wanted` is more than the quota allows.
    pub(super) fn admit(&self, wanted: usize) -> Result<(), Refusal> {
        if wanted <= self.limit {
            return Ok(());
        }
        let text = format!("quota exceeded: {} is {}, this call would need {wanted}", self.what, self.limit);
        Err(Refusal::new(402, "ServiceQuotaExceededException", text)
            .member("serviceCode", "drs")
            .member("quotaCode", self.code))
    }
}

pub(super) fn uninitialized() -> Refusal {
    Refusal::new(400, "UninitializedAccountException", "Account not initialized")
}

pub(super) fn invalid(field: &str, message: &str) -> Refusal {
    let field = serde_json::json!([{ "name": field, "message": message }]);
    Refusal::new(400, "ValidationException", message)
        .member("reason", "fieldValidationFailed")
        .member("fieldList", field)
}

pub(super) fn not_found(kind: &str, id: &str) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", format!("{kind} {id} does not exist"))
        .member("resourceId", id)
        .member("resourceType", kind)
}

pub(super) fn conflict(kind: &str, id: &str, message: &str) -> Refusal {
    Refusal::new(409, "ConflictException", message).member("resourceId", id).member("resourceType", kind)
}

/// The words that AWS uses when a server is already in a job.
pub(super) fn busy(id: &str) -> Refusal {
    let text =
        "One or more of the Source Servers included in API call are currently being processed by a Job";
    conflict("SourceServer", id, text)
}

/// The throttling answer of DRS, which names how long to wait in `Retry-After`.
pub(super) fn throttled(seconds: i64) -> Refusal {
    Refusal::throttled("drs").member("serviceCode", "drs").header("Retry-After", seconds.to_string())
}

pub(super) fn denied(message: String) -> Refusal {
    Refusal::new(403, "AccessDeniedException", message)
}
