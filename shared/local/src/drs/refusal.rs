//! What DRS refuses, in its modelled errors; for quotas see `quota.rs`.

use crate::call::Refusal;

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
