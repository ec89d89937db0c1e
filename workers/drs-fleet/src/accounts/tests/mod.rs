//! Against the local cloud, with the unmodified SDK and the operator's role of `infra/hub.yaml`.

mod registration;
mod validation;

use clap::Parser;
use drs_fleet_aws::io::{Io, Write};
use drs_fleet_domain::row::{Outbox, Row};
use serde_json::Value;

use super::{Arguments, perform};
use crate::hub::Hub;
use crate::local::operator::Operator;
use crate::local::testing::{Company, company};

/// The first spoke of the company, which has DRS in us-west-2.
const SPOKE: &str = "111122223333";
const ADD: &str =
    "add 111122223333 --name Payments --alias pay --drs-region us-west-2 --source-region us-west-2";

/// A company and a person at the command line.
struct Stage {
    company: Company,
    hub: Hub,
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

impl Stage {
    async fn new() -> Self {
        let company = company().await;
        let hub = Hub::of_operator(&Operator::at(company.desk.address()).await.unwrap());
        Self { company, hub }
    }

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
        let error = ended.err().map(|error| format!("error: {error:#}\n")).unwrap_or_default();
        timeless(&(String::from_utf8(printed).unwrap() + &error))
    }

    async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line).await).unwrap()
    }

    /// Stores a row as a worker would.
    async fn store<R: Row>(&self, row: &R) {
        let none = Outbox::new();
        let write = Write { row, expected: None, outbox_before: &none, outbox: &none, due: None };
        self.hub.io.commit(write).await.unwrap();
    }

    fn queued(&self, queue: &str) -> Vec<Value> {
        let queue = self.company.fleet.estate.output(queue);
        let messages = self.company.fleet.world.sqs.peek(queue);
        messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}

/// A time in a snapshot would be another each time.
fn timeless(text: &str) -> String {
    const BEFORE: &str = "read at ";
    let mut parts = text.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_at(part.find('Z').map_or(0, |end| end + 1));
        text + BEFORE + "TIME" + rest
    })
}
