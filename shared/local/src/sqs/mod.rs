//! Queues: standard SQS queues with visibility, delay, retention, redrive and policies.
//!
//! `queue` is the state machine, `cell` puts a lock and a bell around it, and one file each holds the
//! operations on queues, on sending, receiving and settling. FIFO queues do not exist here.
//!
//! Visibility, delays and polls pass in real time; stamps and retention follow the cloud's clock. Two faults
//! are asked for at `("sqs", "ReceiveMessage", owner)`: `Duplicate` leaves a second copy of a message on the
//! queue, which survives the deletion of the first, and `Reorder` starts a receive at a random message.

mod attributes;
mod batch;
mod cell;
mod handle;
mod manage;
pub(crate) mod message;
mod queue;
mod receiving;
mod refuse;
mod sending;
mod settings;
mod settling;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::World;
use crate::call::{Call, Principal, Refusal, Reply};
use crate::world::lock;
use cell::{Cell, moment};
use message::Message;
pub use message::{Attribute, Attributes};
use refuse::{missing, no_queue, refuse};

/// Queues.
#[derive(Debug, Default)]
pub struct Sqs {
    registry: Mutex<manage::Registry>,
}

/// A message as a test or a live summary looks at it, without receiving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// Message id.
    pub id: String,
    /// Body.
    pub body: String,
    /// Message attributes.
    pub attributes: Attributes,
}

/// The queue that a call is about.
#[derive(Debug)]
struct Target {
    owner: String,
    arn: String,
}

impl Sqs {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let request = call.json()?;
        let target = Target::of(call, &request)?;
        self.authorize(world, call, &target)?;
        self.answer(world, call, &target, request).await.map(|value| Reply::json(&value))
    }

    /// Puts a message on a queue for another service or for the queue's own redrive, after asking the queue's
    /// policy. `attributes` become string message attributes.
    ///
    /// # Errors
    /// `QueueDoesNotExist` and `AccessDenied`, and what `SendMessage` refuses in a message.
    pub fn deliver(
        &self,
        world: &World,
        principal: &Principal,
        queue_arn: &str,
        body: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let cell = self.find(queue_arn)?;
        let policy = cell.policy();
        let resource = (cell.owner.as_str(), queue_arn);
        world.iam.authorize(&world.clock, principal, "sqs:SendMessage", resource, policy.as_ref(), &[])?;
        let attributes: Attributes =
            attributes.iter().map(|(name, value)| (name.clone(), Attribute::string(value))).collect();
        message::check(body, &attributes, cell.max_size())?;
        let now = moment(&world.clock);
        let message = Message::new(body.to_owned(), attributes, principal.account().to_owned(), now.stamp);
        cell.send(message, None, now);
        Ok(())
    }

    /// How many messages are visible, in flight and delayed; zeroes for a queue that does not exist.
    pub fn depth(&self, world: &World, queue_arn: &str) -> (usize, usize, usize) {
        self.find(queue_arn).map(|cell| cell.depth(moment(&world.clock))).unwrap_or_default()
    }

    /// How often a received message became visible again because its time in flight was over: its receiver died, or hid it.
    pub fn returned(&self, queue_arn: &str) -> u64 {
        self.find(queue_arn).map(|cell| lock(&cell.inside).queue.returned()).unwrap_or_default()
    }

    /// Every message of a queue, oldest first, whatever its state.
    pub fn peek(&self, queue_arn: &str) -> Vec<Peeked> {
        let messages = self.find(queue_arn).map(|cell| cell.messages()).unwrap_or_default();
        let peeked = |m: &Arc<Message>| Peeked {
            id: m.id.clone(),
            body: m.body.clone(),
            attributes: m.attributes.clone(),
        };
        messages.iter().map(peeked).collect()
    }

    fn find(&self, arn: &str) -> Result<Arc<Cell>, Refusal> {
        lock(&self.registry).get(arn).ok_or_else(no_queue)
    }

    /// Asks identity and queue policies. What changes queues themselves is for the owner's account alone.
    fn authorize(&self, world: &World, call: &Call, target: &Target) -> Result<(), Refusal> {
        let action = format!("sqs:{}", call.operation.trim_end_matches("Batch"));
        let worded = |refusal: Refusal| refusal.header("x-amzn-query-error", "AccessDenied;Sender");
        let own = call.principal.account() == target.owner;
        if !own && matches!(call.operation.as_str(), "DeleteQueue" | "SetQueueAttributes" | "ListQueueTags") {
            return Err(worded(Refusal::denied(&call.principal, &action, &target.arn)));
        }
        let policy = self.find(&target.arn).ok().and_then(|cell| cell.policy());
        let resource = (target.owner.as_str(), target.arn.as_str());
        world
            .iam
            .authorize(&world.clock, &call.principal, &action, resource, policy.as_ref(), &[])
            .map_err(worded)
    }

    /// What an authorized call does.
    async fn answer(
        &self,
        world: &World,
        call: &Call,
        target: &Target,
        request: Value,
    ) -> Result<Value, Refusal> {
        let now = moment(&world.clock);
        match call.operation.as_str() {
            "CreateQueue" => self.create_queue(call, now, parse(request)?),
            "GetQueueUrl" => self.find(&target.arn).map(|cell| serde_json::json!({ "QueueUrl": cell.url })),
            "ListQueues" => self.list_queues(call, &parse(request)?),
            "DeleteQueue" => self.remove(&target.arn),
            "SetQueueAttributes" => self.set_queue_attributes(&target.arn, now, &parse(request)?),
            "GetQueueAttributes" => self.find(&target.arn)?.attributes(now, &parse(request)?),
            "ListQueueTags" => Ok(serde_json::json!({ "Tags": self.find(&target.arn)?.tags })),
            "PurgeQueue" => self.find(&target.arn)?.purge(now),
            "SendMessage" => self.find(&target.arn)?.send_message(&call.principal, now, parse(request)?),
            "SendMessageBatch" => self.find(&target.arn)?.send_batch(&call.principal, now, parse(request)?),
            "ReceiveMessage" => self.receive_message(world, target, parse(request)?).await,
            "DeleteMessage" => self.find(&target.arn)?.delete_message(now, &parse(request)?),
            "DeleteMessageBatch" => self.find(&target.arn)?.delete_batch(now, parse(request)?),
            "ChangeMessageVisibility" => self.find(&target.arn)?.change_visibility(now, &parse(request)?),
            "ChangeMessageVisibilityBatch" => {
                self.find(&target.arn)?.change_visibility_batch(now, parse(request)?)
            }
            other => Err(Refusal::unknown("sqs", other)),
        }
    }
}

