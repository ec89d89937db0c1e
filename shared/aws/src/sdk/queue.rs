//! SQS: the worker's queue and its dead-letter queue.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Config;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    Message as Received, MessageAttributeValue, MessageSystemAttributeName as Attribute,
    SendMessageBatchRequestEntry,
};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use jiff::Timestamp;

use super::Answer;
use crate::config::WorkerSettings;
use crate::io::Message;
use crate::verdict::{IoError, Neighbour, Verdict, classify, of_code};

/// SQS answers a long poll of 20 s at the latest; what takes longer is lost.
const LONGEST_POLL: Duration = Duration::from_secs(20);
/// How much longer than its long poll a receive may take.
const POLL_SLACK: Duration = Duration::from_secs(10);
/// SQS hides a message for at most twelve hours.
const LONGEST_HIDE: Duration = Duration::from_hours(12);
/// A message with its attributes, in bytes.
const MESSAGE_LIMIT: usize = 1_048_576;
/// Attributes of a message.
const ATTRIBUTES_LIMIT: usize = 10;
/// Enough of a reason to understand it.
const VALUE_LIMIT: usize = 256;

#[derive(Debug)]
pub(super) struct Queue {
    client: Client,
    queues: Option<WorkerSettings>,
    limits: TimeoutConfig,
}

impl Queue {
    pub(super) fn new(config: &SdkConfig, queues: Option<WorkerSettings>, limits: TimeoutConfig) -> Self {
        Self { client: Client::new(config), queues, limits }
    }

    pub(super) async fn receive(&self, max: usize, wait: Duration) -> Answer<Vec<Message>> {
        let wait = wait.min(LONGEST_POLL);
        let limits = self.limits.clone().to_builder().operation_attempt_timeout(wait + POLL_SLACK).build();
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.queues("ReceiveMessage")?.queue_url)
            .max_number_of_messages(i32::try_from(max.clamp(1, 10)).unwrap_or(10))
            .wait_time_seconds(whole_seconds(wait))
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .customize()
            .config_override(Config::builder().timeout_config(limits))
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
            .collect()
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

fn message(received: Received) -> Message {
    let attribute = |name| received.attributes.as_ref().and_then(|all| all.get(&name)).map(String::as_str);
    let number = |name| attribute(name).and_then(|text| text.parse::<i64>().ok());
    Message {
        receive_count: number(Attribute::ApproximateReceiveCount)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        sent_at: number(Attribute::SentTimestamp)
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .unwrap_or_else(Timestamp::now),
        id: received.message_id.unwrap_or_default(),
        receipt: received.receipt_handle.unwrap_or_default(),
        body: received.body.unwrap_or_default(),
    }
}

/// Rounded up: a message must not come back before its time.
fn whole_seconds(time: Duration) -> i32 {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn unbuilt(error: &BuildError) -> IoError {
    IoError::new(Neighbour::Queue, "batch entry", Verdict::Permanent, error.to_string())
}

/// What became of each entry of a batch; an `Ok` answer may hold failures.
fn settled<'a>(
    operation: &'static str,
    count: usize,
    successful: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<Answer<()>> {
    let unmentioned =
        IoError::new(Neighbour::Queue, operation, Verdict::Transient, "no word about this entry");
    let mut all = vec![Err(unmentioned); count];
    let position = |id: &str| id.parse::<usize>().ok().filter(|n| *n < count);
    for n in successful.filter_map(position) {
        all[n] = Ok(());
    }
    for failure in failed {
        // SQS calls it the sender's fault or its own; its own passes.
        let status = if failure.sender_fault { 400 } else { 500 };
        let message = format!("{}: {}", failure.code, failure.message.as_deref().unwrap_or("no message"));
        if let Some(n) = position(&failure.id) {
            all[n] = Err(IoError::new(Neighbour::Queue, operation, of_code(&failure.code, status), message));
        }
    }
    all
}

/// As many attributes as SQS takes and as fit into `room` bytes, with values cut and cleaned.
fn fitting(attributes: &BTreeMap<String, String>, mut room: usize) -> HashMap<String, MessageAttributeValue> {
    const TYPE: &str = "String";
    let mut fitting = HashMap::new();
    for (name, value) in attributes {
        let value: String =
            value.chars().take(VALUE_LIMIT).map(|c| if is_allowed(c) { c } else { '?' }).collect();
        // SQS refuses empty values.
        let value = if value.is_empty() { "-".to_owned() } else { value };
        let size = name.len() + TYPE.len() + value.len();
        let built = MessageAttributeValue::builder().data_type(TYPE).string_value(value).build();
        if let (Ok(built), true) = (built, size <= room && fitting.len() < ATTRIBUTES_LIMIT) {
            room -= size;
            fitting.insert(name.clone(), built);
        }
    }
    fitting
}

/// The characters that SQS takes: those of XML 1.0.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::io::Io;
    use crate::sdk::wire;

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn values_of_attributes_are_cut_and_cleaned() {
        let long = "ä".repeat(1000);
        let fitting = fitting(&map([("a", "x\u{0}y\n"), ("b", long.as_str()), ("c", "")]), 10_000);
        assert_eq!(fitting["a"].string_value.as_deref(), Some("x?y\n"));
        assert_eq!(fitting["b"].string_value.as_ref().map(|v| v.chars().count()), Some(256));
        assert_eq!(fitting["c"].string_value.as_deref(), Some("-"));
    }

    #[test]
    fn attributes_that_do_not_fit_beside_the_body_are_left_out() {
        let attributes = map([("a", "0123456789"), ("b", "1")]);
        assert_eq!(fitting(&attributes, 0).len(), 0);
        assert!(fitting(&attributes, 8).contains_key("b"), "the smaller one fits");
        let many: BTreeMap<_, _> = (0..12).map(|n| (n.to_string(), "v".to_owned())).collect();
        assert_eq!(fitting(&many, 10_000).len(), 10);
    }

    #[test]
    fn parts_of_a_second_are_rounded_up_and_nothing_stays_nothing() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }

