use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::io::Io;
use crate::sdk::wire;

#[test]
fn parts_of_a_second_are_rounded_up_and_nothing_stays_nothing() {
    assert_eq!(whole_seconds(Duration::ZERO), 0);
    assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
    assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
    assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
}

fn received(n: u32) -> Message {
    Message {
        id: format!("m{n}"),
        receipt: format!("r{n}"),
        body: "b\u{1}".into(),
        receive_count: 1,
        sent_at: Timestamp::default(),
    }
}

#[tokio::test]
async fn a_received_message_brings_its_count_and_when_it_was_sent() {
    let answer = json!({ "Messages": [ { "MessageId": "m", "ReceiptHandle": "r", "Body": "b", "Attributes":
        { "ApproximateReceiveCount": "3", "SentTimestamp": "1500" } } ] });
    let (io, wire) = wire::io(move |_| (200, answer.to_string()));
    assert_eq!(io.last_receive(), None);
    let messages = io.receive(10, Duration::from_secs(20)).await.unwrap();
    assert_eq!((messages[0].receive_count, messages[0].sent_at.as_millisecond()), (3, 1500));
    assert!(io.last_receive().is_some());
    let call = wire.calls("ReceiveMessage")[0].json();
    assert_eq!(
        (call["MaxNumberOfMessages"].as_i64(), call["WaitTimeSeconds"].as_i64()),
        (Some(10), Some(20))
    );
}

#[tokio::test]
async fn one_delete_that_fails_leaves_its_neighbours_deleted() {
    let answer = json!({ "Successful": [ { "Id": "0" }, { "Id": "2" } ], "Failed": [
        { "Id": "1", "SenderFault": true, "Code": "ReceiptHandleIsInvalid", "Message": "no" } ] });
    let (io, _) = wire::io(move |_| (200, answer.to_string()));
    let all: Vec<_> = (0..4).map(received).collect();
    let answers = io.delete(&all).await.unwrap();
    let verdicts: Vec<_> = answers.iter().map(|a| a.as_ref().err().map(|e| e.verdict)).collect();
    assert_eq!(verdicts, [None, Some(Verdict::Permanent), None, Some(Verdict::Transient)]);
}

#[tokio::test]
async fn a_message_that_was_not_enqueued_is_an_error() {
    let answer = json!({ "Successful": [], "Failed": [
        { "Id": "0", "SenderFault": false, "Code": "InternalError" } ] });
    let (io, _) = wire::io(move |_| (200, answer.to_string()));
    assert_eq!(io.enqueue(&["b".into()]).await.unwrap_err().verdict, Verdict::Transient);
    assert!(io.enqueue(&[]).await.is_ok(), "SQS refuses an empty batch");
}

#[tokio::test]
async fn a_body_that_sqs_refuses_is_dead_lettered_in_base64() {
    let (io, wire) = wire::io(|call| match call.json()["MessageBody"].as_str() {
        Some("b\u{1}") => (
            400,
            json!({ "__type": "com.amazonaws.sqs#InvalidMessageContents", "message": "no" }).to_string(),
        ),
        _ => (200, json!({ "MessageId": "m", "MD5OfMessageBody": "x" }).to_string()),
    });
    io.dead_letter(&received(1), &BTreeMap::from([("reason".to_owned(), "NOT_JSON".to_owned())]))
        .await
        .unwrap();
    let sent = wire.calls("SendMessage")[1].json();
    assert_eq!(sent["MessageBody"], "YgE=");
    assert_eq!(sent["MessageAttributes"]["bodyEncoding"]["StringValue"], "base64");
    assert_eq!(sent["MessageAttributes"]["reason"]["StringValue"], "NOT_JSON");
    assert!(sent["QueueUrl"].as_str().unwrap().ends_with("jobs-dlq"));
}
