//! A source server: its inventory, how its replication goes, and what is wrong with it. Written by the
//! capacity-tracker.
//!
//! Its row is made of facets, each of which takes what is newer than it knows: replication (events and sweeps),
//! inventory and health (sweeps), the last recovery point and the last call to disconnect it (events). The
//! conditions of its incidents are a function of the row, the thresholds and the time, so whatever order
//! observations arrive in, the row and what is open on it end the same.

mod conditions;
mod decide;
mod details;
mod facets;
mod health;
mod inventory;
mod observation;
mod replication;
mod row;

pub use self::decide::{Context, decide};
pub use self::details::{ServerDetailsRow, fingerprint};
pub use self::health::{Health, Sync};
pub use self::inventory::Inventory;
pub use self::observation::Observation;
pub use self::replication::{Replication, STALLED, States};
pub use self::row::ServerRow;

#[cfg(test)]
mod tests;
