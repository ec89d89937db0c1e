//! Who gets the messages of a topic.

use std::collections::BTreeMap;

use super::filter::Filter;
use super::form::{Form, invalid, map, required};
use super::mailbox::Mail;
use super::topics::{attribute_map, page};
use super::{Sns, topics::Topic};
use crate::World;
use crate::call::{Call, Refusal};
use crate::world::lock;
use crate::xml::tag;

const PENDING: &str = "PendingConfirmation";

/// How a message reaches a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A mail, once the address has confirmed.
    Email,
    /// A message on a queue.
    Sqs,
}

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub arn: String,
    pub protocol: Protocol,
    pub endpoint: String,
    pub owner: String,
    pub confirmed: bool,
    pub token: String,
    pub raw: bool,
    pub filter: Filter,
    pub filter_text: String,
}

impl Protocol {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "email" => Ok(Self::Email),
            "sqs" => Ok(Self::Sqs),
            other => Err(invalid(&format!("the local cloud does not support this protocol: {other}"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sqs => "sqs",
        }
    }
}

impl Subscription {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match (name, value) {
            ("FilterPolicy", text) => {
                self.filter = Filter::parse(text).map_err(|e| invalid(&format!("FilterPolicy: {e}")))?;
                text.clone_into(&mut self.filter_text);
            }
            ("RawMessageDelivery", "true" | "false") if self.protocol == Protocol::Sqs => {
                self.raw = value == "true";
            }
            ("FilterPolicyScope", "MessageAttributes") => {}
            _ => return Err(invalid(&format!("AttributeName Reason: {name} = {value} is not known here"))),
        }
        Ok(())
    }

    /// What lists show: a subscriber who has not confirmed has no ARN yet.
    fn shown_arn(&self) -> &str {
        if self.confirmed { &self.arn } else { PENDING }
    }
}

impl Sns {
    /// Subscribes `endpoint` (an address or a queue ARN) and returns the subscription's ARN. An address gets a
    /// mail that asks it to confirm, and nothing else before it has; see [`Sns::confirm_email`].
    ///
    /// # Errors
    /// `NotFound`, `InvalidParameter`.
    pub fn subscribe(
        &self,
        world: &World,
        account: &str,
        topic_arn: &str,
        (protocol, endpoint): (&str, &str),
        attributes: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let protocol = Protocol::parse(protocol)?;
        check_endpoint(protocol, endpoint, account)?;
        let mut wanted = Subscription {
            arn: format!("{topic_arn}:{}", uuid::Uuid::new_v4()),
            protocol,
            endpoint: endpoint.to_owned(),
            owner: account.to_owned(),
            confirmed: protocol == Protocol::Sqs,
            token: uuid::Uuid::new_v4().simple().to_string(),
            raw: false,
            filter: Filter::default(),
            filter_text: String::new(),
        };
        attributes.iter().try_for_each(|(name, value)| wanted.set(name, value))?;
        let mut topics = lock(&self.topics);
        let topic = topics.get(topic_arn)?;
        let same = |s: &&Subscription| s.protocol == protocol && s.endpoint == endpoint;
        if let Some(existing) = topic.subscriptions.iter().find(same) {
            return Ok(existing.arn.clone());
        }
        if !wanted.confirmed {
            self.mailbox.put(confirmation(&wanted, topic_arn, world.clock.now()));
        }
        let arn = wanted.arn.clone();
        topic.subscriptions.push(wanted);
        Ok(arn)
    }

    /// Confirms an e-mail subscription, as the person does by following the link. Whether there was one.
    pub fn confirm_email(&self, topic_arn: &str, address: &str) -> bool {
        let is_it = |s: &Subscription| s.protocol == Protocol::Email && s.endpoint == address;
        self.confirm(topic_arn, is_it).is_some()
    }

    /// Ends a subscription; one that does not exist is no error.
    pub(super) fn unsubscribe(&self, subscription_arn: &str) -> String {
        if let Some(topic) = topic_of(&mut lock(&self.topics).0, subscription_arn) {
            topic.subscriptions.retain(|s| s.arn != subscription_arn);
        }
        String::new()
    }

    fn confirm(&self, topic_arn: &str, is_it: impl Fn(&Subscription) -> bool) -> Option<String> {
        let mut topics = lock(&self.topics);
        let found = topics.0.get_mut(topic_arn)?.subscriptions.iter_mut().find(|s| is_it(s))?;
        found.confirmed = true;
        Some(found.arn.clone())
    }

