//! Which source servers protect an EC2 instance.

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, SourceServerId};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::Row;

/// A source server of an instance, found by the capacity-tracker's sweeps and kept by instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceServerRow {
    /// Which instance.
    pub instance: InstanceId,
    /// Where its source server is.
    pub place: Place,
    /// The source server.
    pub server: SourceServerId,
    /// Its ARN, for `TagResource`.
    pub arn: String,
}

impl Row for InstanceServerRow {
    const KIND: &'static str = "instance-server";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::instance_server(&self.instance, &self.place, &self.server)
    }

    fn comes_in_crowds(&self) -> bool {
        true
    }
}
