//! What happens in the simulated spokes: a list of steps from a file, played on the cloud's clock.
//!
//! A step of one server names it by number among those that replicated without lag when the scenario began, so that
//! later steps mean the same one, and so do drills and recoveries take the first of them; any other step of many takes
//! the first servers of the spoke.

mod action;
mod api;
mod jobs;
mod stage;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use drs_fleet_local::World;
use drs_fleet_local::estate::Estate;
use serde::Deserialize;

use self::action::Action;
use self::stage::Stage;

/// The scenarios that come with the program.
const BUILT_IN: [(&str, &str); 7] = [
    ("calm", include_str!("../../scenarios/calm.yaml")),
    ("stall", include_str!("../../scenarios/stall.yaml")),
    ("drill", include_str!("../../scenarios/drill.yaml")),
    ("storm", include_str!("../../scenarios/storm.yaml")),
    ("health", include_str!("../../scenarios/health.yaml")),
    ("full", include_str!("../../scenarios/full.yaml")),
    ("jobs", include_str!("../../scenarios/jobs.yaml")),
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

    /// Plays the steps in order, each at its time; none when one of them names what is not there.
    pub(crate) async fn play(
        &self,
        estate: &Estate,
        world: &Arc<World>,
        told: impl Fn(String),
    ) -> anyhow::Result<()> {
        let stage = Stage::set(estate, world);
        for step in &self.steps {
            step.action.is_possible(&stage).with_context(|| format!("step at {}", step.at))?;
        }
        let started = world.clock.now();
        for step in &self.steps {
            let at = started.checked_add(step.time()?).context("a step lies beyond the end of time")?;
            let wait = Duration::try_from(at.duration_since(world.clock.now())).unwrap_or(Duration::ZERO);
            world.clock.sleep(wait).await;
            told(step.action.perform(&stage).await?);
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

#[cfg(test)]
mod tests;
