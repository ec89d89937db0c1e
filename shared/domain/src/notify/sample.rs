//! A sample that a person wants sent, to see whether a channel works.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChannelName, DeliveryRow, Digest};
use crate::ids::{AccountId, Region};
use crate::incident::{IncidentKind, Severity};
use crate::keys::Place;
use crate::message;

/// `detail-type` of the event that asks for a sample.
pub const SAMPLE_REQUESTED: &str = "Sample Requested";

/// The `detail` of `Sample Requested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleEvent {
    /// New with each request.
    pub event_id: String,
    /// Where the sample goes.
    pub channel: ChannelName,
    /// What is wrong in it.
    pub kind: IncidentKind,
    /// How bad.
    pub severity: Severity,
    /// How many incidents it tells of.
    pub incidents: u32,
    /// The account in it.
    pub account_id: AccountId,
    /// The Region in it.
    pub region: Region,
    /// When it was asked for.
    pub at: Timestamp,
}

impl SampleEvent {
    /// Account and Region.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }

    /// What it is stored as, the same for every repetition. It is a group of its own, so that it waits for no other and is
    /// in no other's thread.
    pub fn delivery(&self) -> DeliveryRow {
        let group = format!("test/{}", self.event_id);
        let sample = message::sample(self.kind, self.severity, self.incidents, &self.place(), self.at);
        let sample = Digest { key: format!("{group}#1"), group: group.clone(), ..sample };
        DeliveryRow::new((&group, 1), &self.channel, sample.into(), None)
    }
}
