//! Topics, their subscribers (`email` and `sqs`), and the mailbox in which e-mails land.
//!
//! FIFO topics, filter policies on message bodies and other protocols are refused. Signatures of
//! notifications to queues are a placeholder: there is no certificate that could verify them.

mod filter;
mod form;
mod mailbox;
mod publish;
mod subscriptions;
mod topics;

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::World;
use crate::call::{Call, Principal, Refusal, Reply};
use form::{Form, invalid, required};
pub use mailbox::Mail;
use mailbox::Mailbox;
use topics::{Topics, check_topic_arn};

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// Topics and mailbox.
#[derive(Debug, Default)]
pub struct Sns {
    topics: Mutex<Topics>,
    mailbox: Mailbox,
}

impl Sns {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let form = call.form();
        self.authorize(world, call, &form)?;
        self.answer(world, call, &form)
    }

    /// The mails that e-mail subscribers got so far (the newest 10,000), oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mailbox.mails()
    }

    /// How many mails were sent in all, confirmations included.
    pub fn mails_sent(&self) -> u64 {
        self.mailbox.sent()
    }

    /// From now on also writes each mail as an `.eml` file into `directory`; the names sort by time.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn keep_mail_in(&self, directory: &Path) -> std::io::Result<()> {
        self.mailbox.keep_in(directory)
    }

    /// Asks identity and topic policies about the topic that a call names.
    fn authorize(&self, world: &World, call: &Call, form: &Form) -> Result<(), Refusal> {
        let action = match call.operation.as_str() {
            "PublishBatch" => "sns:Publish".to_owned(),
            other => format!("sns:{other}"),
        };
        let arn = Self::subject(call, form)?;
        let owner = arn.split(':').nth(4).unwrap_or_default();
        let policy = self.policy(&arn);
        let resource = (owner, arn.as_str());
        world
            .iam
            .authorize(&world.clock, &call.principal, &action, resource, policy.as_ref(), &[])
            .map_err(|refusal| Refusal { code: "AuthorizationError".to_owned(), ..refusal })
    }

    /// The ARN of the topic, which for a subscription is the start of its own ARN.
    fn subject(call: &Call, form: &Form) -> Result<String, Refusal> {
        let here = |name: &str| format!("arn:aws:sns:{}:{}:{name}", call.region, call.account);
        let arn = match call.operation.as_str() {
            "ListTopics" => return Ok(here("*")),
            "CreateTopic" => return required(form, "Name").map(here),
            "Unsubscribe" | "SetSubscriptionAttributes" | "GetSubscriptionAttributes" => {
                let arn = required(form, "SubscriptionArn")?;
                arn.rsplit_once(':').map_or(arn, |(topic, _)| topic)
            }
            "Publish" if form.contains_key("PhoneNumber") => {
                return Err(invalid("PhoneNumber: the local cloud sends no text messages"));
            }
            "Publish" => required(form, "TopicArn").or_else(|_| required(form, "TargetArn"))?,
            _ => required(form, "TopicArn")?,
        };
        check_topic_arn(arn)?;
        Ok(arn.to_owned())
    }

    /// What an authorized call does.
    fn answer(&self, world: &World, call: &Call, form: &Form) -> Result<Reply, Refusal> {
        let subject = Self::subject(call, form)?;
        let inner = match call.operation.as_str() {
            "CreateTopic" => self.create_topic_call(call, form)?,
            "DeleteTopic" => self.delete_topic(&subject),
            "ListTopics" => self.list_topics(call, form)?,
            "GetTopicAttributes" => self.topic_attributes(&subject)?,
            "SetTopicAttributes" => self.set_topic_attribute_call(&subject, form)?,
            "Subscribe" => self.subscribe_call(world, call, &subject, form)?,
            "ConfirmSubscription" => self.confirm_call(&subject, form)?,
            "Unsubscribe" => self.unsubscribe(required(form, "SubscriptionArn")?),
            "ListSubscriptionsByTopic" => self.list_subscriptions(&subject, form)?,
            "SetSubscriptionAttributes" => self.set_subscription_attribute(form)?,
            "GetSubscriptionAttributes" => self.subscription_attributes(form)?,
            "Publish" => self.publish_call(world, &subject, form)?,
            "PublishBatch" => self.publish_batch(world, &subject, form)?,
            other => return Err(Refusal::unknown("sns", other)),
        };
        Ok(Reply::xml(&call.operation, NAMESPACE, &inner))
    }
}

/// The service as it delivers for a topic.
fn service(topic_arn: &str) -> Principal {
    Principal::Service {
        name: "sns.amazonaws.com".to_owned(),
        source_arn: topic_arn.to_owned(),
        source_account: topic_arn.split(':').nth(4).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
