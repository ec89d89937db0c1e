//! Against the local cloud, with the unmodified SDK and the operator's role of `infra/hub.yaml`.

mod registration;
mod validation;

use drs_fleet_aws::io::Io;
use serde_json::Value;

use super::Command;
use crate::family::OneOf;
use crate::testing;

/// The first spoke of the company, which has DRS in us-west-2.
const SPOKE: &str = "111122223333";
const ADD: &str =
    "add 111122223333 --name Payments --alias pay --drs-region us-west-2 --source-region us-west-2";

type Stage = testing::Stage<OneOf<Command>>;

impl Stage {
    fn queued(&self, queue: &str) -> Vec<Value> {
        let queue = self.company.fleet.estate.output(queue);
        let messages = self.company.fleet.world.sqs.peek(queue);
        messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}
