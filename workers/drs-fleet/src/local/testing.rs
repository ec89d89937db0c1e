//! The simulated company for tests: on a real clock, with few servers, and no worker running.

use std::sync::Arc;

use drs_fleet::fleet::Fleet;
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::operator::Operator;
use super::{Arguments, plan};

/// A company whose spokes are not registered.
pub(crate) struct Company {
    pub(crate) fleet: Fleet,
    pub(crate) desk: Desk,
    /// Closes its port when dropped.
    pub(crate) _cloud: LocalCloud,
}

/// Builds hub and spokes.
pub(crate) async fn company() -> Company {
    let cloud = LocalCloud::start(Clock::real(), Faults::none()).await.unwrap();
    let desk = Desk::open(Arc::clone(cloud.world()), CancellationToken::new()).await.unwrap();
    let scenario = "calm".to_owned();
    let arguments = Arguments { scenario, speed: 1, servers: 2, seed: 1, until_played: true };
    let fleet = Fleet::build(&cloud, plan(&arguments), &desk.slack_url()).await.unwrap();
    desk.admit_operators(Operator::sessions_of(&fleet));
    Company { fleet, desk, _cloud: cloud }
}
