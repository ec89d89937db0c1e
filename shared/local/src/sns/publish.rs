//! Publishing: the checks, and the way of a message to each subscriber.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::{Form, attributes, invalid, items};
use super::mailbox::Mail;
use super::subscriptions::{Protocol, Subscription};
use super::{Sns, service};
use crate::World;
use crate::call::Refusal;
use crate::sqs::message::{self, Attributes};
use crate::world::lock;
use crate::xml::{element, tag};

/// Bytes of one message, or of a batch in all.
const MAX_BYTES: usize = 262_144;
const MAX_ENTRIES: usize = 10;

/// What is published.
struct Notice {
    id: String,
    subject: Option<String>,
    message: String,
    by_protocol: Option<Value>,
    attributes: Attributes,
}

impl Notice {
    fn parse(form: &Form) -> Result<Self, Refusal> {
        let message =
            form.get("Message").filter(|m| !m.is_empty()).ok_or_else(|| invalid("Empty message"))?;
        let subject = form.get("Subject").cloned();
        if let Some(subject) = &subject {
            check_subject(subject)?;
        }
        let attributes = attributes(form)?;
        if message::size(message, &attributes) > MAX_BYTES {
            return Err(invalid("Message too long"));
        }
        let by_protocol = match form.get("MessageStructure").map(String::as_str) {
            None | Some("") => None,
            Some("json") => Some(structured(message)?),
            Some(_) => return Err(invalid("MessageStructure")),
        };
        let id = uuid::Uuid::new_v4().to_string();
        Ok(Self { id, subject, message: message.clone(), by_protocol, attributes })
    }

    fn text(&self, protocol: &str) -> &str {
        let Some(structured) = &self.by_protocol else { return &self.message };
        structured[protocol].as_str().or(structured["default"].as_str()).unwrap_or_default()
    }

    /// What a queue gets unless it asked for the bare message.
    fn envelope(&self, topic_arn: &str, subscription: &Subscription, at: Timestamp) -> Value {
        let region = topic_arn.split(':').nth(3).unwrap_or_default();
        let host = format!("https://sns.{region}.amazonaws.com");
        let mut envelope = json!({
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": topic_arn,
            "Message": self.text("sqs"),
            "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "SignatureVersion": "1",
            "Signature": "bm90IHNpZ25lZA==",
            "SigningCertURL": format!("{host}/SimpleNotificationService-local.pem"),
            "UnsubscribeURL": format!("{host}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn),
        });
        if let Some(subject) = &self.subject {
            envelope["Subject"] = json!(subject);
        }
        if !self.attributes.is_empty() {
            let shown = |(name, a): (&String, &message::Attribute)| {
                let value = a.string_value.as_ref().or(a.binary_value.as_ref());
                (name.clone(), json!({ "Type": a.data_type, "Value": value }))
            };
            envelope["MessageAttributes"] = Value::Object(self.attributes.iter().map(shown).collect());
        }
        envelope
    }
}

impl Sns {
    pub(super) fn publish_call(
        &self,
        world: &World,
        topic_arn: &str,
        form: &Form,
    ) -> Result<String, Refusal> {
        let notice = Notice::parse(form)?;
        self.publish(world, topic_arn, &notice).map(|()| tag("MessageId", &notice.id))
    }

    pub(super) fn publish_batch(
        &self,
        world: &World,
        topic_arn: &str,
        form: &Form,
    ) -> Result<String, Refusal> {
        let entries = items(form, "PublishBatchRequestEntries.member");
        check_batch(&entries)?;
        lock(&self.topics).get(topic_arn)?;
        let (mut successful, mut failed) = (String::new(), String::new());
        for entry in &entries {
            let id = tag("Id", entry.get("Id").map_or("", String::as_str));
            let published =
                Notice::parse(entry).and_then(|n| self.publish(world, topic_arn, &n).map(|()| n.id));
            match published {
                Ok(message) => successful += &element("member", &(id + &tag("MessageId", &message))),
                Err(refusal) => {
                    let why = tag("Code", &refusal.code) + &tag("Message", &refusal.message);
                    failed += &element("member", &(id + &why + &tag("SenderFault", "true")));
                }
            }
        }
        Ok(element("Successful", &successful) + &element("Failed", &failed))
    }

