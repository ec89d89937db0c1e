//! The spokes as a scenario finds them.

use std::sync::Arc;

use anyhow::{anyhow, bail};
use drs_fleet_local::estate::{Estate, Spoke};
use drs_fleet_local::{Refusal, World};

/// Hub and spokes, and which servers replicated without lag when the scenario began.
pub(super) struct Stage<'a> {
    pub(super) estate: &'a Estate,
    pub(super) world: &'a Arc<World>,
    healthy: Vec<Vec<String>>,
}

impl<'a> Stage<'a> {
    /// As things stand now.
    pub(super) fn set(estate: &'a Estate, world: &'a Arc<World>) -> Self {
        let healthy = |spoke: &Spoke| {
            let servers = world.drs.servers(place(spoke), world.clock.now());
            let replicates = |id: &&String| servers.iter().any(|s| s.id == **id && s.state == "CONTINUOUS");
            spoke.servers.iter().filter(replicates).cloned().collect()
        };
        Self { estate, world, healthy: estate.spokes.iter().map(healthy).collect() }
    }

    /// A spoke by its number, from 1.
    pub(super) fn spoke(&self, number: usize) -> anyhow::Result<&'a Spoke> {
        let spokes = &self.estate.spokes;
        let found = number.checked_sub(1).and_then(|index| spokes.get(index));
        found.ok_or_else(|| {
            anyhow!("the scenario names spoke {number}; there are spokes 1 to {}", spokes.len())
        })
    }

    /// The first servers of a spoke, as many as there are at most.
    pub(super) fn first(&self, spoke: usize, servers: usize) -> anyhow::Result<(&'a Spoke, &'a [String])> {
        let spoke = self.spoke(spoke)?;
        Ok((spoke, &spoke.servers[..servers.min(spoke.servers.len())]))
    }

    /// The first servers of a spoke that replicated without lag in the beginning, as many as there are at most.
    pub(super) fn ready(&self, spoke: usize, servers: usize) -> anyhow::Result<(&'a Spoke, &[String])> {
        let found = self.spoke(spoke)?;
        let healthy = self.healthy.get(spoke - 1).map(Vec::as_slice).unwrap_or_default();
        Ok((found, &healthy[..servers.min(healthy.len())]))
    }

    /// Does the same to each of the first servers of a spoke, and says who they are.
    pub(super) fn each(
        &self,
        (spoke, servers): (usize, usize),
        act: impl Fn((&str, &str), &str) -> Result<(), Refusal>,
    ) -> anyhow::Result<String> {
        let (spoke, ids) = self.first(spoke, servers)?;
        ids.iter().try_for_each(|id| act(place(spoke), id).map_err(|refusal| refused(id, &refusal)))?;
        Ok(crowd(spoke, ids))
    }

    /// A server by its number, from 1, among those that replicated without lag in the beginning.
    pub(super) fn server(&self, spoke: usize, number: usize) -> anyhow::Result<(&'a Spoke, &str)> {
        let (found, healthy) = self.ready(spoke, usize::MAX)?;
        let Some(id) = number.checked_sub(1).and_then(|index| healthy.get(index)) else {
            bail!(
                "the scenario names server {number} of spoke {spoke}, where {} replicate without lag; take more \
                 with --servers",
                healthy.len()
            );
        };
        Ok((found, id))
    }

    /// How people call a server.
    pub(super) fn name(&self, spoke: &Spoke, id: &str) -> String {
        let servers = self.world.drs.servers(place(spoke), self.world.clock.now());
        let hostname = servers.into_iter().find(|server| server.id == id).map(|server| server.hostname);
        format!("{} in {}", hostname.as_deref().unwrap_or(id), spoke.plan.name)
    }
}

pub(super) fn place(spoke: &Spoke) -> (&str, &str) {
    (&spoke.plan.account, &spoke.plan.region)
}

/// Servers of a spoke, in words.
pub(super) fn crowd(spoke: &Spoke, ids: &[String]) -> String {
    let noun = if ids.len() == 1 { "server" } else { "servers" };
    format!("{} {noun} in {}", ids.len(), spoke.plan.name)
}

/// What the local cloud refused, and of what.
pub(super) fn refused(what: &str, refusal: &Refusal) -> anyhow::Error {
    anyhow!("{what}: {} ({})", refusal.message, refusal.code)
}
