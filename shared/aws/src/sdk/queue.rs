//! SQS: the worker's queue and its dead-letter queue.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName as Attribute, SendMessageBatchRequestEntry,
};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use super::Answer;
use crate::config::WorkerSettings;
use crate::io::Message;
use crate::verdict::{IoError, Neighbour, Verdict, classify};

mod attributes;
mod entries;
#[cfg(test)]
mod tests;

use attributes::fitting;
use entries::{message, settled, unbuilt, whole_seconds};

/// SQS answers a long poll of 20 s at the latest; what takes longer is lost.
const LONGEST_POLL: Duration = Duration::from_secs(20);
/// How much longer than the longest poll a receive may take.
const POLL_SLACK: Duration = Duration::from_secs(10);
/// SQS hides a message for at most twelve hours.
const LONGEST_HIDE: Duration = Duration::from_hours(12);
/// A message with its attributes, in bytes.
const MESSAGE_LIMIT: usize = 1_048_576;

#[derive(Debug)]
pub(super) struct Queue {
    client: Client,
    /// For long polls.
    patient: Client,
    queues: Option<WorkerSettings>,
}

impl Queue {
    pub(super) fn new(config: &SdkConfig, queues: Option<WorkerSettings>, limits: &TimeoutConfig) -> Self {
        let limits = limits.clone().to_builder().operation_attempt_timeout(LONGEST_POLL + POLL_SLACK).build();
        let patient = config.to_builder().timeout_config(limits).build();
        Self { client: Client::new(config), patient: Client::new(&patient), queues }
    }

    pub(super) async fn receive(&self, max: usize, wait: Duration) -> Answer<Vec<Message>> {
        let wait = wait.min(LONGEST_POLL);
        let answer = self
            .patient
            .receive_message()
            .queue_url(&self.queues("ReceiveMessage")?.queue_url)
            .max_number_of_messages(i32::try_from(max.clamp(1, 10)).unwrap_or(10))
            .wait_time_seconds(whole_seconds(wait))
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .send()
            .await
            .map_err(|e| classify(Neighbour::Queue, "ReceiveMessage", &e))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(message).collect())
    }

    pub(super) async fn delete(&self, messages: &[Message]) -> Answer<Vec<Answer<()>>> {
        const OPERATION: &str = "DeleteMessageBatch";
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let entry = |(n, m): (usize, &Message)| {
            DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(&m.receipt).build()
        };
        let entries: Vec<_> =
            messages.iter().enumerate().map(entry).collect::<Result<_, _>>().map_err(|e| unbuilt(&e))?;
        let answer = self
            .client
            .delete_message_batch()
            .queue_url(&self.queues(OPERATION)?.queue_url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|e| classify(Neighbour::Queue, OPERATION, &e))?;
        Ok(settled(
            OPERATION,
            messages.len(),
            answer.successful.iter().map(|s| s.id.as_str()),
            &answer.failed,
        ))
    }

    pub(super) async fn hide(&self, messages: &[(Message, Duration)]) -> Answer<Vec<Answer<()>>> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let entry = |(n, (m, time)): (usize, &(Message, Duration))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(n.to_string())
                .receipt_handle(&m.receipt)
                .visibility_timeout(whole_seconds((*time).min(LONGEST_HIDE)))
                .build()
        };
        let entries: Vec<_> =
            messages.iter().enumerate().map(entry).collect::<Result<_, _>>().map_err(|e| unbuilt(&e))?;
        let answer = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.queues(OPERATION)?.queue_url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|e| classify(Neighbour::Queue, OPERATION, &e))?;
        Ok(settled(
            OPERATION,
            messages.len(),
            answer.successful.iter().map(|s| s.id.as_str()),
            &answer.failed,
        ))
    }

    pub(super) async fn enqueue(&self, bodies: &[String]) -> Answer<()> {
        const OPERATION: &str = "SendMessageBatch";
        if bodies.is_empty() {
            return Ok(());
        }
        let entry = |(n, body): (usize, &String)| {
            SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build()
        };
        let entries: Vec<_> =
            bodies.iter().enumerate().map(entry).collect::<Result<_, _>>().map_err(|e| unbuilt(&e))?;
        let answer = self
            .client
            .send_message_batch()
            .queue_url(&self.queues(OPERATION)?.queue_url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|e| classify(Neighbour::Queue, OPERATION, &e))?;
        settled(OPERATION, bodies.len(), answer.successful.iter().map(|s| s.id.as_str()), &answer.failed)
            .into_iter()
            .try_for_each(|answer| answer.map_err(IoError::of_own_queue))
    }

    pub(super) async fn dead_letter(
        &self,
        message: &Message,
        attributes: &BTreeMap<String, String>,
    ) -> Answer<()> {
        if self.send_to_dlq(&message.id, &message.body, attributes).await? {
            return Ok(());
        }
        // SQS takes no control characters, and whoever sent this message found a way around that.
        let mut attributes = attributes.clone();
        attributes.insert("bodyEncoding".into(), "base64".into());
        let body = aws_smithy_types::base64::encode(&message.body);
        if self.send_to_dlq(&message.id, &body, &attributes).await? {
            return Ok(());
        }
        let message = format!("SQS refuses the body of dead letter {}", message.id);
        Err(IoError::new(Neighbour::Queue, "SendMessage", Verdict::Permanent, message))
    }

    /// Answers whether SQS takes the body.
    async fn send_to_dlq(&self, id: &str, body: &str, attributes: &BTreeMap<String, String>) -> Answer<bool> {
        const OPERATION: &str = "SendMessage";
        let fitting = fitting(attributes, MESSAGE_LIMIT.saturating_sub(body.len()));
        if fitting.len() < attributes.len() {
            tracing::warn!(message_id = id, ?attributes, "a dead letter is too full for all its attributes");
        }
        let request = self
            .client
            .send_message()
            .queue_url(&self.queues(OPERATION)?.dlq_url)
            .message_body(body)
            .set_message_attributes(Some(fitting));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(SendMessageError::is_invalid_message_contents) => {
                Ok(false)
            }
            Err(e) => Err(classify(Neighbour::Queue, OPERATION, &e)),
        }
    }

    fn queues(&self, operation: &'static str) -> Answer<&WorkerSettings> {
        self.queues.as_ref().ok_or_else(|| {
            IoError::new(Neighbour::Queue, operation, Verdict::Permanent, "this process has no queue")
        })
    }
}
