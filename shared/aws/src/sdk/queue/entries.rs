//! What SQS says of single messages.

use std::time::Duration;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, Message as Received, MessageSystemAttributeName as Attribute,
};
use jiff::Timestamp;

use crate::io::Message;
use crate::sdk::Answer;
use crate::verdict::{IoError, Neighbour, Verdict, of_code};

pub(super) fn message(received: Received) -> Message {
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
pub(super) fn whole_seconds(time: Duration) -> i32 {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

pub(super) fn unbuilt(error: &BuildError) -> IoError {
    IoError::new(Neighbour::Queue, "batch entry", Verdict::Permanent, error.to_string())
}

/// What became of each entry of a batch; an `Ok` answer may hold failures.
pub(super) fn settled<'a>(
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
