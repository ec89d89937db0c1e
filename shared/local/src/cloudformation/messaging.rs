//! Queues and topics.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::StackError;
use super::intrinsics::Made;
use super::properties::{Properties, plain};
use super::resources::{Builder, made, member};

const QUEUE_ATTRIBUTES: [&str; 4] =
    ["VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled", "RedrivePolicy"];

impl Builder<'_> {
    pub(super) async fn queue(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("QueueName")?;
        let attributes = properties.pick(&QUEUE_ATTRIBUTES);
        properties.finish()?;
        let attributes: Map<String, Value> =
            attributes.into_iter().map(|(name, value)| (name, plain(value).into())).collect();
        let request = json!({ "QueueName": name, "Attributes": attributes });
        let url = member(&self.call(&id, ("sqs", "CreateQueue"), request).await?, "QueueUrl");
        let arn = format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account);
        Ok(made(url.clone(), [("Arn", arn), ("QueueName", name), ("QueueUrl", url)]))
    }

    pub(super) async fn queue_policy(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let queues = properties.list("Queues")?;
        let policy = plain(properties.need("PolicyDocument")?);
        properties.finish()?;
        for url in queues {
            let request = json!({ "QueueUrl": url, "Attributes": { "Policy": policy } });
            self.call(&id, ("sqs", "SetQueueAttributes"), request).await?;
        }
        Ok(made(id, []))
    }

    pub(super) async fn topic(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("TopicName")?;
        let mut request = BTreeMap::from([("Name".to_owned(), name.clone())]);
        if let Some(display) = properties.optional_text("DisplayName")? {
            request.insert("Attributes.entry.1.key".to_owned(), "DisplayName".to_owned());
            request.insert("Attributes.entry.1.value".to_owned(), display);
        }
        properties.finish()?;
        self.query(&id, ("sns", "CreateTopic"), &request).await?;
        let arn = format!("arn:aws:sns:{}:{}:{name}", self.region, self.account);
        Ok(made(arn.clone(), [("TopicArn", arn), ("TopicName", name)]))
    }

    pub(super) async fn subscription(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let mut request = BTreeMap::new();
        for name in ["TopicArn", "Protocol", "Endpoint"] {
            request.insert(name.to_owned(), properties.text(name)?);
        }
        properties.finish()?;
        let answer = self.query(&id, ("sns", "Subscribe"), &request).await?;
        let tail = answer.split_once("<SubscriptionArn>").map_or("", |(_, tail)| tail);
        Ok(made(tail.split('<').next().unwrap_or_default(), []))
    }
}
