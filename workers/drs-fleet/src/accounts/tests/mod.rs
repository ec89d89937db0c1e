//! Against the local cloud, with the unmodified SDK and the operator's role of `infra/hub.yaml`.

mod registration;
mod validation;

use clap::Parser;
use drs_fleet_aws::io::Io;
use serde_json::Value;

use super::{Arguments, perform};
use crate::testing::{Stage, transcript};

/// The first spoke of the company, which has DRS in us-west-2.
const SPOKE: &str = "111122223333";
const ADD: &str =
    "add 111122223333 --name Payments --alias pay --drs-region us-west-2 --source-region us-west-2";

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

impl Stage {
    /// What a command prints, and after it the error that it ends with.
    async fn run(&self, line: &str) -> String {
        self.run_and_answer(line, None).await
    }

    async fn run_and_answer(&self, line: &str, answer: Option<bool>) -> String {
        let words = std::iter::once("accounts").chain(line.split(' '));
        let command = match Line::try_parse_from(words) {
            Ok(line) => line.arguments.command,
            Err(error) => return error.to_string(),
        };
        let mut printed = Vec::new();
        let ended = perform(&self.hub, command, &mut printed, &move |_| Ok(answer)).await;
        transcript(printed, ended)
    }

    async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line).await).unwrap()
    }

    fn queued(&self, queue: &str) -> Vec<Value> {
        let queue = self.company.fleet.estate.output(queue);
        let messages = self.company.fleet.world.sqs.peek(queue);
        messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}
