//! What happens in the simulated spokes: a list of steps from a file, played on the cloud's clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_local::World;
use drs_fleet_local::call::{Call, Principal};
use drs_fleet_local::estate::{Estate, Spoke};
use serde::Deserialize;
use serde_json::json;

/// The scenarios that come with the program.
const BUILT_IN: [(&str, &str); 4] = [
    ("calm", include_str!("../../scenarios/calm.yaml")),
    ("stall", include_str!("../../scenarios/stall.yaml")),
    ("drill", include_str!("../../scenarios/drill.yaml")),
    ("storm", include_str!("../../scenarios/storm.yaml")),
];

/// What happens, and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// In a sentence.
    pub(crate) about: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
struct Step {
    /// Simulated time from the start, such as `90s`.
    at: String,
    #[serde(flatten)]
    action: Action,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Replication stalls.
    Stall { spoke: usize, servers: usize, error: String },
    /// Stalls end.
    Recover { spoke: usize, servers: usize },
    /// Machines leave DRS without an API call.
    Disconnect { spoke: usize, servers: usize },
    /// The next launches of these servers fail.
    FailLaunches { spoke: usize, servers: usize },
    /// A drill is started, as from the console.
    Drill { spoke: usize, servers: usize },
    /// EC2 machines get a tag.
    Retag { spoke: usize, servers: usize, key: String, value: String },
}

impl Scenario {
    /// A built-in scenario by name, or one from a file.
    pub(crate) fn load(name_or_file: &str) -> anyhow::Result<Self> {
        let built_in =
            BUILT_IN.iter().find(|(name, _)| *name == name_or_file).map(|(_, text)| (*text).to_owned());
        let text = match built_in {
            Some(text) => text,
            None => std::fs::read_to_string(name_or_file).with_context(|| {
                let names = BUILT_IN.map(|(name, _)| name).join(", ");
                format!("scenario {name_or_file:?} is neither built in ({names}) nor a file that can be read")
            })?,
        };
        let scenario: Self = serde_yaml_ng::from_str(&text)
            .with_context(|| format!("scenario {name_or_file:?} cannot be understood"))?;
        for step in &scenario.steps {
            step.time()?;
        }
        Ok(scenario)
    }

    /// Plays the steps in order, each at its time.
    pub(crate) async fn play(
        &self,
        estate: &Estate,
        world: &Arc<World>,
        told: impl Fn(String),
    ) -> anyhow::Result<()> {
        let started = world.clock.now();
        for step in &self.steps {
            let at = started.checked_add(step.time()?).context("a step lies beyond the end of time")?;
            let wait = Duration::try_from(at.duration_since(world.clock.now())).unwrap_or(Duration::ZERO);
            world.clock.sleep(wait).await;
            told(step.action.perform(estate, world).await?);
        }
        Ok(())
    }
}

impl Step {
    fn time(&self) -> anyhow::Result<Duration> {
        let seconds = self.at.strip_suffix('s').and_then(|n| n.parse().ok());
        let seconds = seconds
            .with_context(|| format!("step time {:?} is not a number of seconds such as 90s", self.at))?;
        Ok(Duration::from_secs(seconds))
    }
}

impl Action {
    /// Does it and says what was done.
    async fn perform(&self, estate: &Estate, world: &Arc<World>) -> anyhow::Result<String> {
        match self {
            Self::Stall { spoke, servers, error } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                each(ids, |id| world.drs.stall(world, place(spoke), id, error))?;
                Ok(format!("stall of {} in {} ({error})", servers_of(ids), spoke.plan.name))
            }
            Self::Recover { spoke, servers } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                each(ids, |id| world.drs.recover(world, place(spoke), id))?;
                Ok(format!("recovery of {} in {}", servers_of(ids), spoke.plan.name))
            }
            Self::Disconnect { spoke, servers } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                each(ids, |id| world.drs.disconnect(world, place(spoke), id))?;
                Ok(format!("disconnection of {} in {}", servers_of(ids), spoke.plan.name))
            }
            Self::FailLaunches { spoke, servers } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                world.drs.fail_next_launches(place(spoke), ids);
                Ok(format!("the next launch of {} in {} will fail", servers_of(ids), spoke.plan.name))
            }
            Self::Drill { spoke, servers } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                start_drill(world, spoke, ids).await?;
                Ok(format!("a drill of {} starts in {}", servers_of(ids), spoke.plan.name))
            }
            Self::Retag { spoke, servers, key, value } => {
                let (spoke, ids) = chosen(estate, *spoke, *servers)?;
                let machines = retag(world, spoke, ids.len(), key, value)?;
                Ok(format!("machines tagged {key}={value} in {}: {machines}", spoke.plan.name))
            }
        }
    }
}

fn chosen(estate: &Estate, spoke: usize, servers: usize) -> anyhow::Result<(&Spoke, &[String])> {
    let Some(found) = spoke.checked_sub(1).and_then(|index| estate.spokes.get(index)) else {
        bail!("the scenario names spoke {spoke}; there are spokes 1 to {}", estate.spokes.len());
    };
    Ok((found, &found.servers[..servers.min(found.servers.len())]))
}

fn place(spoke: &Spoke) -> (&str, &str) {
    (&spoke.plan.account, &spoke.plan.region)
}

fn servers_of(ids: &[String]) -> String {
    if ids.len() == 1 { "1 server".to_owned() } else { format!("{} servers", ids.len()) }
}

fn each(ids: &[String], act: impl Fn(&str) -> Result<(), drs_fleet_local::Refusal>) -> anyhow::Result<()> {
    for id in ids {
        act(id).map_err(|refusal| anyhow::anyhow!("{id}: {} ({})", refusal.message, refusal.code))?;
    }
    Ok(())
}

fn retag(world: &Arc<World>, spoke: &Spoke, count: usize, key: &str, value: &str) -> anyhow::Result<usize> {
    let mut machines = 0;
    for server in world.drs.servers(place(spoke), world.clock.now()) {
        let Some(instance) = server.instance.filter(|_| machines < count) else { continue };
        let change = [(key.to_owned(), Some(value.to_owned()))];
        world
            .ec2
            .set_tags(world, place(spoke), &instance, &change)
            .map_err(|refusal| anyhow::anyhow!("{instance}: {}", refusal.message))?;
        machines += 1;
    }
    Ok(machines)
}

async fn start_drill(world: &Arc<World>, spoke: &Spoke, ids: &[String]) -> anyhow::Result<()> {
    let servers: Vec<_> = ids.iter().map(|id| json!({"sourceServerID": id})).collect();
    let account = spoke.plan.account.clone();
    let call = Call {
        principal: Principal::Operator { account: account.clone() },
        account,
        region: spoke.plan.region.clone(),
        service: "drs".to_owned(),
        operation: "StartRecovery".to_owned(),
        method: "POST".to_owned(),
        path: "/StartRecovery".to_owned(),
        query: String::new(),
        headers: BTreeMap::new(),
        body: json!({"isDrill": true, "sourceServers": servers}).to_string().into_bytes(),
    };
    let answer = world.perform(&call).await;
    answer
        .map(|_| ())
        .map_err(|refusal| anyhow::anyhow!("StartRecovery: {} ({})", refusal.message, refusal.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_read() {
        for (name, _) in BUILT_IN {
            assert!(!Scenario::load(name).unwrap().steps.is_empty(), "{name}");
        }
    }

    #[test]
    fn an_unknown_scenario_names_those_that_there_are() {
        let error = Scenario::load("nonsense").unwrap_err().to_string();
        assert!(error.contains("calm, stall, drill, storm"), "{error}");
    }
}
