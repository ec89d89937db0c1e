//! Queues.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName as System,
    QueueAttributeName as Name, SendMessageBatchRequestEntry,
};
use serde_json::json;

use super::target::Target;
use super::{against_both, code};
use crate::support::wait::until;

against_both!(
    a_message_is_received_hidden_released_counted_and_deleted,
    attributes_of_messages_travel_with_them,
    a_message_received_too_often_is_moved_to_the_dead_letter_queue,
    a_batch_answers_for_each_entry,
    a_delayed_message_comes_later_and_a_long_poll_waits_for_it,
    what_is_asked_wrongly_is_refused_with_the_codes_of_aws,
);

async fn queue(client: &Client, name: &str) -> String {
    let made = client.create_queue().queue_name(name).attributes(Name::VisibilityTimeout, "60");
    made.send().await.unwrap().queue_url.unwrap()
}

async fn receive(client: &Client, url: &str, wait: i32) -> Vec<Message> {
    let receive = client.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(wait);
    let receive = receive.message_system_attribute_names(System::All).message_attribute_names("All");
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn count(message: &Message) -> &str {
    &message.attributes.as_ref().unwrap()[&System::ApproximateReceiveCount]
}

async fn a_message_is_received_hidden_released_counted_and_deleted(target: &Target) {
    let client = Client::new(&target.config());
    let url = queue(&client, "hidden").await;
    client.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    let first = receive(&client, &url, 5).await.remove(0);
    assert_eq!((first.body.as_deref(), count(&first)), (Some("hello"), "1"));
    assert!(first.attributes.as_ref().unwrap().contains_key(&System::SentTimestamp));
    assert!(receive(&client, &url, 0).await.is_empty(), "hidden while in flight");

    let receipt = first.receipt_handle.unwrap();
    let release = client.change_message_visibility().queue_url(&url).visibility_timeout(0);
    release.receipt_handle(&receipt).send().await.unwrap();
    let again = receive(&client, &url, 5).await.remove(0);
    assert_eq!((again.message_id.as_ref(), count(&again)), (first.message_id.as_ref(), "2"));

    let delete = client.delete_message().queue_url(&url).receipt_handle(again.receipt_handle.unwrap());
    delete.clone().send().await.unwrap();
    let twice = delete.send().await;
    // AWS answers a second delete as the first; ministack refuses it.
    assert!(!target.is_local() || twice.is_ok(), "deleting twice is no error: {twice:?}");
    let attributes = client.get_queue_attributes().queue_url(&url).attribute_names(Name::All).send().await;
    let attributes = attributes.unwrap().attributes.unwrap();
    assert_eq!(attributes[&Name::ApproximateNumberOfMessages], "0");
    assert_eq!(attributes[&Name::ApproximateNumberOfMessagesNotVisible], "0");
    assert_eq!(attributes[&Name::VisibilityTimeout], "60");
    assert!(attributes[&Name::QueueArn].ends_with(":111122223333:hidden"), "{attributes:?}");
}

async fn attributes_of_messages_travel_with_them(target: &Target) {
    let client = Client::new(&target.config());
    let url = queue(&client, "attributes").await;
    let value =
        MessageAttributeValue::builder().data_type("String").string_value("NOT_JSON").build().unwrap();
    let sent = client.send_message().queue_url(&url).message_body("x").message_attributes("reason", value);
    let sent = sent.send().await.expect("the SDK has checked the digests of body and attributes");
    let got = receive(&client, &url, 5).await.remove(0);
    assert_eq!(got.md5_of_body, sent.md5_of_message_body);
    assert_eq!(got.message_attributes.unwrap()["reason"].string_value.as_deref(), Some("NOT_JSON"));
}

async fn a_message_received_too_often_is_moved_to_the_dead_letter_queue(target: &Target) {
    let client = Client::new(&target.config());
    let dead = queue(&client, "dead").await;
    let attributes =
        client.get_queue_attributes().queue_url(&dead).attribute_names(Name::QueueArn).send().await;
    let arn = attributes.unwrap().attributes.unwrap()[&Name::QueueArn].clone();
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let url = client.create_queue().queue_name("tried").attributes(Name::RedrivePolicy, policy);
    let url = url.attributes(Name::VisibilityTimeout, "0").send().await.unwrap().queue_url.unwrap();
    let sent = client.send_message().queue_url(&url).message_body("poison").send().await.unwrap();
    for expected in ["1", "2"] {
        let message = until("the message", async || receive(&client, &url, 1).await.pop()).await;
        assert_eq!(count(&message), expected);
    }
    assert!(receive(&client, &url, 0).await.is_empty(), "the third receive moves it");
    let moved = until("the dead letter", async || receive(&client, &dead, 1).await.pop()).await;
    assert_eq!((moved.message_id, moved.body), (sent.message_id, Some("poison".to_owned())));
}

async fn a_batch_answers_for_each_entry(target: &Target) {
    let client = Client::new(&target.config());
    let url = queue(&client, "batches").await;
    let entry = |id: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(format!("body {id}")).build().unwrap()
    };
    let sent = client.send_message_batch().queue_url(&url).entries(entry("a")).entries(entry("b"));
    let sent = sent.send().await.unwrap();
    assert_eq!((sent.successful.len(), sent.failed.len()), (2, 0));

    let got =
        until("both", async || Some(receive(&client, &url, 1).await).filter(|got| got.len() == 2)).await;
    let delete = |id: &str, receipt: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(receipt).build().unwrap()
    };
    let good = got[0].receipt_handle.as_deref().unwrap();
    let done = client.delete_message_batch().queue_url(&url).entries(delete("good", good));
    let done = done.entries(delete("bad", "no receipt at all")).send().await.unwrap();
    let ids: Vec<_> = done.successful.iter().map(|entry| entry.id.as_str()).collect();
    assert!(ids.contains(&"good"));
    assert_eq!((ids.len(), done.failed[0].code.as_str()), (1, "ReceiptHandleIsInvalid"));
    assert!(done.failed[0].sender_fault);

    let twice =
        client.send_message_batch().queue_url(&url).entries(entry("a")).entries(entry("a")).send().await;
    assert!(code(twice).ends_with("BatchEntryIdsNotDistinct"));
    let many = (0..11).map(|n| entry(&n.to_string())).collect();
    let many = client.send_message_batch().queue_url(&url).set_entries(Some(many)).send().await;
    assert!(code(many).ends_with("TooManyEntriesInBatchRequest"));
}

