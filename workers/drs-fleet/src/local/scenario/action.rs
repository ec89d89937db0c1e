//! The things that a step may do.

use drs_fleet_local::estate::Spoke;
use drs_fleet_local::fleet;
use serde::Deserialize;

use super::jobs::{self, JobAction, Tags};
use super::stage::{Stage, crowd, place, refused};
use super::trouble::Trouble;

/// What a step does. `spoke` and `server` count from 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// Replication stalls.
    Stall { spoke: usize, servers: usize, error: String },
    /// Stalls end.
    Recover { spoke: usize, servers: usize },
    /// Machines leave DRS without an API call.
    Disconnect { spoke: usize, servers: usize },
    /// The next launches of these servers fail.
    FailLaunches { spoke: usize, servers: usize },
    /// A drill is started, as from the console.
    Drill {
        spoke: usize,
        servers: usize,
        #[serde(default)]
        tags: Tags,
    },
    /// A recovery is started likewise.
    Recovery {
        spoke: usize,
        servers: usize,
        #[serde(default)]
        tags: Tags,
    },
    /// Something happens to the jobs of a spoke, or to what they leave behind.
    Job {
        spoke: usize,
        #[serde(flatten)]
        what: JobAction,
    },
    /// EC2 machines get a tag.
    Retag { spoke: usize, servers: usize, key: String, value: String },
    /// Something happens to one server.
    Trouble {
        spoke: usize,
        server: usize,
        #[serde(flatten)]
        trouble: Trouble,
    },
    /// Agents are installed, or servers deleted, until so many replicate or the quota refuses more.
    Replicating { spoke: usize, servers: usize },
    /// The applied value of a quota changes; without `value` there is none any more.
    Quota { spoke: usize, code: String, value: Option<u32> },
}

impl Action {
    /// Whether what it names is there.
    pub(super) fn is_possible(&self, stage: &Stage<'_>) -> anyhow::Result<()> {
        match self {
            Self::Stall { spoke, .. }
            | Self::Recover { spoke, .. }
            | Self::Disconnect { spoke, .. }
            | Self::FailLaunches { spoke, .. }
            | Self::Drill { spoke, .. }
            | Self::Recovery { spoke, .. }
            | Self::Retag { spoke, .. }
            | Self::Replicating { spoke, .. }
            | Self::Quota { spoke, .. } => stage.spoke(*spoke).map(drop),
            Self::Job { spoke, what } => what.is_possible(stage, *spoke),
            Self::Trouble { spoke, server, .. } => stage.server(*spoke, *server).map(drop),
        }
    }

    /// Does it and says what was done.
    pub(super) async fn perform(&self, stage: &Stage<'_>) -> anyhow::Result<String> {
        let world = stage.world;
        let drs = &world.drs;
        match self {
            Self::Stall { spoke, servers, error } => {
                let who = stage.each((*spoke, *servers), |place, id| drs.stall(world, place, id, error))?;
                Ok(format!("stall of {who} ({error})"))
            }
            Self::Recover { spoke, servers } => {
                let who = stage.each((*spoke, *servers), |place, id| drs.recover(world, place, id))?;
                Ok(format!("recovery of {who}"))
            }
            Self::Disconnect { spoke, servers } => {
                let who = stage.each((*spoke, *servers), |place, id| drs.disconnect(world, place, id))?;
                Ok(format!("disconnection of {who}"))
            }
            Self::FailLaunches { spoke, servers } => {
                let (spoke, ids) = stage.ready(*spoke, *servers)?;
                drs.fail_next_launches(place(spoke), ids);
                Ok(format!("the next launch of {} will fail", crowd(spoke, ids)))
            }
            Self::Drill { spoke, servers, tags } => jobs::start(stage, (*spoke, *servers), true, tags).await,
            Self::Recovery { spoke, servers, tags } => {
                jobs::start(stage, (*spoke, *servers), false, tags).await
            }
            Self::Job { spoke, what } => what.befall(stage, *spoke).await,
            Self::Retag { spoke, servers, key, value } => {
                retag(stage, stage.first(*spoke, *servers)?, (key, value))
            }
            Self::Replicating { spoke, servers } => replicating(stage, stage.spoke(*spoke)?, *servers),
            Self::Quota { spoke, code, value } => set_quota(stage, stage.spoke(*spoke)?, code, *value),
            Self::Trouble { spoke, server, trouble } => {
                let (spoke, id) = stage.server(*spoke, *server)?;
                trouble.befall(stage, spoke, id).await
            }
        }
    }
}

fn retag(
    stage: &Stage<'_>,
    (spoke, ids): (&Spoke, &[String]),
    (key, value): (&str, &str),
) -> anyhow::Result<String> {
    let world = stage.world;
    let servers = world.drs.servers(place(spoke), world.clock.now());
    let machines: Vec<_> = servers.into_iter().filter_map(|s| s.instance).take(ids.len()).collect();
    let change = [(key.to_owned(), Some(value.to_owned()))];
    for machine in &machines {
        let tagged = world.ec2.set_tags(world, place(spoke), machine, &change);
        tagged.map_err(|refusal| refused(machine, &refusal))?;
    }
    Ok(format!("machines tagged {key}={value} in {}: {}", spoke.plan.name, machines.len()))
}

fn set_quota(stage: &Stage<'_>, spoke: &Spoke, code: &str, value: Option<u32>) -> anyhow::Result<String> {
    let set = stage.world.drs.set_quota(place(spoke), code, value);
    set.map_err(|refusal| refused(code, &refusal))?;
    let value = value.map_or("no applied value".to_owned(), |value| value.to_string());
    Ok(format!("quota {code} of {}: {value}", spoke.plan.name))
}

/// Makes so many servers replicate, unless a quota refuses one: newest servers go first.
fn replicating(stage: &Stage<'_>, spoke: &Spoke, wanted: usize) -> anyhow::Result<String> {
    let (world, name) = (stage.world, &spoke.plan.name);
    let mut servers = world.drs.servers(place(spoke), world.clock.now());
    servers.retain(|server| server.counts);
    // Those that the estate was built with are the oldest.
    servers.sort_by_key(|server| spoke.servers.contains(&server.id));
    let too_many = servers.len().saturating_sub(wanted);
    for server in &servers[..too_many] {
        let deleted = world.drs.delete_server(place(spoke), &server.id);
        deleted.map_err(|refusal| refused(&server.id, &refusal))?;
    }
    if too_many > 0 {
        return Ok(format!("{too_many} servers of {name} are deleted, {wanted} replicate"));
    }
    for there in servers.len()..wanted {
        if let Err(refusal) = fleet::grow(world, place(spoke), 1, stage.estate.plan.seed) {
            return Ok(format!(
                "{there} servers of {name} replicate; one more is refused: {}",
                refusal.message
            ));
        }
    }
    Ok(format!("agents are installed in {name}, {wanted} servers replicate"))
}
