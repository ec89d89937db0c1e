use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::Clock;
use crate::faults::{Fault, FaultRule, Faults};
use crate::testing::{self, HUB as ACCOUNT, REGION, SPOKE, allow, role};

fn world() -> Arc<World> {
    World::new(Clock::real(), Faults::none())
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

fn queue(world: &World, name: &str, attributes: &[(&str, &str)]) -> Result<String, Refusal> {
    let attributes = attributes.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    world.sqs.create(world, (ACCOUNT, REGION, name), &attributes, &BTreeMap::new())
}

/// Performs an operation as one that the policies allow.
async fn ask(world: &Arc<World>, operation: &str, request: Value) -> Result<Value, Refusal> {
    let call = testing::call(&testing::operator(ACCOUNT), "sqs", operation, &request);
    let target = Target::of(&call, &request)?;
    world.sqs.answer(world, &call, &target, request).await
}

async fn receive(world: &Arc<World>, url: &str) -> Vec<Value> {
    let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"] });
    let answer = ask(world, "ReceiveMessage", request).await.unwrap();
    answer["Messages"].as_array().unwrap().clone()
}

async fn send(world: &Arc<World>, url: &str, body: &str) -> Result<Value, Refusal> {
    ask(world, "SendMessage", json!({ "QueueUrl": url, "MessageBody": body })).await
}

fn query_error(refusal: &Refusal) -> &str {
    refusal.headers.iter().find(|(name, _)| name == "x-amzn-query-error").map_or("", |(_, value)| value)
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent_with_the_checksums_that_clients_verify() {
    let world = world();
    let url = queue(&world, "jobs", &[]).unwrap();
    assert_eq!(url, format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs"));
    let attributes = json!({ "reason": { "DataType": "String", "StringValue": "unreadable" } });
    let request = json!({ "QueueUrl": url, "MessageBody": "hello", "MessageAttributes": attributes });
    let sent = ask(&world, "SendMessage", request).await.unwrap();
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let got = receive(&world, &url).await;
    assert_eq!(got[0]["Body"], "hello");
    assert_eq!(got[0]["MessageId"], sent["MessageId"]);
    assert_eq!(got[0]["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(got[0]["MessageAttributes"], attributes);
    assert_eq!(got[0]["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(got[0]["Attributes"]["SenderId"], ACCOUNT);
}

#[tokio::test]
async fn a_bad_entry_of_a_batch_fails_alone() {
    let world = world();
    let url = queue(&world, "jobs", &[]).unwrap();
    let entries = json!([{ "Id": "a", "MessageBody": "fine" }, { "Id": "b", "MessageBody": "bad\u{0}" },
        { "Id": "c", "MessageBody": "late", "DelaySeconds": 901 }]);
    let answer =
        ask(&world, "SendMessageBatch", json!({ "QueueUrl": url, "Entries": entries })).await.unwrap();
    assert_eq!(answer["Successful"][0]["Id"], "a");
    assert_eq!(answer["Failed"][0]["Code"], "InvalidMessageContents");
    assert_eq!(answer["Failed"][1]["Code"], "InvalidParameterValue");

    let handle = receive(&world, &url).await[0]["ReceiptHandle"].clone();
    let entries = json!([{ "Id": "x", "ReceiptHandle": "nonsense" }, { "Id": "y", "ReceiptHandle": handle }]);
    let answer =
        ask(&world, "DeleteMessageBatch", json!({ "QueueUrl": url, "Entries": entries })).await.unwrap();
    assert_eq!(answer["Failed"][0]["Id"], "x");
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(answer["Failed"][0]["SenderFault"], true);
    assert_eq!(answer["Successful"], json!([{ "Id": "y" }]));
    assert_eq!(world.sqs.depth(&world, &arn("jobs")), (0, 0, 0));
}

#[tokio::test]
async fn batches_that_break_the_rules_are_refused_as_a_whole() {
    let world = world();
    let url = queue(&world, "jobs", &[]).unwrap();
    let entry = |id: &str, body: &str| json!({ "Id": id, "MessageBody": body });
    let eleven: Vec<_> = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    let half = "x".repeat(600_000);
    let cases = [
        (vec![], "EmptyBatchRequest"),
        (eleven, "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "x"), entry("a", "y")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "x")], "InvalidBatchEntryId"),
        (vec![entry("a", &half), entry("b", &half)], "BatchRequestTooLong"),
    ];
    for (entries, code) in cases {
        let request = json!({ "QueueUrl": url, "Entries": entries });
        let refusal = ask(&world, "SendMessageBatch", request).await.unwrap_err();
        assert_eq!(refusal.code, code);
        assert_eq!(query_error(&refusal), format!("AWS.SimpleQueueService.{code};Sender"));
    }
}

#[tokio::test]
async fn messages_that_aws_refuses_are_refused() {
    let world = world();
    let url = queue(&world, "jobs", &[("MaximumMessageSize", "1024")]).unwrap();
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let many: serde_json::Map<_, _> = (0..11).map(|n| (format!("a{n}"), text("x"))).collect();
    let cases = [
        (json!({ "MessageBody": "x".repeat(1_025) }), "InvalidParameterValue"),
        (json!({ "MessageBody": "" }), "MissingParameter"),
        (json!({ "MessageBody": "\u{FFFF}" }), "InvalidMessageContents"),
        (json!({ "MessageBody": "x", "MessageAttributes": many }), "InvalidParameterValue"),
        (json!({ "MessageBody": "x", "MessageAttributes": { "AWS.x": text("x") } }), "InvalidParameterValue"),
        (json!({ "MessageBody": "x", "MessageAttributes": { "x": text("") } }), "InvalidParameterValue"),
        (json!({ "MessageBody": "x", "DelaySeconds": -1 }), "InvalidParameterValue"),
        (json!({ "MessageBody": 7 }), "SerializationException"),
    ];
    for (mut request, code) in cases {
        request["QueueUrl"] = json!(url);
        assert_eq!(ask(&world, "SendMessage", request).await.unwrap_err().code, code);
    }
    let refusal = send(&world, "https://sqs/111111111111/none", "x").await.unwrap_err();
    assert_eq!(refusal.code, "QueueDoesNotExist");
    assert_eq!(query_error(&refusal), "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_message_arrives() {
    let world = world();
    let url = queue(&world, "jobs", &[]).unwrap();
    let request = json!({ "QueueUrl": url, "WaitTimeSeconds": 20 });
    let poll = tokio::spawn({
        let world = world.clone();
        async move { ask(&world, "ReceiveMessage", request).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    send(&world, &url, "wake up").await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(10), poll).await.unwrap().unwrap().unwrap();
    assert_eq!(answer["Messages"][0]["Body"], "wake up");
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_message_returns_that_another_receiver_took_meanwhile() {
    let world = world();
    let url = queue(&world, "jobs", &[("VisibilityTimeout", "1")]).unwrap();
    let poll = || {
        let (world, request) = (world.clone(), json!({ "QueueUrl": url, "WaitTimeSeconds": 20 }));
        tokio::spawn(async move { ask(&world, "ReceiveMessage", request).await })
    };
    let (first, second) = (poll(), poll());
    tokio::time::sleep(Duration::from_millis(20)).await;
    send(&world, &url, "twice").await.unwrap();
    for poll in [first, second] {
        let answer = tokio::time::timeout(Duration::from_secs(10), poll).await.unwrap().unwrap().unwrap();
        assert_eq!(answer["Messages"][0]["Body"], "twice");
    }
}

#[tokio::test]
async fn a_message_received_too_often_moves_to_the_dead_letter_queue_with_id_and_sent_time() {
    let world = world();
    let dead = queue(&world, "jobs-dlq", &[]).unwrap();
    let policy = json!({ "deadLetterTargetArn": arn("jobs-dlq"), "maxReceiveCount": 2 }).to_string();
    let url = queue(&world, "jobs", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).unwrap();
    send(&world, &url, "poison").await.unwrap();
    let first = receive(&world, &url).await;
    assert_eq!(receive(&world, &url).await[0]["Attributes"]["ApproximateReceiveCount"], "2");
    assert!(receive(&world, &url).await.is_empty());
    let dead = receive(&world, &dead).await;
    assert_eq!(dead[0]["MessageId"], first[0]["MessageId"]);
    assert_eq!(dead[0]["Attributes"]["SentTimestamp"], first[0]["Attributes"]["SentTimestamp"]);
    assert_eq!(dead[0]["Attributes"]["DeadLetterQueueSourceArn"], arn("jobs"));
}

#[tokio::test]
async fn a_dead_letter_queue_must_exist_in_the_same_account_and_region_and_admit_the_source() {
    let world = world();
    let refused = |target: &str| {
        let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 2 }).to_string();
        queue(&world, "jobs", &[("RedrivePolicy", &policy)]).unwrap_err().message
    };
    assert!(refused(&arn("none")).contains("does not exist"));
    assert!(refused("arn:aws:sqs:eu-west-1:999999999999:x").contains("owner and Region"));
    queue(&world, "closed", &[("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)]).unwrap();
    assert!(refused(&arn("closed")).contains("does not allow"));
}

#[tokio::test]
async fn creating_a_queue_again_is_idempotent_unless_an_attribute_differs() {
    let world = world();
    let url = queue(&world, "jobs", &[("VisibilityTimeout", "60")]).unwrap();
    assert_eq!(queue(&world, "jobs", &[("VisibilityTimeout", "60")]).unwrap(), url);
    assert_eq!(queue(&world, "jobs", &[]).unwrap(), url);
    let refusal = queue(&world, "jobs", &[("VisibilityTimeout", "61")]).unwrap_err();
    assert_eq!(refusal.code, "QueueNameExists");
    assert_eq!(query_error(&refusal), "QueueAlreadyExists;Sender");
    assert_eq!(queue(&world, "x", &[("Colour", "red")]).unwrap_err().code, "InvalidAttributeName");
    assert_eq!(queue(&world, "x", &[("DelaySeconds", "901")]).unwrap_err().code, "InvalidAttributeValue");
    assert_eq!(queue(&world, "x.fifo", &[]).unwrap_err().code, "InvalidParameterValue");
    world.sqs.remove(&arn("jobs")).unwrap();
    assert_eq!(queue(&world, "jobs", &[]).unwrap_err().code, "QueueDeletedRecently");
}

#[tokio::test]
async fn attributes_say_what_is_set_and_how_much_waits() {
    let world = world();
    let url = queue(&world, "jobs", &[("DelaySeconds", "5"), ("KmsMasterKeyId", "alias/x")]).unwrap();
    send(&world, &url, "later").await.unwrap();
    let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
    let all = ask(&world, "GetQueueAttributes", request).await.unwrap()["Attributes"].clone();
    assert_eq!(all["QueueArn"], arn("jobs"));
    assert_eq!(all["ApproximateNumberOfMessages"], "0");
    assert_eq!(all["ApproximateNumberOfMessagesDelayed"], "1");
    assert_eq!(all["MessageRetentionPeriod"], "345600");
    assert_eq!(all["KmsMasterKeyId"], "alias/x");
    let request = json!({ "QueueUrl": url, "AttributeNames": ["Size"] });
    assert_eq!(ask(&world, "GetQueueAttributes", request).await.unwrap_err().code, "InvalidAttributeName");
}

#[tokio::test]
async fn queues_are_listed_by_prefix_in_pages() {
    let world = world();
    for name in ["jobs-a", "jobs-b", "tags"] {
        queue(&world, name, &[]).unwrap();
    }
    let request = json!({ "QueueNamePrefix": "jobs", "MaxResults": 1 });
    let first = ask(&world, "ListQueues", request.clone()).await.unwrap();
    assert!(first["QueueUrls"][0].as_str().unwrap().ends_with("/jobs-a"));
    let mut next = request;
    next["NextToken"] = first["NextToken"].clone();
    let second = ask(&world, "ListQueues", next).await.unwrap();
    assert!(second["QueueUrls"][0].as_str().unwrap().ends_with("/jobs-b"));
    assert_eq!(second.get("NextToken"), None);
}

#[tokio::test]
async fn a_queue_is_purged_at_most_once_a_minute() {
    let world = world();
    let url = queue(&world, "jobs", &[]).unwrap();
    send(&world, &url, "x").await.unwrap();
    ask(&world, "PurgeQueue", json!({ "QueueUrl": url })).await.unwrap();
    assert_eq!(world.sqs.depth(&world, &arn("jobs")), (0, 0, 0));
    let again = ask(&world, "PurgeQueue", json!({ "QueueUrl": url })).await.unwrap_err();
    assert_eq!(again.code, "PurgeQueueInProgress");
}

#[tokio::test]
async fn a_duplicated_message_is_handed_out_once_more_even_after_its_deletion() {
    let rule = FaultRule::of(("sqs", "ReceiveMessage"), 1.0, Fault::Duplicate).in_account(ACCOUNT);
    let world = World::new(Clock::real(), Faults::seeded(1, vec![rule]));
    let url = queue(&world, "jobs", &[]).unwrap();
    send(&world, &url, "once").await.unwrap();
    for _ in 0..2 {
        let got = receive(&world, &url).await;
        let request = json!({ "QueueUrl": url, "ReceiptHandle": got[0]["ReceiptHandle"] });
        ask(&world, "DeleteMessage", request).await.unwrap();
    }
    assert!(receive(&world, &url).await.is_empty());
}

fn trust() -> Value {
    allow(&json!({ "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }))
}

/// Performs a call with everything that the policies have to say.
async fn call(world: &Arc<World>, by: &Principal, operation: &str, request: Value) -> Result<Reply, Refusal> {
    world.sqs.handle(world, &testing::call(by, "sqs", operation, &request)).await
}

#[tokio::test]
async fn a_role_does_what_its_policies_allow_and_nothing_else() {
    let world = world();
    world.iam.add_account(ACCOUNT, None);
    let url = queue(&world, "jobs", &[]).unwrap();
    let receive_only = allow(&json!({ "Action": "sqs:ReceiveMessage", "Resource": arn("jobs") }));
    world.iam.put_role(&format!("arn:aws:iam::{ACCOUNT}:role/reader"), &trust(), &[receive_only]).unwrap();
    let reader = role(ACCOUNT, "reader");
    call(&world, &reader, "ReceiveMessage", json!({ "QueueUrl": url })).await.unwrap();
    for operation in ["SendMessage", "DeleteMessageBatch", "PurgeQueue", "CreateQueue"] {
        let request = json!({ "QueueUrl": url, "QueueName": "jobs" });
        let refusal = call(&world, &reader, operation, request).await.unwrap_err();
        assert_eq!(refusal.code, "AccessDenied", "{operation}");
        assert_eq!(query_error(&refusal), "AccessDenied;Sender");
    }
}

#[tokio::test]
async fn another_account_gets_in_by_the_queue_policy_but_never_to_the_queue_itself() {
    let world = world();
    for account in [ACCOUNT, SPOKE] {
        world.iam.add_account(account, None);
    }
    let url = queue(&world, "jobs", &[]).unwrap();
    let spoke = testing::operator(SPOKE);
    let message = json!({ "QueueUrl": url, "MessageBody": "x" });
    let before = call(&world, &spoke, "SendMessage", message.clone()).await.unwrap_err();
    assert_eq!(before.code, "AccessDenied");
    let policy = allow(&json!({ "Principal": { "AWS": SPOKE }, "Action": "sqs:*", "Resource": arn("jobs") }));
    let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_string())]);
    world.sqs.set_attributes(&world, &arn("jobs"), &attributes).unwrap();
    call(&world, &spoke, "SendMessage", message).await.unwrap();
    let delete = call(&world, &spoke, "DeleteQueue", json!({ "QueueUrl": url })).await.unwrap_err();
    assert_eq!(delete.code, "AccessDenied");
}

#[tokio::test]
async fn a_service_delivers_only_where_the_queue_policy_names_its_resource() {
    let world = world();
    world.iam.add_account(ACCOUNT, None);
    queue(&world, "jobs", &[]).unwrap();
    let rule = |name: &str| Principal::Service {
        name: "events.amazonaws.com".to_owned(),
        source_arn: format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"),
        source_account: ACCOUNT.to_owned(),
    };
    let policy = allow(
        &json!({ "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": arn("jobs"),
        "Condition": { "ArnEquals": { "aws:SourceArn": format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/good") } } }),
    );
    let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_string())]);
    world.sqs.set_attributes(&world, &arn("jobs"), &attributes).unwrap();
    let why = BTreeMap::from([("ERROR_CODE".to_owned(), "x".to_owned())]);
    world.sqs.deliver(&world, &rule("good"), &arn("jobs"), "event", &why).unwrap();
    let refusal = world.sqs.deliver(&world, &rule("bad"), &arn("jobs"), "event", &why).unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    let peeked = world.sqs.peek(&arn("jobs"));
    assert_eq!((peeked.len(), peeked[0].body.as_str()), (1, "event"));
    assert_eq!(peeked[0].attributes["ERROR_CODE"], Attribute::string("x"));
}

#[test]
fn the_checksum_of_attributes_is_the_documented_one() {
    let binary = Attribute {
        data_type: "Binary".to_owned(),
        string_value: None,
        binary_value: Some("AAE=".to_owned()),
    };
    let number = Attribute { data_type: "Number".to_owned(), ..Attribute::string("1") };
    let attributes = Attributes::from([("b".to_owned(), binary), ("n".to_owned(), number)]);
    let expected = "6d3e0b67e05bf94ede72102c4dc09565";
    assert_eq!(message::attributes_md5(&attributes).as_deref(), Some(expected));
}
