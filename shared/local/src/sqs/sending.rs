//! `SendMessage` and `SendMessageBatch`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::Batch;
use super::cell::Cell;
use super::message::{self, Attributes, Message, attributes_md5, md5_hex};
use super::queue::Moment;
use super::refuse::{invalid, missing, refuse};
use crate::call::{Principal, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Send {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Attributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    message_system_attributes: Option<Value>,
}

impl Message {
    /// A new message with an id of its own.
    pub fn new(body: String, attributes: Attributes, sender: String, sent_at: i64) -> Self {
        let (id, body_md5) = (uuid::Uuid::new_v4().to_string(), md5_hex(body.as_bytes()));
        Self { id, body, attributes, body_md5, sender, sent_at, group: None, redriven_from: None }
    }
}

impl Cell {
    pub(super) fn send_message(
        &self,
        principal: &Principal,
        now: Moment,
        send: Send,
    ) -> Result<Value, Refusal> {
        if send.message_deduplication_id.is_some() {
            let why = "The request includes a parameter that is not valid for this queue type.";
            return Err(invalid("MessageDeduplicationId", "MessageDeduplicationId", why));
        }
        if send.message_system_attributes.is_some_and(|a| a.as_object().is_none_or(|a| !a.is_empty())) {
            return Err(refuse("UnsupportedOperation", "the local cloud takes no message system attributes"));
        }
        let body = send.message_body.ok_or_else(|| missing("MessageBody"))?;
        let delay = send.delay_seconds.map(message::check_delay).transpose()?.map(Duration::from_secs);
        message::check(&body, &send.message_attributes, self.max_size())?;
        let mut message = Message::new(body, send.message_attributes, sender_id(principal), now.stamp);
        message.group = send.message_group_id;
        let mut answer = json!({ "MessageId": message.id, "MD5OfMessageBody": message.body_md5 });
        if let Some(md5) = attributes_md5(&message.attributes) {
            answer["MD5OfMessageAttributes"] = json!(md5);
        }
        self.send(message, delay, now);
        Ok(answer)
    }

    pub(super) fn send_batch(
        &self,
        principal: &Principal,
        now: Moment,
        batch: Batch<Send>,
    ) -> Result<Value, Refusal> {
        let size = |s: &Send| message::size(s.message_body.as_deref().unwrap_or(""), &s.message_attributes);
        let batch = batch.checked()?.limited(size)?;
        Ok(batch.each(|send| self.send_message(principal, now, send)))
    }
}

/// The account of an administrator or a service; the role's name and session of a role.
fn sender_id(principal: &Principal) -> String {
    match principal {
        Principal::Role { role_arn, session, .. } => {
            format!("{}:{session}", role_arn.rsplit('/').next().unwrap_or_default())
        }
        other => other.account().to_owned(),
    }
}
