//! What may happen to the jobs of a spoke and to what they leave behind.

use std::collections::BTreeMap;

use anyhow::anyhow;
use drs_fleet_local::drs::{FailbackState, LaunchFailure, LaunchPhase};
use drs_fleet_local::estate::Spoke;
use serde::Deserialize;

use super::api;
use super::stage::{Stage, crowd, place, refused};

/// Tags of a job.
pub(super) type Tags = BTreeMap<String, String>;

/// What happens. `server` counts from 1, as elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum JobAction {
    /// The newest job gets stuck.
    Stick,
    /// The newest job goes on.
    Release,
    /// All recovery instances are terminated, as from the console.
    Terminate,
    /// The next launch of a server fails in this phase.
    FailLaunch { server: usize, phase: LaunchPhase, raw_error: String },
    /// The failback of a server's recovery instance begins, or begins again.
    Failback { server: usize },
    /// It fails.
    FailbackError { server: usize, error: String },
}

impl JobAction {
    /// Whether the server that it names is there.
    pub(super) fn is_possible(&self, stage: &Stage<'_>, spoke: usize) -> anyhow::Result<()> {
        match self {
            Self::Stick | Self::Release | Self::Terminate => stage.spoke(spoke).map(drop),
            Self::FailLaunch { server, .. }
            | Self::Failback { server }
            | Self::FailbackError { server, .. } => stage.server(spoke, *server).map(drop),
        }
    }

    /// Lets it happen and says so.
    pub(super) async fn befall(&self, stage: &Stage<'_>, number: usize) -> anyhow::Result<String> {
        let (world, spoke) = (stage.world, stage.spoke(number)?);
        let (drs, place) = (&world.drs, place(spoke));
        let name = &spoke.plan.name;
        let (what, done, told) = match self {
            Self::Terminate => return terminate(stage, spoke).await,
            Self::FailLaunch { server, phase, raw_error } => {
                let (_, id) = stage.server(number, *server)?;
                let failure = LaunchFailure { phase: *phase, raw_error: raw_error.clone() };
                drs.fail_next_launch(place, id, failure);
                return Ok(format!("the next launch of {} will fail: {raw_error}", stage.name(spoke, id)));
            }
            Self::Stick => {
                let job = newest(stage, spoke)?;
                let stuck = drs.stick_job(world, place, &job);
                (job, stuck, format!("the newest job in {name} gets stuck"))
            }
            Self::Release => {
                let job = newest(stage, spoke)?;
                let released = drs.release_job(world, place, &job);
                (job, released, format!("the newest job in {name} goes on"))
            }
            Self::Failback { server } => {
                let (instance, whose) = instance(stage, (number, *server))?;
                let begun = drs.set_failback(world, place, &instance, FailbackState::InProgress);
                (instance, begun, format!("the failback of {whose} begins"))
            }
            Self::FailbackError { server, error } => {
                let (instance, whose) = instance(stage, (number, *server))?;
                let failed = drs.fail_failback(world, place, &instance, error);
                (instance, failed, format!("the failback of {whose} fails ({error})"))
            }
        };
        done.map(|()| told).map_err(|refusal| refused(&what, &refusal))
    }
}

/// Starts a drill or a recovery of the first servers of a spoke that replicated without lag.
pub(super) async fn start(
    stage: &Stage<'_>,
    (spoke, servers): (usize, usize),
    drill: bool,
    tags: &Tags,
) -> anyhow::Result<String> {
    let (spoke, ids) = stage.ready(spoke, servers)?;
    api::start_recovery(stage, spoke, ids, (drill, tags)).await?;
    Ok(format!("a {} of {} starts", if drill { "drill" } else { "recovery" }, crowd(spoke, ids)))
}

async fn terminate(stage: &Stage<'_>, spoke: &Spoke) -> anyhow::Result<String> {
    let servers = stage.world.drs.servers(place(spoke), stage.world.clock.now());
    let instances: Vec<String> = servers.into_iter().filter_map(|server| server.recovery_instance).collect();
    api::terminate(stage, spoke, &instances).await?;
    Ok(format!("recovery instances terminated in {}: {}", spoke.plan.name, instances.len()))
}

fn newest(stage: &Stage<'_>, spoke: &Spoke) -> anyhow::Result<String> {
    let newest = stage.world.drs.jobs(place(spoke)).pop();
    newest.map(|job| job.id).ok_or_else(|| anyhow!("there is no job in {}", spoke.plan.name))
}

/// The recovery instance of a server, and how people call the server.
fn instance(stage: &Stage<'_>, (spoke, server): (usize, usize)) -> anyhow::Result<(String, String)> {
    let (spoke, id) = stage.server(spoke, server)?;
    let servers = stage.world.drs.servers(place(spoke), stage.world.clock.now());
    let whose = stage.name(spoke, id);
    let found =
        servers.into_iter().find(|server| server.id == id).and_then(|server| server.recovery_instance);
    Ok((found.ok_or_else(|| anyhow!("{whose} has no recovery instance"))?, whose))
}
