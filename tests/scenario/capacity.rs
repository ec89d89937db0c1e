//! How full accounts are: told when it changes, and the same as what DRS itself says.

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::{self, IncidentKind, Severity};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{Counted, PlaceRow};
use drs_fleet_domain::quota::Quota;
use drs_fleet_domain::registry::{AccountRegion, AccountRow};
use drs_fleet_domain::server::ServerRow;
use drs_fleet_local::drs::{ServerSpec, Start};
use drs_fleet_local::fleet;

use serde_json::{Value, json};

use crate::support::hub::{Hub, Plan};
use crate::support::python;
use crate::support::wait::until;

async fn level(hub: &Hub, spoke: usize, level: Level) -> PlaceRow {
    until(format!("the level {level}"), async || {
        hub.sweep(spoke).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let row = hub.place_row(spoke).await;
        (row.status.level == level).then_some(row)
    })
    .await
}

fn add(hub: &Hub, servers: usize) {
    let (world, site) = (hub.world(), hub.site(0));
    for seat in fleet::generate(site, servers, 99, world.clock.now()) {
        let server = ServerSpec { start: Start::Continuous(world.clock.now()), ..seat.server };
        world.drs.add_server(site, server, world.clock.now()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_fills_up_is_told_and_told_again_when_it_is_relieved() {
    let hub = Hub::start(Plan { servers: 5, quota: Some(30), ..Plan::default() }).await;
    let began = hub.place_row(0).await;
    assert_eq!((began.status.level, began.status.limit), (Level::Ok, Some(30)));
    let before = began.counted.unwrap().replicating;
    add(&hub, 29 - usize::try_from(before).unwrap());
    let full = level(&hub, 0, Level::Warning).await;
    let (kind, incident) = incident::open(&full.incidents).next().unwrap();
    assert_eq!((kind, incident.severity), (IncidentKind::CapacityReplicating, Severity::High));
    until("a message", async || hub.slack.texts().into_iter().find(|text| text.contains("quota"))).await;
    add(&hub, 1);
    let full = level(&hub, 0, Level::Critical).await;
    assert_eq!(incident::open(&full.incidents).next().unwrap().1.severity, Severity::Critical);

    let now = hub.world().clock.now();
    for server in hub.world().drs.servers(hub.site(0), now).into_iter().filter(|s| s.counts).skip(10) {
        hub.world().drs.delete_server(hub.site(0), &server.id).unwrap();
    }
    let relieved = level(&hub, 0, Level::Ok).await;
    assert_eq!(incident::open(&relieved.incidents).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_in_which_drs_was_never_initialised_has_no_servers_and_is_no_incident() {
    let hub = Hub::start(Plan::default()).await;
    let place = Place { region: "ap-south-1".parse().unwrap(), ..hub.place(0) };
    let mut account = hub.row::<AccountRow>(&keys::account(&place.account)).await.unwrap();
    let region = AccountRegion { region: place.region.clone(), drs: true, source: false };
    account.regions.push(region);
    hub.register_again(account).await;
    swept_as(&hub, &place, |counted| (counted.servers, counted.initialized) == (0, false)).await;
    let row = hub.row::<PlaceRow>(&keys::place(&place)).await.unwrap();
    assert_eq!(incident::open(&row.incidents).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_those_that_boto3_gets_when_it_asks_drs_itself() {
    let environment = tokio::task::spawn_blocking(|| python::environment("requirements-boto3.txt")).await;
    let python = match environment.unwrap() {
        Ok(python) => python,
        Err(why) => return python::skipped("counting with boto3", &why),
    };
    let hub = Hub::start(Plan { servers: 40, ..Plan::default() }).await;
    let (world, site) = (hub.world(), hub.site(0));
    let continuous = |spoke: usize| {
        let views = world.drs.servers(hub.site(spoke), world.clock.now()).into_iter();
        views.filter(|view| view.state == "CONTINUOUS").map(|view| view.id).collect::<Vec<_>>()
    };
    let ids = continuous(0);
    world.drs.stall(world, site, &ids[0], "AGENT_NOT_SEEN").unwrap();
    world.drs.pause(world, site, &ids[1]).unwrap();
    world.drs.disconnect(world, site, &ids[2]).unwrap();
    world.drs.resync(world, site, &ids[3]).unwrap();

    let (asked, endpoint) = (hub.administrators(), hub.fleet.endpoint().to_owned());
    let matches = until("boto3's counts", async || {
        for spoke in 0..2 {
            hub.sweep(spoke).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let (python, asked, endpoint) = (python.clone(), asked.clone(), endpoint.clone());
        let said = tokio::task::spawn_blocking(move || {
            python::run_script(&python, "boto3_counts.py", &[&endpoint], &asked).unwrap()
        });
        let said: Vec<Value> = serde_json::from_str(&said.await.unwrap()).unwrap();
        // A server may change its state of itself between the sweep and the question.
        (shown(&hub, 0).await == said[0] && shown(&hub, 1).await == said[1]).then_some(said)
    })
    .await;
    assert!(matches[0]["states"]["DISCONNECTED"].as_u64() >= Some(1), "{matches:?}");
}

/// What the table says of a spoke, in the words of the script.
async fn shown(hub: &Hub, spoke: usize) -> Value {
    let counted = hub.place_row(spoke).await.counted.unwrap();
    json!({
        "states": counted.by_state,
        "replicating": counted.replicating,
        "extended": counted.extended,
        "servers": counted.servers,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_aws_changes_is_noticed_and_judged_by() {
    // Quotas are read again after six hours.
    let hub = Hub::start(Plan { speed: 3_600.0, quota: Some(300), ..Plan::default() }).await;
    assert_eq!(hub.place_row(0).await.status.limit, Some(300));
    hub.world().drs.set_quota(hub.site(0), Quota::Replicating.code(), Some(2)).unwrap();
    let full = level(&hub, 0, Level::Critical).await;
    assert_eq!(full.status.limit, Some(2));
    assert!(incident::open(&full.incidents).any(|(kind, _)| kind == IncidentKind::CapacityReplicating));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extended_server_counts_where_it_replicates_and_is_shown_where_it_would_be_recovered() {
    let hub = Hub::start(Plan::default()).await;
    let (staging, region) = hub.site(0);
    let target = Place { region: region.parse().unwrap(), ..hub.place(1) };
    let site = (target.account.as_str(), region);
    hub.world().drs.initialize(site);
    hub.world().drs.trust(staging, site.0);
    let arn = format!("arn:aws:drs:{region}:{staging}:source-server/{}", hub.servers(0)[0]);
    hub.call(site, ("drs", "CreateExtendedSourceServer"), &json!({ "sourceServerArn": arn })).await.unwrap();
    let mut account = hub.row::<AccountRow>(&keys::account(&target.account)).await.unwrap();
    account.regions.push(AccountRegion { region: target.region.clone(), drs: true, source: false });
    hub.register_again(account).await;

    let before = hub.place_row(0).await.counted.unwrap();
    swept_as(&hub, &target, |counted| (counted.servers, counted.extended, counted.replicating) == (1, 1, 0))
        .await;
    hub.sweep(0).await;
    assert_eq!(hub.place_row(0).await.counted.unwrap().servers, before.servers, "no server is counted twice");
    let server = hub.rows::<ServerRow>(&keys::servers(&target)).await.remove(0);
    let relation = server.inventory.unwrap().staging.clone();
    assert_eq!(relation.account.unwrap().as_str(), staging);

    hub.world().drs.distrust(staging, site.0);
    until("the broken extension", async || {
        hub.sweep_place(&target).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let server = hub.rows::<ServerRow>(&keys::servers(&target)).await.remove(0);
        let broken = incident::open(&server.incidents).any(|(kind, _)| kind == IncidentKind::ExtensionError);
        broken.then_some(())
    })
    .await;
}

async fn swept_as(hub: &Hub, place: &Place, expected: impl Fn(&Counted) -> bool) {
    until(format!("a sweep of {place}"), async || {
        hub.sweep_place(place).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let row = hub.row::<PlaceRow>(&keys::place(place)).await?;
        row.counted.filter(|counted| expected(counted)).map(|_| ())
    })
    .await;
}
