//! Topics.

use std::collections::HashMap;

use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sns::{Client, operation::publish::builders::PublishFluentBuilder};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::target::Target;
use super::{against_both, code};
use crate::support::wait::until;

against_both!(
    what_is_published_reaches_a_subscribed_queue_with_its_attributes,
    a_filter_policy_lets_through_what_fits,
    what_is_published_wrongly_is_refused,
);

struct Subscribed {
    client: Client,
    sqs: aws_sdk_sqs::Client,
    topic: String,
    queue: String,
}

impl Subscribed {
    /// A topic and a queue of that name.
    async fn new(target: &Target, name: &str, filter: Option<Value>) -> Self {
        let (client, sqs) = (Client::new(&target.config()), aws_sdk_sqs::Client::new(&target.config()));
        let topic = client.create_topic().name(name).send().await.unwrap().topic_arn.unwrap();
        let arn = topic.replace(":sns:", ":sqs:");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }]});
        let made =
            sqs.create_queue().queue_name(name).attributes(QueueAttributeName::Policy, policy.to_string());
        let queue = made.send().await.unwrap().queue_url.unwrap();
        let filter = filter.map(|filter| HashMap::from([("FilterPolicy".to_owned(), filter.to_string())]));
        let subscribed = client.subscribe().topic_arn(&topic).protocol("sqs").endpoint(&arn);
        let subscribed =
            subscribed.set_attributes(filter).return_subscription_arn(true).send().await.unwrap();
        assert!(subscribed.subscription_arn.unwrap().starts_with(&topic));
        Self { client, sqs, topic, queue }
    }

    fn publish(&self, message: &str, severity: &str) -> PublishFluentBuilder {
        let value =
            MessageAttributeValue::builder().data_type("String").string_value(severity).build().unwrap();
        let publish = self.client.publish().topic_arn(&self.topic).subject("Stalled");
        publish.message(message).message_attributes("severity", value)
    }

    async fn next(&self) -> Value {
        until("a notification on the queue", async || {
            let receive = self.sqs.receive_message().queue_url(&self.queue).wait_time_seconds(1).send().await;
            let body = receive.unwrap().messages?.pop()?.body?;
            serde_json::from_str(&body).ok()
        })
        .await
    }
}

async fn what_is_published_reaches_a_subscribed_queue_with_its_attributes(target: &Target) {
    let topic = Subscribed::new(target, "published", None).await;
    let sent = topic.publish("hello", "HIGH").send().await.unwrap();
    let got = topic.next().await;
    assert_eq!(
        (&got["Type"], &got["Message"], &got["Subject"]),
        (&json!("Notification"), &json!("hello"), &json!("Stalled"))
    );
    assert_eq!(got["MessageId"].as_str(), sent.message_id.as_deref());
    assert_eq!(
        (got["TopicArn"].as_str(), &got["MessageAttributes"]["severity"]["Value"]),
        (Some(&*topic.topic), &json!("HIGH"))
    );
}

async fn a_filter_policy_lets_through_what_fits(target: &Target) {
    let filter = json!({"severity": ["HIGH", {"prefix": "CRIT"}]});
    let topic = Subscribed::new(target, "filtered", Some(filter)).await;
    for (message, severity) in [("one", "LOW"), ("two", "HIGH"), ("three", "MEDIUM"), ("four", "CRITICAL")] {
        topic.publish(message, severity).send().await.unwrap();
    }
    let mut got = [topic.next().await["Message"].clone(), topic.next().await["Message"].clone()];
    got.sort_by_key(Value::to_string);
    assert_eq!(got, [json!("four"), json!("two")]);
}

async fn what_is_published_wrongly_is_refused(target: &Target) {
    let topic = Subscribed::new(target, "refused", None).await;
    let missing = topic.client.publish().topic_arn(format!("{}-gone", topic.topic)).message("x").send().await;
    assert!(code(missing).starts_with("NotFound"));
    let empty = topic.client.publish().topic_arn(&topic.topic).message("").send().await;
    // AWS and the local cloud refuse an empty message and a subject of over 100 characters; ministack sends both.
    assert!(!target.is_local() || code(empty).starts_with("InvalidParameter"));
    let long =
        topic.client.publish().topic_arn(&topic.topic).message("x").subject("s".repeat(101)).send().await;
    assert!(!target.is_local() || code(long).starts_with("InvalidParameter"));
}