    pub(super) fn subscribe_call(
        &self,
        world: &World,
        call: &Call,
        topic_arn: &str,
        form: &Form,
    ) -> Result<String, Refusal> {
        let endpoint = (required(form, "Protocol")?, required(form, "Endpoint")?);
        let arn =
            self.subscribe(world, &call.account, topic_arn, endpoint, &map(form, "Attributes.entry"))?;
        let confirmed =
            lock(&self.topics).get(topic_arn)?.subscriptions.iter().any(|s| s.arn == arn && s.confirmed);
        let wants_arn = form.get("ReturnSubscriptionArn").is_some_and(|v| v == "true");
        Ok(tag("SubscriptionArn", if confirmed || wants_arn { &arn } else { "pending confirmation" }))
    }

    pub(super) fn confirm_call(&self, topic_arn: &str, form: &Form) -> Result<String, Refusal> {
        let token = required(form, "Token")?;
        let arn = self.confirm(topic_arn, |s| s.token == token);
        arn.map(|arn| tag("SubscriptionArn", &arn)).ok_or_else(|| invalid("Token"))
    }

    pub(super) fn list_subscriptions(&self, topic_arn: &str, form: &Form) -> Result<String, Refusal> {
        let mut topics = lock(&self.topics);
        let shown = |s: &Subscription| {
            tag("TopicArn", topic_arn)
                + &tag("Protocol", s.protocol.name())
                + &tag("SubscriptionArn", s.shown_arn())
                + &tag("Owner", &s.owner)
                + &tag("Endpoint", &s.endpoint)
        };
        page("Subscriptions", topics.get(topic_arn)?.subscriptions.iter().map(shown), form)
    }

    pub(super) fn set_subscription_attribute(&self, form: &Form) -> Result<String, Refusal> {
        let value = form.get("AttributeValue").map_or("", String::as_str);
        let name = required(form, "AttributeName")?;
        self.with_subscription(form, |subscription| subscription.set(name, value)).map(|()| String::new())
    }

    pub(super) fn subscription_attributes(&self, form: &Form) -> Result<String, Refusal> {
        self.with_subscription(form, |s| {
            let mut all = BTreeMap::from([
                ("SubscriptionArn", s.arn.clone()),
                ("Protocol", s.protocol.name().to_owned()),
                ("Endpoint", s.endpoint.clone()),
                ("Owner", s.owner.clone()),
                ("PendingConfirmation", (!s.confirmed).to_string()),
                ("RawMessageDelivery", s.raw.to_string()),
            ]);
            if !s.filter_text.is_empty() {
                all.insert("FilterPolicy", s.filter_text.clone());
            }
            Ok(attribute_map(&all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
        })
    }

    fn with_subscription<T>(
        &self,
        form: &Form,
        action: impl FnOnce(&mut Subscription) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let arn = required(form, "SubscriptionArn")?;
        let mut topics = lock(&self.topics);
        let found =
            topic_of(&mut topics.0, arn).and_then(|t| t.subscriptions.iter_mut().find(|s| s.arn == arn));
        action(found.ok_or_else(|| Refusal::new(404, "NotFound", "Subscription does not exist"))?)
    }
}

fn topic_of<'a>(topics: &'a mut BTreeMap<String, Topic>, subscription_arn: &str) -> Option<&'a mut Topic> {
    topics.get_mut(subscription_arn.rsplit_once(':')?.0)
}

/// A queue of another account would have to confirm itself, which nothing here does.
fn check_endpoint(protocol: Protocol, endpoint: &str, account: &str) -> Result<(), Refusal> {
    let fits = match protocol {
        Protocol::Email => {
            let has_parts = endpoint.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
            has_parts && endpoint.len() <= 254 && endpoint.chars().all(|c| c.is_ascii_graphic())
        }
        Protocol::Sqs => {
            let parts: Vec<_> = endpoint.split(':').collect();
            endpoint.starts_with("arn:aws:sqs:") && parts.len() == 6 && parts[4] == account
        }
    };
    if fits { Ok(()) } else { Err(invalid(&format!("Endpoint Reason: {endpoint} does not fit"))) }
}

fn confirmation(subscription: &Subscription, topic_arn: &str, at: jiff::Timestamp) -> Mail {
    let body = format!(
        "Somebody wants this address to receive the messages of the topic\n{topic_arn}\n\n\
         If that is right, confirm with this token:\n{}\n\n--\nIf it is not, there is nothing to do.\n",
        subscription.token
    );
    Mail::new(&subscription.endpoint, "AWS Notification - Subscription Confirmation", body, at)
}
