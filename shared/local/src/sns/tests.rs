use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::Clock;
use crate::faults::Faults;
use crate::testing::{self, HUB as ACCOUNT, REGION, SPOKE, allow, role};

const TOPIC: &str = "arn:aws:sns:eu-west-1:111111111111:alerts";
const ADDRESS: &str = "ops@example.com";

fn world() -> Arc<World> {
    let clock = Clock::starting("2026-11-21T01:02:03Z".parse().unwrap(), 1.0);
    let world = World::new(clock, Faults::none());
    world.sns.create_topic((ACCOUNT, REGION, "alerts"), &BTreeMap::new()).unwrap();
    world
}

/// Performs an operation as one that the policies allow, and returns the XML.
fn ask(world: &Arc<World>, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Refusal> {
    let call = testing::call(&testing::operator(ACCOUNT), "sns", operation, &json!({}));
    let mut form: Form = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    form.entry("TopicArn".to_owned()).or_insert_with(|| TOPIC.to_owned());
    world.sns.answer(world, &call, &form).map(|reply| String::from_utf8(reply.body).unwrap())
}

fn subscribe_email(world: &Arc<World>) {
    world.sns.subscribe(world, ACCOUNT, TOPIC, ("email", ADDRESS), &BTreeMap::new()).unwrap();
    assert!(world.sns.confirm_email(TOPIC, ADDRESS));
}

#[test]
fn an_address_gets_messages_only_once_it_has_confirmed() {
    let world = world();
    let parameters = [("Protocol", "email"), ("Endpoint", ADDRESS)];
    let answer = ask(&world, "Subscribe", &parameters).unwrap();
    assert!(answer.contains("<SubscriptionArn>pending confirmation</SubscriptionArn>"), "{answer}");
    ask(&world, "Publish", &[("Message", "too early")]).unwrap();
    assert_eq!(world.sns.mails().len(), 1);
    assert_eq!(world.sns.mails()[0].subject, "AWS Notification - Subscription Confirmation");
    assert!(world.sns.confirm_email(TOPIC, ADDRESS));
    ask(&world, "Publish", &[("Message", "now"), ("Subject", "DRS: stalled")]).unwrap();
    let mail = &world.sns.mails()[1];
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADDRESS, "DRS: stalled"));
    assert!(mail.body.starts_with("now\n"));
    assert_eq!(world.sns.mails_sent(), 2);
    assert!(!world.sns.confirm_email(TOPIC, "nobody@example.com"));
}

#[test]
fn the_token_of_the_confirmation_mail_confirms() {
    let world = world();
    world.sns.subscribe(&world, ACCOUNT, TOPIC, ("email", ADDRESS), &BTreeMap::new()).unwrap();
    let body = world.sns.mails()[0].body.clone();
    let token = body.lines().find(|line| line.len() == 32).unwrap();
    ask(&world, "ConfirmSubscription", &[("Token", token)]).unwrap();
    let listed = ask(&world, "ListSubscriptionsByTopic", &[]).unwrap();
    assert!(!listed.contains("PendingConfirmation"), "{listed}");
    assert_eq!(ask(&world, "ConfirmSubscription", &[("Token", "x")]).unwrap_err().code, "InvalidParameter");
}

#[test]
fn a_mail_file_sorts_by_time_and_can_be_read_by_a_person() {
    let world = world();
    let directory = std::env::temp_dir().join(format!("mails-{}", uuid::Uuid::new_v4()));
    world.sns.keep_mail_in(&directory).unwrap();
    subscribe_email(&world);
    ask(&world, "Publish", &[("Message", "web-1 stalled, größer"), ("Subject", "Stall")]).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let name = names[1].to_str().unwrap();
    assert!(name.starts_with("2026-11-21T01-02-0") && name.ends_with("-000002.eml"), "{name}");
    let text = std::fs::read_to_string(directory.join(name)).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    assert!(head.contains("Date: Sat, 21 Nov 2026 01:02:0"), "{head}");
    assert!(head.contains("\nTo: ops@example.com\nSubject: Stall\n"), "{head}");
    assert!(head.contains("\nContent-Type: text/plain; charset=UTF-8\n"), "{head}");
    assert!(body.starts_with("web-1 stalled, größer\n\n--\nYou receive this mail"), "{body}");
    assert!(body.contains(TOPIC));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn subjects_that_aws_refuses_are_refused() {
    let world = world();
    let long = "x".repeat(101);
    for subject in ["", " x", "two\nlines", "größer", "tab\t", long.as_str()] {
        let refusal = ask(&world, "Publish", &[("Message", "m"), ("Subject", subject)]).unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("InvalidParameter", "Invalid parameter: Subject")
        );
    }
    ask(&world, "Publish", &[("Message", "m"), ("Subject", &"x".repeat(100))]).unwrap();
}