    fn received(n: u32) -> Message {
        Message {
            id: format!("m{n}"),
            receipt: format!("r{n}"),
            body: "b\u{1}".into(),
            receive_count: 1,
            sent_at: Timestamp::default(),
        }
    }

    #[tokio::test]
    async fn a_received_message_brings_its_count_and_when_it_was_sent() {
        let answer = json!({ "Messages": [ { "MessageId": "m", "ReceiptHandle": "r", "Body": "b", "Attributes":
            { "ApproximateReceiveCount": "3", "SentTimestamp": "1500" } } ] });
        let (io, wire) = wire::io(move |_| (200, answer.to_string()));
        assert_eq!(io.last_receive(), None);
        let messages = io.receive(10, Duration::from_secs(20)).await.unwrap();
        assert_eq!((messages[0].receive_count, messages[0].sent_at.as_millisecond()), (3, 1500));
        assert!(io.last_receive().is_some());
        let call = wire.calls("ReceiveMessage")[0].json();
        assert_eq!(
            (call["MaxNumberOfMessages"].as_i64(), call["WaitTimeSeconds"].as_i64()),
            (Some(10), Some(20))
        );
    }

    #[tokio::test]
    async fn one_delete_that_fails_leaves_its_neighbours_deleted() {
        let answer = json!({ "Successful": [ { "Id": "0" }, { "Id": "2" } ], "Failed": [
            { "Id": "1", "SenderFault": true, "Code": "ReceiptHandleIsInvalid", "Message": "no" } ] });
        let (io, _) = wire::io(move |_| (200, answer.to_string()));
        let all: Vec<_> = (0..4).map(received).collect();
        let answers = io.delete(&all).await.unwrap();
        let verdicts: Vec<_> = answers.iter().map(|a| a.as_ref().err().map(|e| e.verdict)).collect();
        assert_eq!(verdicts, [None, Some(Verdict::Permanent), None, Some(Verdict::Transient)]);
    }

    #[tokio::test]
    async fn a_message_that_was_not_enqueued_is_an_error() {
        let answer = json!({ "Successful": [], "Failed": [
            { "Id": "0", "SenderFault": false, "Code": "InternalError" } ] });
        let (io, _) = wire::io(move |_| (200, answer.to_string()));
        assert_eq!(io.enqueue(&["b".into()]).await.unwrap_err().verdict, Verdict::Transient);
        assert!(io.enqueue(&[]).await.is_ok(), "SQS refuses an empty batch");
    }

    #[tokio::test]
    async fn a_body_that_sqs_refuses_is_dead_lettered_in_base64() {
        let (io, wire) = wire::io(|call| match call.json()["MessageBody"].as_str() {
            Some("b\u{1}") => (
                400,
                json!({ "__type": "com.amazonaws.sqs#InvalidMessageContents", "message": "no" }).to_string(),
            ),
            _ => (200, json!({ "MessageId": "m", "MD5OfMessageBody": "x" }).to_string()),
        });
        io.dead_letter(&received(1), &map([("reason", "NOT_JSON")])).await.unwrap();
        let sent = wire.calls("SendMessage")[1].json();
        assert_eq!(sent["MessageBody"], "YgE=");
        assert_eq!(sent["MessageAttributes"]["bodyEncoding"]["StringValue"], "base64");
        assert_eq!(sent["MessageAttributes"]["reason"]["StringValue"], "NOT_JSON");
        assert!(sent["QueueUrl"].as_str().unwrap().ends_with("jobs-dlq"));
    }
}
