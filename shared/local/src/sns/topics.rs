//! Topics and their attributes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Sns;
use super::form::{Form, invalid, map, required};
use super::subscriptions::Subscription;
use crate::call::{Call, Refusal};
use crate::world::lock;
use crate::xml::{element, tag};

/// Entries of a list in one answer.
const PAGE: usize = 100;

/// The topics by ARN.
#[derive(Debug, Default)]
pub struct Topics(pub BTreeMap<String, Topic>);

/// One topic.
#[derive(Debug, Default)]
pub struct Topic {
    pub attributes: BTreeMap<String, String>,
    pub subscriptions: Vec<Subscription>,
}

impl Topics {
    pub fn get(&mut self, arn: &str) -> Result<&mut Topic, Refusal> {
        self.0.get_mut(arn).ok_or_else(|| Refusal::new(404, "NotFound", "Topic does not exist"))
    }
}

impl Sns {
    /// Creates a topic, or finds it, and returns its ARN.
    ///
    /// # Errors
    /// `InvalidParameter`, also when it exists with other attributes.
    pub fn create_topic(
        &self,
        (account, region, name): (&str, &str, &str),
        attributes: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=256).contains(&name.len()) || !name.chars().all(fits) {
            return Err(invalid("Topic Name"));
        }
        attributes.iter().try_for_each(|(name, value)| check_attribute(name, value))?;
        let arn = format!("arn:aws:sns:{region}:{account}:{name}");
        let mut topics = lock(&self.topics);
        match topics.0.get(&arn) {
            Some(topic)
                if attributes.iter().any(|(name, value)| topic.attributes.get(name) != Some(value)) =>
            {
                return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
            }
            Some(_) => {}
            None => {
                let topic = Topic { attributes: attributes.clone(), ..Topic::default() };
                topics.0.insert(arn.clone(), topic);
            }
        }
        Ok(arn)
    }

    /// Deletes a topic with its subscriptions; one that does not exist is no error.
    pub(super) fn delete_topic(&self, topic_arn: &str) -> String {
        lock(&self.topics).0.remove(topic_arn);
        String::new()
    }

    /// Sets one attribute, such as `Policy`.
    ///
    /// # Errors
    /// `NotFound`, `InvalidParameter`.
    pub fn set_topic_attribute(&self, topic_arn: &str, name: &str, value: &str) -> Result<(), Refusal> {
        check_attribute(name, value)?;
        lock(&self.topics).get(topic_arn)?.attributes.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    pub(super) fn policy(&self, topic_arn: &str) -> Option<Value> {
        let topics = lock(&self.topics);
        serde_json::from_str(topics.0.get(topic_arn)?.attributes.get("Policy")?).ok()
    }

    pub(super) fn create_topic_call(&self, call: &Call, form: &Form) -> Result<String, Refusal> {
        let place = (call.account.as_str(), call.region.as_str(), required(form, "Name")?);
        self.create_topic(place, &map(form, "Attributes.entry")).map(|arn| tag("TopicArn", &arn))
    }

    pub(super) fn set_topic_attribute_call(&self, topic_arn: &str, form: &Form) -> Result<String, Refusal> {
        let value = form.get("AttributeValue").map_or("", String::as_str);
        self.set_topic_attribute(topic_arn, required(form, "AttributeName")?, value)?;
        Ok(String::new())
    }

    pub(super) fn list_topics(&self, call: &Call, form: &Form) -> Result<String, Refusal> {
        let start = format!("arn:aws:sns:{}:{}:", call.region, call.account);
        let topics = lock(&self.topics);
        let own = topics.0.keys().filter(|arn| arn.starts_with(&start));
        page("Topics", own.map(|arn| tag("TopicArn", arn)), form)
    }

    pub(super) fn topic_attributes(&self, topic_arn: &str) -> Result<String, Refusal> {
        let mut topics = lock(&self.topics);
        let topic = topics.get(topic_arn)?;
        let confirmed = topic.subscriptions.iter().filter(|s| s.confirmed).count();
        let pending = topic.subscriptions.len() - confirmed;
        let mut all = topic.attributes.clone();
        all.insert("TopicArn".to_owned(), topic_arn.to_owned());
        all.insert("Owner".to_owned(), topic_arn.split(':').nth(4).unwrap_or_default().to_owned());
        all.insert("SubscriptionsConfirmed".to_owned(), confirmed.to_string());
        all.insert("SubscriptionsPending".to_owned(), pending.to_string());
        all.insert("SubscriptionsDeleted".to_owned(), "0".to_owned());
        Ok(attribute_map(&all))
    }
}

/// `<Attributes>` with an entry for each.
pub fn attribute_map(all: &BTreeMap<String, String>) -> String {
    let entry =
        |(name, value): (&String, &String)| element("entry", &(tag("key", name) + &tag("value", value)));
    let entries = all.iter().fold(String::new(), |text, pair| text + &entry(pair));
    element("Attributes", &entries)
}

/// One page of a list; the token is the number of entries before it.
pub fn page(list: &str, members: impl Iterator<Item = String>, form: &Form) -> Result<String, Refusal> {
    let skipped = match form.get("NextToken") {
        Some(token) => token.parse().map_err(|_| invalid("NextToken"))?,
        None => 0_usize,
    };
    let mut members = members.skip(skipped);
    let shown = members.by_ref().take(PAGE).fold(String::new(), |text, m| text + &element("member", &m));
    let more = members.next().map(|_| tag("NextToken", &(skipped + PAGE).to_string()));
    Ok(element(list, &shown) + &more.unwrap_or_default())
}

/// An ARN of a topic.
///
/// # Errors
/// `InvalidParameter`.
pub fn check_topic_arn(arn: &str) -> Result<(), Refusal> {
    let is_topic = arn.starts_with("arn:aws:sns:") && arn.split(':').count() == 6;
    if is_topic { Ok(()) } else { Err(invalid("TopicArn Reason: An ARN must have at least 6 elements")) }
}

fn check_attribute(name: &str, value: &str) -> Result<(), Refusal> {
    match name {
        "Policy" => match serde_json::from_str(value) {
            Ok(Value::Object(_)) => Ok(()),
            _ => Err(invalid("Policy Reason: the policy is not a JSON object")),
        },
        "DisplayName" if value.len() <= 100 && !value.chars().any(char::is_control) => Ok(()),
        "KmsMasterKeyId" => Ok(()),
        _ => Err(invalid(&format!("AttributeName Reason: {name} is not known or does not fit"))),
    }
}