    fn publish(&self, world: &World, topic_arn: &str, notice: &Notice) -> Result<(), Refusal> {
        let wants = |s: &&Subscription| s.confirmed && s.filter.admits(&notice.attributes);
        // A copy, because delivery locks a queue and asks its policy.
        let subscriptions: Vec<_> =
            lock(&self.topics).get(topic_arn)?.subscriptions.iter().filter(wants).cloned().collect();
        let at = world.clock.now();
        for subscription in subscriptions {
            match subscription.protocol {
                Protocol::Email => self.mailbox.put(mail(notice, topic_arn, &subscription, at)),
                Protocol::Sqs => to_queue(world, notice, topic_arn, &subscription, at),
            }
        }
        Ok(())
    }
}

/// Delivers to a queue. What the queue refuses is lost, as on AWS for a subscription without a queue for it.
fn to_queue(world: &World, notice: &Notice, topic_arn: &str, subscription: &Subscription, at: Timestamp) {
    let (body, attributes) = if subscription.raw {
        let value = |a: &message::Attribute| a.string_value.clone().or(a.binary_value.clone());
        let attributes =
            notice.attributes.iter().filter_map(|(name, a)| Some((name.clone(), value(a)?))).collect();
        (notice.text("sqs").to_owned(), attributes)
    } else {
        (notice.envelope(topic_arn, subscription, at).to_string(), BTreeMap::new())
    };
    let queue = &subscription.endpoint;
    if let Err(refusal) = world.sqs.deliver(world, &service(topic_arn), queue, &body, &attributes) {
        tracing::warn!(topic_arn, queue, code = refusal.code, "notification not delivered");
    }
}

fn mail(notice: &Notice, topic_arn: &str, subscription: &Subscription, at: Timestamp) -> Mail {
    let body = format!(
        "{}\n\n--\nYou receive this mail because this address is subscribed to\n{topic_arn}\nTo stop it, end the \
         subscription\n{}\n",
        notice.text("email"),
        subscription.arn
    );
    Mail::new(
        &subscription.endpoint,
        notice.subject.as_deref().unwrap_or("AWS Notification Message"),
        body,
        at,
    )
}

/// ASCII, at most 100 characters, no control characters, no space in front.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
fn check_subject(subject: &str) -> Result<(), Refusal> {
    let printable = subject.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let fits = printable && (1..=100).contains(&subject.len()) && !subject.starts_with(' ');
    if fits { Ok(()) } else { Err(invalid("Subject")) }
}

/// `MessageStructure=json`: an object of texts by protocol, with a default.
fn structured(message: &str) -> Result<Value, Refusal> {
    match serde_json::from_str::<Value>(message) {
        Ok(object) if object["default"].is_string() => Ok(object),
        Ok(Value::Object(_)) => Err(invalid("Message Structure - No default entry in JSON message body")),
        _ => Err(invalid("Message Structure - JSON message body failed to parse")),
    }
}

fn check_batch(entries: &[Form]) -> Result<(), Refusal> {
    let refuse = |code: &str, text: &str| Err(Refusal::new(400, code, text));
    if entries.is_empty() {
        return refuse("EmptyBatchRequest", "The batch request doesn't contain any entries.");
    }
    if entries.len() > MAX_ENTRIES {
        return refuse(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible (10).",
        );
    }
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = entry.get("Id").map_or("", String::as_str);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=80).contains(&id.len()) || !id.chars().all(fits) {
            return refuse(
                "InvalidBatchEntryId",
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            );
        }
        if !ids.insert(id) {
            return refuse(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            );
        }
    }
    let bytes: usize = entries
        .iter()
        .map(|e| e.get("Message").map_or(0, String::len) + attributes(e).map_or(0, |a| message::size("", &a)))
        .sum();
    if bytes > MAX_BYTES {
        return refuse(
            "BatchRequestTooLong",
            "The length of all the batch messages put together is more than the limit.",
        );
    }
    Ok(())
}
