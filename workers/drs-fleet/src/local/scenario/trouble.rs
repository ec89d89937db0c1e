//! What may happen to one server, and end.

use std::time::Duration;

use drs_fleet_local::estate::Spoke;
use serde::Deserialize;

use super::api;
use super::stage::{Stage, place, refused};

/// What happens to a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Trouble {
    /// It lags by so many seconds until it is healed.
    Lag { seconds: u32 },
    /// It has so many GiB of backlog until it is healed.
    Backlog { gib: u32 },
    /// Its agent is not heard until it is healed; replication stalls after so many seconds, or never.
    Silence { stalls_after: Option<u64> },
    /// Its initial sync begins, and goes no further until it is healed.
    StuckSync,
    /// All its disks are read again, which ends by itself.
    Resync,
    /// It leaves DRS without an API call.
    Leave,
    /// A person disconnects it, with an API call.
    Disconnect,
    /// It left or was disconnected, and is back.
    Reconnect,
    /// All its trouble ends, but for a disconnection.
    Heal,
    /// It is deleted, and no event tells.
    Delete,
}

impl Trouble {
    /// Lets it happen and says so.
    pub(super) async fn befall(&self, stage: &Stage<'_>, spoke: &Spoke, id: &str) -> anyhow::Result<String> {
        let (world, place) = (stage.world, place(spoke));
        let drs = &world.drs;
        let name = stage.name(spoke, id);
        let (done, told) = match self {
            Self::Lag { seconds } => {
                let lag = i64::from(*seconds);
                (drs.set_lag(world, place, id, lag), format!("{name} lags by {seconds} s"))
            }
            Self::Backlog { gib } => {
                let bytes = u64::from(*gib) << 30;
                (drs.set_backlog(world, place, id, bytes), format!("{name} has a backlog of {gib} GiB"))
            }
            Self::Silence { stalls_after } => {
                let stalls_after = stalls_after.map(Duration::from_secs);
                (drs.silence(world, place, id, stalls_after), format!("the agent of {name} falls silent"))
            }
            Self::StuckSync => {
                (drs.hold_initial_sync(world, place, id), format!("the initial sync of {name} is stuck"))
            }
            Self::Resync => (drs.resync(world, place, id), format!("a full resync of {name} begins")),
            Self::Leave => (drs.disconnect(world, place, id), format!("{name} leaves DRS")),
            Self::Disconnect => {
                api::disconnect(stage, spoke, id).await?;
                (Ok(()), format!("a person disconnects {name}"))
            }
            Self::Reconnect => (drs.reconnect(world, place, id), format!("{name} is back")),
            Self::Heal => (drs.recover(world, place, id), format!("{name} recovers")),
            Self::Delete => (drs.delete_server(place, id), format!("{name} is deleted")),
        };
        done.map(|()| told).map_err(|refusal| refused(id, &refusal))
    }
}
