//! What AWS sends no event for: sweeps find it, people are told, and it closes by itself.

use std::collections::BTreeMap;

use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::keys;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::json;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

/// Open incidents of the first spoke's servers.
async fn open(hub: &Hub) -> BTreeMap<String, Vec<IncidentKind>> {
    let rows = hub.rows::<ServerRow>(&keys::servers(&hub.place(0))).await;
    let kinds = |row: &ServerRow| incident::open(&row.incidents).map(|(kind, _)| kind).collect();
    let all: BTreeMap<_, Vec<_>> = rows.iter().map(|row| (row.id.to_string(), kinds(row))).collect();
    all.into_iter().filter(|(_, kinds)| !kinds.is_empty()).collect()
}

/// Sweeps until the open incidents are as expected.
async fn sweeps_find(hub: &Hub, expected: &[(&String, IncidentKind)]) {
    let expected: BTreeMap<_, _> = expected.iter().map(|(id, kind)| ((*id).clone(), vec![*kind])).collect();
    until(format!("{expected:?}"), async || {
        hub.sweep(0).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        (open(hub).await == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_event_tells_is_found_by_sweeps_and_closes_by_itself() {
    let hub = Hub::start(Plan { speed: 60.0, servers: 6, ..Plan::default() }).await;
    let (world, site, servers) = (hub.world(), hub.site(0), hub.servers(0));
    let replicating = |id: &String| {
        let views = world.drs.servers(site, world.clock.now());
        views.into_iter().any(|view| view.id == *id && view.state == "CONTINUOUS")
    };
    let [lagging, silent, gone, resynced] =
        servers.iter().filter(|id| replicating(id)).collect::<Vec<_>>()[..4]
    else {
        panic!("too few servers replicate")
    };
    world.drs.set_lag(world, site, lagging, 7_200).unwrap();
    world.drs.silence(world, site, silent, None).unwrap();
    world.drs.disconnect(world, site, gone).unwrap();
    world.drs.resync(world, site, resynced).unwrap();
    sweeps_find(
        &hub,
        &[
            (lagging, IncidentKind::ReplicationLag),
            (silent, IncidentKind::ServerNotSeen),
            (gone, IncidentKind::ServerDisconnected),
            (resynced, IncidentKind::FullResync),
        ],
    )
    .await;

    world.drs.recover(world, site, lagging).unwrap();
    world.drs.recover(world, site, silent).unwrap();
    world.drs.reconnect(world, site, gone).unwrap();
    // What was away is compared anew, and so is what was resynced, until they replicate continuously.
    sweeps_find(&hub, &[]).await;
    until("an end for each beginning, in Slack", async || {
        let texts = hub.slack.texts();
        let ends = texts.iter().filter(|text| text.starts_with("Resolved: ")).count();
        (ends >= 4 && ends * 2 == texts.len()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_somebody_disconnected_is_no_incident() {
    let hub = Hub::start(Plan { speed: 120.0, ..Plan::default() }).await;
    let [asked, lost] = [&hub.servers(0)[0], &hub.servers(0)[1]];
    let body = json!({ "sourceServerID": asked });
    hub.call(hub.site(0), ("drs", "DisconnectSourceServer"), &body).await.unwrap();
    until("the call's record", async || {
        let row = hub.row::<ServerRow>(&keys::server(&hub.place(0), &asked.parse().unwrap())).await?;
        row.disconnect_called_at
    })
    .await;
    hub.world().drs.disconnect(hub.world(), hub.site(0), lost).unwrap();
    sweeps_find(&hub, &[(lost, IncidentKind::ServerDisconnected)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalls_whose_events_are_lost_are_found_by_the_next_sweep() {
    let lost = FaultRule::of(("events", "Deliver"), 1.0, Fault::Drop);
    let hub = Hub::start(Plan::default()).await;
    hub.world().faults.set(vec![lost]);
    let stalled: Vec<_> = hub.servers(0).iter().take(3).collect();
    let mut expected = Vec::new();
    for id in stalled {
        if hub.world().drs.stall(hub.world(), hub.site(0), id, "AGENT_NOT_SEEN").is_ok() {
            expected.push((id, IncidentKind::ReplicationStalled));
        }
    }
    sweeps_find(&hub, &expected).await;
}