#[test]
fn messages_that_are_empty_or_too_long_are_refused() {
    let world = world();
    for message in ["", &"x".repeat(262_145)] {
        assert_eq!(ask(&world, "Publish", &[("Message", message)]).unwrap_err().code, "InvalidParameter");
    }
    let refusal =
        ask(&world, "Publish", &[("TopicArn", "arn:aws:sns:eu-west-1:111111111111:none"), ("Message", "m")]);
    assert_eq!(refusal.unwrap_err().code, "NotFound");
}

#[test]
fn a_filter_policy_keeps_messages_away() {
    let world = world();
    subscribe_email(&world);
    let arn = world.sns.subscribe(&world, ACCOUNT, TOPIC, ("email", ADDRESS), &BTreeMap::new()).unwrap();
    let set = |policy: &str| {
        let parameters = [
            ("SubscriptionArn", arn.as_str()),
            ("AttributeName", "FilterPolicy"),
            ("AttributeValue", policy),
        ];
        ask(&world, "SetSubscriptionAttributes", &parameters)
    };
    set(r#"{"severity": ["critical"]}"#).unwrap();
    assert_eq!(set(r#"{"severity": "critical"}"#).unwrap_err().code, "InvalidParameter");
    for severity in ["info", "critical"] {
        let parameters = [
            ("Message", severity),
            ("MessageAttributes.entry.1.Name", "severity"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", severity),
        ];
        ask(&world, "Publish", &parameters).unwrap();
    }
    let bodies: Vec<_> = world.sns.mails().into_iter().skip(1).map(|mail| mail.body).collect();
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].starts_with("critical"));
}

#[test]
fn a_bad_entry_of_a_batch_fails_alone_and_a_bad_batch_as_a_whole() {
    let world = world();
    subscribe_email(&world);
    let entry = "PublishBatchRequestEntries.member";
    let (id1, message1) = (format!("{entry}.1.Id"), format!("{entry}.1.Message"));
    let (id2, message2) = (format!("{entry}.2.Id"), format!("{entry}.2.Message"));
    let subject2 = format!("{entry}.2.Subject");
    let both = [(id1.as_str(), "a"), (&message1, "fine"), (&id2, "b"), (&message2, "bad"), (&subject2, "ü")];
    let answer = ask(&world, "PublishBatch", &both).unwrap();
    assert!(answer.contains("<Successful><member><Id>a</Id><MessageId>"), "{answer}");
    assert!(answer.contains("<Failed><member><Id>b</Id><Code>InvalidParameter</Code>"), "{answer}");
    assert_eq!(world.sns.mails().len(), 2);
    let same = [(id1.as_str(), "a"), (&message1, "x"), (&id2, "a"), (&message2, "y")];
    assert_eq!(ask(&world, "PublishBatch", &same).unwrap_err().code, "BatchEntryIdsNotDistinct");
    assert_eq!(ask(&world, "PublishBatch", &[]).unwrap_err().code, "EmptyBatchRequest");
}

#[test]
fn topics_are_created_once_listed_described_and_deleted() {
    let world = world();
    let again = ask(&world, "CreateTopic", &[("Name", "alerts")]).unwrap();
    assert!(again.contains(TOPIC));
    assert_eq!(ask(&world, "CreateTopic", &[("Name", "a.fifo")]).unwrap_err().code, "InvalidParameter");
    let policy = r#"{"Statement":[{"Sid":"a<b"}]}"#;
    let parameters = [("AttributeName", "Policy"), ("AttributeValue", policy)];
    ask(&world, "SetTopicAttributes", &parameters).unwrap();
    let attributes = ask(&world, "GetTopicAttributes", &[]).unwrap();
    assert!(attributes.contains("a&lt;b"), "{attributes}");
    assert!(attributes.contains("<key>Owner</key><value>111111111111</value>"), "{attributes}");
    assert!(ask(&world, "ListTopics", &[]).unwrap().contains(TOPIC));
    ask(&world, "DeleteTopic", &[]).unwrap();
    assert!(!ask(&world, "ListTopics", &[]).unwrap().contains(TOPIC));
}

#[test]
fn lists_are_paged() {
    let world = world();
    for number in 0..100 {
        world.sns.create_topic((ACCOUNT, REGION, &format!("t{number}")), &BTreeMap::new()).unwrap();
    }
    let first = ask(&world, "ListTopics", &[]).unwrap();
    assert!(first.contains("<NextToken>100</NextToken>"));
    let second = ask(&world, "ListTopics", &[("NextToken", "100")]).unwrap();
    assert_eq!(second.matches("<TopicArn>").count(), 1);
    assert!(!second.contains("NextToken"));
}

#[test]
fn only_known_protocols_and_fitting_endpoints_are_accepted() {
    let world = world();
    let other = "arn:aws:sqs:eu-west-1:999999999999:q";
    for (protocol, endpoint) in [
        ("https", "https://x"),
        ("email", "nobody"),
        ("email", "a@b\nBcc: c"),
        ("sqs", "queue"),
        ("sqs", other),
    ] {
        let refusal =
            world.sns.subscribe(&world, ACCOUNT, TOPIC, (protocol, endpoint), &BTreeMap::new()).unwrap_err();
        assert_eq!(refusal.code, "InvalidParameter", "{protocol} {endpoint}");
    }
}

#[test]
fn a_queue_gets_what_its_policy_lets_the_topic_send_in_an_envelope_or_raw() {
    let world = world();
    world.iam.add_account(ACCOUNT, None);
    let none = BTreeMap::new();
    world.sqs.create(&world, (ACCOUNT, REGION, "open"), &none, &none).unwrap();
    let queue = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:open");
    let subscription = world.sns.subscribe(&world, ACCOUNT, TOPIC, ("sqs", &queue), &none).unwrap();
    let publish = [
        ("Message", "web-1"),
        ("Subject", "Stall"),
        ("MessageAttributes.entry.1.Name", "severity"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "high"),
    ];
    ask(&world, "Publish", &publish).unwrap();
    assert!(world.sqs.peek(&queue).is_empty());

    let policy =
        allow(&json!({ "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": TOPIC } } }));
    let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_string())]);
    world.sqs.set_attributes(&world, &queue, &attributes).unwrap();
    ask(&world, "Publish", &publish).unwrap();
    let raw = [
        ("SubscriptionArn", subscription.as_str()),
        ("AttributeName", "RawMessageDelivery"),
        ("AttributeValue", "true"),
    ];
    ask(&world, "SetSubscriptionAttributes", &raw).unwrap();
    ask(&world, "Publish", &publish).unwrap();
    let [envelope, raw] = &world.sqs.peek(&queue)[..] else { panic!("two messages") };
    let envelope: Value = serde_json::from_str(&envelope.body).unwrap();
    assert_eq!((&envelope["Type"], &envelope["Message"]), (&json!("Notification"), &json!("web-1")));
    assert_eq!(envelope["MessageAttributes"]["severity"], json!({ "Type": "String", "Value": "high" }));
    assert_eq!(raw.body, "web-1");
    assert_eq!(raw.attributes["severity"].string_value.as_deref(), Some("high"));
}

