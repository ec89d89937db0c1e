//! The consumer that one would write first: receive ten, write ten items, wait for all ten, delete ten.

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use drs_fleet_aws::{connect, process};
use futures::future::{join_all, try_join_all};
use serde_json::Value;

/// Receivers side by side; as many as our loop has at most.
const RECEIVERS: usize = 12;

#[derive(Clone)]
struct Baseline {
    queue: aws_sdk_sqs::Client,
    queue_url: String,
    table: aws_sdk_dynamodb::Client,
    table_name: String,
}

/// Consumes until killed, with the settings of a worker.
pub fn run() -> anyhow::Result<()> {
    process::in_runtime(async {
        let config = connect::from_env().await;
        let baseline = Baseline {
            queue: aws_sdk_sqs::Client::new(&config),
            queue_url: std::env::var("DRS_FLEET_QUEUE_URL")?,
            table: aws_sdk_dynamodb::Client::new(&config),
            table_name: std::env::var("DRS_FLEET_TABLE")?,
        };
        let receivers = (0..RECEIVERS).map(|_| tokio::spawn(baseline.clone().consume()));
        for ended in join_all(receivers).await {
            ended??;
        }
        Ok(())
    })?;
    Ok(())
}

impl Baseline {
    async fn consume(self) -> anyhow::Result<()> {
        loop {
            let answer = self
                .queue
                .receive_message()
                .queue_url(&self.queue_url)
                .max_number_of_messages(10)
                .wait_time_seconds(8)
                .send()
                .await?;
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                continue;
            }
            try_join_all(messages.iter().map(|message| self.write(message))).await?;
            self.delete(&messages).await?;
        }
    }

    async fn write(&self, message: &Message) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(message.body().unwrap_or_default())?;
        let text = |pointer: &str| {
            let text = event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            text.with_context(|| format!("the event has no {pointer}"))
        };
        let place = format!("place#{}#{}", text("/account")?, text("/region")?);
        let request = self
            .table
            .update_item()
            .table_name(&self.table_name)
            .key("pk", AttributeValue::S(place))
            .key("sk", AttributeValue::S(text("/resources/0")?))
            .update_expression("SET #state = :state, #at = :at")
            .condition_expression("attribute_not_exists(#at) OR #at < :at")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":state", AttributeValue::S(text("/detail/state")?))
            .expression_attribute_values(":at", AttributeValue::S(text("/time")?));
        // What the SDK gives up, the queue would bring back; here it is tried again at once.
        while request.clone().send().await.is_err() {}
        Ok(())
    }

    async fn delete(&self, messages: &[Message]) -> anyhow::Result<()> {
        let entry = |(n, message): (usize, &Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
        };
        let entries: Vec<_> = messages.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        self.queue
            .delete_message_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries))
            .send()
            .await?;
        Ok(())
    }
}
