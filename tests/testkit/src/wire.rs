//! Events as the bus hands them on.

use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{self, OwnEvent};
use jiff::Timestamp;
use notifier::Notifier;
use serde::Serialize;
use serde_json::{Value, json};

/// The hub's account wherever it does not matter.
pub const HUB: &str = "999900001111";
/// The hub's Region wherever it does not matter.
pub const HUB_REGION: &str = "eu-central-1";

/// An event of a spoke; its id is what is delivered again.
pub fn event(
    id: &str,
    place: &Place,
    (source, kind): (&str, &str),
    time: Timestamp,
    detail: &Value,
) -> Value {
    serde_json::to_value(Envelope::new(id, place, (source, kind), time, detail)).unwrap()
}

/// The same, to be written without a [`Value`] of it: a thousand histories have two million.
#[derive(Serialize)]
pub struct Envelope<'a, D> {
    version: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "detail-type")]
    kind: &'a str,
    account: &'a AccountId,
    region: &'a Region,
    time: Timestamp,
    /// ARNs.
    pub resources: Vec<String>,
    detail: D,
}

impl<'a, D> Envelope<'a, D> {
    /// An event that names no resources.
    pub fn new(
        id: &'a str,
        Place { account, region }: &'a Place,
        (source, kind): (&'a str, &'a str),
        time: Timestamp,
        detail: D,
    ) -> Self {
        Self { version: "0", id, source, kind, account, region, time, resources: Vec::new(), detail }
    }
}

/// An own event, the `n`th that was published.
pub fn on_the_bus(n: usize, event: &OwnEvent) -> Value {
    delivered(n, event.detail_type(), event.at(), &event.detail().unwrap())
}

/// The same on the notifier's queue, as `infra/hub.yaml` routes own events.
pub fn to_people(n: usize, event: &OwnEvent) -> Option<(&'static str, String)> {
    let of_drill = |event: &OwnEvent| event.detail().is_ok_and(|detail| detail["drill"] == true);
    let is_for_people = match event.detail_type() {
        "Job Started" | "Job Completed" => of_drill(event),
        kind => kind.starts_with("Incident "),
    };
    is_for_people.then(|| (Notifier::NAME, on_the_bus(n, event).to_string()))
}

/// An event of the hub; `id` and `time` are the bus's.
pub fn delivered(n: usize, detail_type: &str, at: Timestamp, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": format!("e3b0c442-98fc-4c14-9afb-{n:012}"),
        "detail-type": detail_type,
        "source": own_event::SOURCE,
        "account": HUB,
        "time": format!("{at:.0}"),
        "region": HUB_REGION,
        "resources": [],
        "detail": detail,
    })
}
