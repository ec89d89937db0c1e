//! One changed tag after the other: from the change in EC2, which emits an event, to the tag on DRS.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::ServerTagsRow;
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Servers in each account.
const SERVERS: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(1);

/// How long changed tags took.
#[derive(Debug, Serialize)]
pub struct Changes {
    pub changes: usize,
    pub median_seconds: f64,
    pub longest_seconds: f64,
}

/// Hub and spokes from the templates, the four workers at work, and machines that are tagged.
pub async fn measure(accounts: usize, changes: usize) -> anyhow::Result<Changes> {
    let cloud = LocalCloud::start(Clock::real(), Faults::none()).await?;
    let fleet = Fleet::build(&cloud, plan(accounts), "http://127.0.0.1:9/").await?;
    fleet.register().await?;
    let stop = CancellationToken::new();
    let workers = fleet.start_workers(&stop)?;
    let servers = known(&fleet, accounts * SERVERS).await?;
    let mut took = Vec::new();
    for n in 0..changes {
        let (place, instance) = &servers[n % servers.len()];
        took.push(change(&fleet, place, instance, &format!("owner-{n}")).await?);
    }
    stop.cancel();
    workers.await.context("the workers")??;
    took.sort_by(f64::total_cmp);
    let longest_seconds = *took.last().context("no change was asked for")?;
    Ok(Changes { changes, median_seconds: took[took.len() / 2], longest_seconds })
}

/// Waits until the inventory has all servers and each was compared once, so that only what changes is measured.
async fn known(fleet: &Fleet, servers: usize) -> anyhow::Result<Vec<(Place, InstanceId)>> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let (mut found, mut compared) = (Vec::new(), 0);
        for place in fleet.places() {
            let rows = fleet.operator.query::<ServerRow>(&keys::servers(&place)).await?;
            compared += fleet.operator.query::<ServerTagsRow>(&keys::all_server_tags(&place)).await?.len();
            let machines = rows.into_iter().filter_map(|stored| stored.row.inventory?.instance);
            found.extend(machines.map(|instance| (place.clone(), instance)));
        }
        if found.len() == servers && compared > 0 {
            return Ok(found);
        }
        sleep(Duration::from_millis(200)).await;
    }
    bail!("the servers were not found within {PATIENCE:?}")
}

/// In seconds.
async fn change(fleet: &Fleet, place: &Place, instance: &InstanceId, owner: &str) -> anyhow::Result<f64> {
    let (world, site) = (&fleet.world, (place.account.as_str(), place.region.as_str()));
    let began = Instant::now();
    let changed = [("bench".to_owned(), Some(owner.to_owned()))];
    world
        .ec2
        .set_tags(world, site, instance.as_str(), &changed)
        .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    while began.elapsed() < PATIENCE {
        let is_there = |tags: &BTreeMap<String, String>| tags.get("bench").map(String::as_str) == Some(owner);
        let servers = world.drs.servers(site, Timestamp::now());
        if servers.iter().any(|server| is_there(&server.tags)) {
            return Ok(began.elapsed().as_secs_f64());
        }
        sleep(LOOK_EVERY).await;
    }
    bail!("{owner} was not on DRS within {PATIENCE:?}")
}

fn plan(accounts: usize) -> EstatePlan {
    let spoke = |n: usize| SpokePlan {
        account: format!("1111{n:08}"),
        name: format!("spoke-{n}"),
        region: "eu-central-1".to_owned(),
        servers: SERVERS,
    };
    EstatePlan {
        organization: "o-a1b2c3d4e5".to_owned(),
        hub: "999900001111".to_owned(),
        region: "eu-central-1".to_owned(),
        alert_email: "oncall@example.com".to_owned(),
        spokes: (0..accounts).map(spoke).collect(),
        seed: 1,
    }
}
