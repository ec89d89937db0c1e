//! An incident for the tests of this module.

use serde_json::{Value, json};

use crate::own_event::IncidentEvent;
use crate::registry::AccountRow;

/// A HIGH stall of a server of the account Payments in Frankfurt, apart from what `odd` says.
pub(super) fn event(odd: Value) -> IncidentEvent {
    let mut event = json!({
        "eventId": "e", "incident": "i", "happened": "OPENED", "kind": "REPLICATION_STALLED", "severity": "HIGH",
        "accountId": "111122223333", "accountName": "Payments", "region": "eu-central-1",
        "subject": "s-12345678901234567", "subjectName": "erp-db-03", "application": "ERP",
        "openedAt": "2026-08-22T20:00:00Z", "at": "2026-08-22T20:00:00Z", "sequence": 1, "reason": "",
    });
    let (Some(members), Value::Object(odd)) = (event.as_object_mut(), odd) else { unreachable!() };
    members.extend(odd);
    serde_json::from_value(event).unwrap()
}

/// The account Payments, which is in an organisational unit and has a tag.
pub(super) fn account() -> AccountRow {
    serde_json::from_value(json!({
        "id": "111122223333", "name": "Payments", "role_arn": "", "external_id_secret": "", "regions": [],
        "status": "ACTIVE", "ou": "Finance", "tags": { "team": "blue" },
    }))
    .unwrap()
}