fn trust() -> Value {
    allow(&json!({ "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }))
}

#[test]
fn publishing_needs_a_policy_that_allows_it() {
    let world = world();
    for account in [ACCOUNT, SPOKE] {
        world.iam.add_account(account, None);
    }
    let publish = allow(&json!({ "Action": "sns:Publish", "Resource": TOPIC }));
    for account in [ACCOUNT, SPOKE] {
        let arn = format!("arn:aws:iam::{account}:role/notifier");
        world.iam.put_role(&arn, &trust(), std::slice::from_ref(&publish)).unwrap();
    }
    let publish_as = |account: &str, operation: &str| {
        let mut call = testing::call(&role(account, "notifier"), "sns", operation, &json!({}));
        call.body = format!("TopicArn={TOPIC}&Message=hello+there").into_bytes();
        world.sns.handle(&world, &call)
    };
    publish_as(ACCOUNT, "Publish").unwrap();
    assert_eq!(publish_as(ACCOUNT, "DeleteTopic").unwrap_err().code, "AuthorizationError");
    assert_eq!(publish_as(SPOKE, "Publish").unwrap_err().code, "AuthorizationError");
    let policy = allow(&json!({ "Principal": { "AWS": SPOKE }, "Action": "sns:Publish", "Resource": TOPIC }))
        .to_string();
    world.sns.set_topic_attribute(TOPIC, "Policy", &policy).unwrap();
    publish_as(SPOKE, "Publish").unwrap();
}
