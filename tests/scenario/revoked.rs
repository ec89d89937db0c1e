//! A role that is revoked while a sweep turns the pages.

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::keys;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::server::ServerRow;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

/// DRS lists 200 servers a page.
const PAGE: usize = 200;
const SERVERS: usize = 230;

async fn rows(hub: &Hub) -> Vec<ServerRow> {
    hub.rows(&keys::servers(&hub.place(0))).await
}

fn is_open(row: &PlaceRow) -> bool {
    incident::open(&row.incidents).any(|(kind, _)| kind == IncidentKind::AccountDenied)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_whose_role_is_revoked_says_that_it_is_partial_and_is_made_whole_when_the_role_is_back() {
    let hub = Hub::start(Plan { servers: SERVERS, ..Plan::default() }).await;
    let (world, site) = (hub.world(), hub.site(0));
    let role_arn = hub.fleet.estate.spokes[0].role_arn.clone();
    let role = world.iam.role(&role_arn).unwrap();
    let mut ids = hub.servers(0).to_vec();
    ids.sort();
    let (listed, behind) = (&ids[0], &ids[SERVERS - 1]);

    world.iam.revoke_after(&role_arn, "drs:DescribeSourceServers", 1);
    // Of neither does an event tell; the second stands on the page that is not read.
    world.drs.disconnect(world, site, listed).unwrap();
    world.drs.delete_server(site, behind).unwrap();
    hub.sweep(0).await;
    let row = until("a sweep that ended early", async || {
        let row = hub.place_row(0).await;
        (row.partial.is_some() && is_open(&row)).then_some(row)
    })
    .await;
    let partial = row.partial.unwrap();
    assert_eq!(partial.servers as usize, PAGE, "{}", partial.reason);
    assert!(partial.reason.contains("AccessDenied"), "{}", partial.reason);
    assert_eq!((row.status.level, row.counted.unwrap().servers as usize), (Level::Unknown, SERVERS));
    until("the message that the account refuses access", async || {
        hub.slack.texts().into_iter().find(|text| text.starts_with("Account refuses access"))
    })
    .await;
    let stored = rows(&hub).await;
    assert_eq!(stored.len(), SERVERS, "no row is lost");
    assert!(stored.iter().all(|row| row.gone_since.is_none()), "nobody knows what the other page has");
    let state = |id: &String| {
        stored.iter().find(|row| row.id.as_str() == id).map(|row| row.replication.state.as_str())
    };
    assert_eq!(state(listed), Some("DISCONNECTED"), "the page that was read is kept");

    world.iam.put_role(&role_arn, &role.trust, &role.policies).unwrap();
    hub.sweep(0).await;
    let whole = until("a complete sweep", async || {
        let row = hub.place_row(0).await;
        (row.partial.is_none() && row.status.level != Level::Unknown).then_some(row)
    })
    .await;
    assert_eq!(whole.counted.as_ref().unwrap().servers as usize, SERVERS - 1);
    assert!(!is_open(&whole) && whole.unreadable.is_none());
    let gone: Vec<_> = rows(&hub).await.into_iter().filter(|row| row.gone_since.is_some()).collect();
    assert_eq!(gone.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [behind.as_str()]);
    until("the message that it is over", async || {
        hub.slack.texts().into_iter().find(|text| text.starts_with("Resolved: Account refuses access"))
    })
    .await;
}
