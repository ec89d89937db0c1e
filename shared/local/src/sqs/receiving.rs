//! `ReceiveMessage`: the long poll, redrive and what a received message shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::cell::{Cell, moment};
use super::message::{Attributes, Message, attributes_md5};
use super::queue::{Received, Taken};
use super::refuse::invalid;
use super::settings::unknown;
use super::{Sqs, Target, seconds};
use crate::World;
use crate::call::Refusal;
use crate::faults::Fault;
use crate::world::lock;

/// Those of FIFO queues and of tracing may be asked for, but no message has them.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "AWSTraceHeader",
    "MessageDeduplicationId",
    "SequenceNumber",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receive {
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
}

impl Sqs {
    pub(super) async fn receive_message(
        &self,
        world: &World,
        target: &Target,
        receive: Receive,
    ) -> Result<Value, Refusal> {
        let max = receive.max()?;
        let visibility =
            receive.visibility_timeout.map(|s| seconds(s, "VisibilityTimeout", 43_200)).transpose()?;
        let wait = receive.wait_time_seconds.map(|s| seconds(s, "WaitTimeSeconds", 20)).transpose()?;
        receive.check_names()?;
        let cell = self.find(&target.arn)?;
        let wait = wait.unwrap_or_else(|| {
            Duration::from_secs(lock(&cell.inside).settings.number("ReceiveMessageWaitTimeSeconds"))
        });
        let deadline = Instant::now() + wait;
        loop {
            // Registered before looking, so that what arrives between looking and waiting is heard.
            let bell = cell.bell.notified();
            tokio::pin!(bell);
            bell.as_mut().enable();
            self.find(&target.arn)?;
            let taken = match self.take(world, &cell, max, visibility) {
                // A long poll on a full queue waits and finds nothing.
                Err(refusal) if refusal.code == "OverLimit" && !wait.is_zero() => Taken::default(),
                other => other?,
            };
            if !taken.received.is_empty() || Instant::now() >= deadline {
                let messages: Vec<_> = taken.received.iter().map(|r| receive.render(r)).collect();
                return Ok(json!({ "Messages": messages }));
            }
            let wake = lock(&cell.inside).queue.next_wake().map_or(deadline, |at| at.min(deadline));
            tokio::select! {
                () = bell => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    /// One look at the queue; moves to the dead-letter queue what was received too often.
    fn take(
        &self,
        world: &World,
        cell: &Cell,
        max: usize,
        visibility: Option<Duration>,
    ) -> Result<Taken, Refusal> {
        let now = moment(&world.clock);
        let redrive = cell.redrive();
        let dead_letters = redrive.as_ref().and_then(|r| self.find(&r.target).ok());
        let limit = redrive.filter(|_| dead_letters.is_some()).map(|r| r.max_receives);
        let wish = cell.wish(max, visibility, limit);
        let strikes = |fault: Fault| {
            let subject = ("sqs", "ReceiveMessage", cell.owner.as_str());
            world.faults.strike(subject, |planned| *planned == fault).is_some()
        };
        let start = strikes(Fault::Reorder).then(|| world.faults.roll());
        let taken = cell.step(now, |inside| {
            let taken = inside.queue.receive(wish, start, now)?;
            for received in &taken.received {
                if !received.is_copy && strikes(Fault::Duplicate) {
                    inside.queue.push_copy(received.message.clone());
                }
            }
            Ok(taken)
        })?;
        if let Some(dead_letters) = dead_letters {
            for message in &taken.redriven {
                let message = Message { redriven_from: Some(cell.arn.clone()), ..Message::clone(message) };
                dead_letters.send(message, Some(Duration::ZERO), now);
            }
        }
        Ok(taken)
    }
}

impl Receive {
    fn max(&self) -> Result<usize, Refusal> {
        let max = self.max_number_of_messages.unwrap_or(1);
        let reason = "Must be between 1 and 10, if provided.";
        usize::try_from(max)
            .ok()
            .filter(|n| (1..=10).contains(n))
            .ok_or_else(|| invalid(max, "MaxNumberOfMessages", reason))
    }

    fn system_names(&self) -> impl Iterator<Item = &String> {
        self.attribute_names.iter().chain(&self.message_system_attribute_names)
    }

    fn check_names(&self) -> Result<(), Refusal> {
        let known = |name: &str| name == "All" || SYSTEM_ATTRIBUTES.contains(&name);
        self.system_names().find(|name| !known(name)).map_or(Ok(()), |name| Err(unknown(name)))
    }

    fn wants_attribute(&self, name: &str) -> bool {
        self.message_attribute_names.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == "All" || wanted == name,
        })
    }

    fn render(&self, received: &Received) -> Value {
        let message: &Arc<Message> = &received.message;
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": received.handle.encode(),
            "Body": message.body,
            "MD5OfBody": message.body_md5,
        });
        let system = self.system_attributes(received);
        if !system.is_empty() {
            shown["Attributes"] = Value::Object(system);
        }
        let wanted = message.attributes.iter().filter(|(name, _)| self.wants_attribute(name));
        let attributes: Attributes = wanted.map(|(name, a)| (name.clone(), a.clone())).collect();
        if let Some(md5) = attributes_md5(&attributes) {
            shown["MD5OfMessageAttributes"] = json!(md5);
            shown["MessageAttributes"] = json!(attributes);
        }
        shown
    }

    fn system_attributes(&self, received: &Received) -> Map<String, Value> {
        let message = &received.message;
        let all = [
            ("ApproximateFirstReceiveTimestamp", Some(received.first_at.to_string())),
            ("ApproximateReceiveCount", Some(received.receives.to_string())),
            ("DeadLetterQueueSourceArn", message.redriven_from.clone()),
            ("MessageGroupId", message.group.clone()),
            ("SenderId", Some(message.sender.clone())),
            ("SentTimestamp", Some(message.sent_at.to_string())),
        ];
        let wanted = |name: &str| self.system_names().any(|w| w == "All" || w == name);
        all.into_iter()
            .filter(|(name, _)| wanted(name))
            .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
            .collect()
    }
}
