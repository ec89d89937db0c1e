//! What people do in the spokes' own consoles: API calls, which a trail records.

use drs_fleet_local::call::Call;
use drs_fleet_local::estate::Spoke;
use serde_json::{Value, json};

use super::jobs::Tags;
use super::stage::{Stage, refused};

/// Starts a drill or a recovery of these servers.
pub(super) async fn start_recovery(
    stage: &Stage<'_>,
    spoke: &Spoke,
    ids: &[String],
    (drill, tags): (bool, &Tags),
) -> anyhow::Result<()> {
    let servers: Vec<_> = ids.iter().map(|id| json!({"sourceServerID": id})).collect();
    let body = json!({"isDrill": drill, "sourceServers": servers, "tags": tags});
    call(stage, spoke, "StartRecovery", body).await
}

/// Terminates these recovery instances.
pub(super) async fn terminate(stage: &Stage<'_>, spoke: &Spoke, instances: &[String]) -> anyhow::Result<()> {
    call(stage, spoke, "TerminateRecoveryInstances", json!({"recoveryInstanceIDs": instances})).await
}

/// Disconnects a server from the service.
pub(super) async fn disconnect(stage: &Stage<'_>, spoke: &Spoke, id: &str) -> anyhow::Result<()> {
    call(stage, spoke, "DisconnectSourceServer", json!({"sourceServerID": id})).await
}

async fn call(stage: &Stage<'_>, spoke: &Spoke, operation: &str, body: Value) -> anyhow::Result<()> {
    let call = Call::by_operator((&spoke.plan.account, &spoke.plan.region), ("drs", operation), &body);
    stage.world.perform(&call).await.map(|_| ()).map_err(|refusal| refused(operation, &refusal))
}
