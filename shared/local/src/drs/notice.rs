//! The service events of DRS, as its user guide shows them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::Dice;
use crate::events::ServiceEvent;

fn notice(detail_type: &str, arn: &str, detail: Value, at: Timestamp) -> ServiceEvent {
    ServiceEvent {
        source: "aws.drs".to_owned(),
        detail_type: detail_type.to_owned(),
        time: Some(at),
        resources: vec![arn.to_owned()],
        detail,
    }
}

/// Replication of a server stalled, or goes on.
pub(super) fn stalled(arn: &str, stalled: bool, at: Timestamp) -> ServiceEvent {
    let state = if stalled { "STALLED" } else { "NOT_STALLED" };
    notice("DRS Source Server Data Replication Stalled Change", arn, json!({ "state": state }), at)
}

/// The launch of one server ended. `is-drill` is a string on AWS too.
pub(super) fn launch(arn: &str, launched: bool, (job, drill): (&str, bool), at: Timestamp) -> ServiceEvent {
    let detail = json!({
        "state": if launched { "RECOVERY_LAUNCH_SUCCEEDED" } else { "RECOVERY_LAUNCH_FAILED" },
        "job-id": job,
        "is-drill": if drill { "TRUE" } else { "FALSE" },
    });
    notice("DRS Source Server Launch Result", arn, detail, at)
}

/// The failback of a recovery instance began, was completed or failed.
pub(super) fn failback(arn: &str, state: &str, at: Timestamp) -> ServiceEvent {
    notice("DRS Recovery Instance Failback State Change", arn, json!({ "state": state }), at)
}

/// A point in time was taken. The snapshots of the disks are one string, joined by commas.
pub(super) fn snapshot(arn: &str, disks: usize, dice: &mut Dice, at: Timestamp) -> ServiceEvent {
    let disks: Vec<String> = (0..disks).map(|_| dice.id("snap")).collect();
    let detail = json!({ "DrsSnapshotID": dice.id("pit"), "EbsSnapshotIDs": disks.join(",") });
    notice("DRS PIT Snapshot Taken", arn, detail, at)
}