async fn a_delayed_message_comes_later_and_a_long_poll_waits_for_it(target: &Target) {
    let client = Client::new(&target.config());
    let url = queue(&client, "delayed").await;
    client.send_message().queue_url(&url).message_body("late").delay_seconds(2).send().await.unwrap();
    assert!(receive(&client, &url, 0).await.is_empty());
    let late = until("the delayed message", async || receive(&client, &url, 10).await.pop()).await;
    assert_eq!(late.body.as_deref(), Some("late"));
}

async fn what_is_asked_wrongly_is_refused_with_the_codes_of_aws(target: &Target) {
    let client = Client::new(&target.config());
    let url = queue(&client, "refusals").await;
    let missing = client.get_queue_url().queue_name("no-such-queue").send().await;
    assert!(missing.unwrap_err().into_service_error().is_queue_does_not_exist());
    let receipt = client.change_message_visibility().queue_url(&url).receipt_handle("nonsense");
    let receipt = code(receipt.visibility_timeout(1).send().await);
    assert!(
        receipt.contains("ReceiptHandleIsInvalid") || receipt.contains("MessageNotInflight"),
        "{receipt}"
    );
    let eleven = client.receive_message().queue_url(&url).max_number_of_messages(11).send().await;
    assert_ne!(code(eleven), "");
    let big = client.send_message().queue_url(&url).message_body("x".repeat(1_048_577)).send().await;
    assert_eq!(code(big), "InvalidParameterValue");
    let near = client.send_message().queue_url(&url).message_body("x".repeat(1_048_576)).send().await;
    near.expect("a message of 1 MiB");
}
