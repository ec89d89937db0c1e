//! One changed tag after the other: from the change in EC2, which emits an event, to the tag on DRS.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::tags::ServerTagsRow;
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;
use serde::Serialize;
use tag_sync::TagSync;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Servers in each account.
const SERVERS: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(1);

/// How long changed tags took.
#[derive(Debug, Serialize)]
pub struct Changes {
    pub number: usize,
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
    let machines = known(&fleet, accounts * SERVERS).await?;
    let mut took = Vec::new();
    for n in 0..changes {
        let (place, instance) = machines.get(n % machines.len().max(1)).context("no machine is known")?;
        took.push(change(&fleet, place, instance, &format!("owner-{n}")).await?);
    }
    stop.cancel();
    workers.await.context("the workers")??;
    took.sort_by(f64::total_cmp);
    let longest_seconds = *took.last().context("no change was asked for")?;
    Ok(Changes { number: changes, median_seconds: took[took.len() / 2], longest_seconds })
}

/// Waits until each server was compared once, so that only what changes is measured; answers the machines whose tags are
/// copied.
async fn known(fleet: &Fleet, servers: usize) -> anyhow::Result<Vec<(Place, InstanceId)>> {
    let (began, tag_sync) = (Instant::now(), fleet.worker_io(TagSync::NAME)?);
    while began.elapsed() < PATIENCE {
        // The first sweep of tags may come before that of servers, and the schedule asks for the next five minutes later.
        sweeps::ask(&tag_sync, &fleet.places()).await?;
        let (mut machines, mut compared) = (Vec::new(), 0);
        for place in fleet.places() {
            for row in fleet.operator.query::<ServerTagsRow>(&keys::all_server_tags(&place)).await? {
                compared += usize::from(row.row.doing.is_none());
                let in_line = row.row.synced_at.filter(|_| row.row.skipped.is_none());
                machines.extend(in_line.and(row.row.instance).map(|instance| (place.clone(), instance)));
            }
        }
        if compared == servers {
            return Ok(machines);
        }
        sleep(Duration::from_secs(1)).await;
    }
    bail!("the servers were not compared within {PATIENCE:?}")
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