impl Target {
    /// From the queue URL, whatever its host, or from a name.
    fn of(call: &Call, request: &Value) -> Result<Self, Refusal> {
        let text = |member: &str| request[member].as_str();
        let (owner, name) = match call.operation.as_str() {
            "ListQueues" => (call.account.as_str(), "*"),
            "CreateQueue" => (call.account.as_str(), text("QueueName").ok_or_else(|| missing("QueueName"))?),
            "GetQueueUrl" => (
                text("QueueOwnerAWSAccountId").unwrap_or(&call.account),
                text("QueueName").ok_or_else(|| missing("QueueName"))?,
            ),
            _ => {
                let url = text("QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
                let mut parts = url.rsplit('/');
                let name = parts.next().unwrap_or_default();
                (parts.next().ok_or_else(|| refuse("InvalidAddress", "The queue URL is not valid."))?, name)
            }
        };
        Ok(Self { owner: owner.to_owned(), arn: format!("arn:aws:sqs:{}:{owner}:{name}", call.region) })
    }
}

fn parse<T: DeserializeOwned>(request: Value) -> Result<T, Refusal> {
    serde_json::from_value(request)
        .map_err(|e| Refusal::new(400, "SerializationException", format!("request does not fit: {e}")))
}

/// A number of seconds in a request.
fn seconds(value: i64, parameter: &str, greatest: u64) -> Result<Duration, Refusal> {
    let fits = u64::try_from(value).ok().filter(|s| *s <= greatest);
    let reason = || format!("Must be >= 0 and <= {greatest}, if provided.");
    fits.map(Duration::from_secs).ok_or_else(|| refuse::invalid(value, parameter, &reason()))
}

#[cfg(test)]
mod tests;
