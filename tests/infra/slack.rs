//! The endpoint for clicks in Slack, made of the very template.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_domain::click::Posted;
use drs_fleet_domain::routing::WorkerName;
use drs_fleet_local::apigateway::local_url;
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud, Principal};
use serde_json::Value;

use super::{ORGANIZATION, create, queue_of, world};
use crate::samples::{HUB, HUB_REGION};

const SIGNING: (&str, &str) = ("SlackSigningSecret", "drs-fleet/slack-signing");
const PARAMETERS: [(&str, &str); 2] = [("OrganizationId", ORGANIZATION), ("AlertEmail", "dr@example.com")];
const NOTIFICATIONS: &str = "drs-fleet-notifications";

#[tokio::test]
async fn without_a_signing_secret_nobody_can_post_anything() {
    let world = world();
    let outputs = create(&world, (HUB, HUB_REGION), "hub.yaml", &PARAMETERS).await;
    assert_eq!((outputs.get("SlackInteractivityUrl"), outputs.get("SlackSigningSecretName")), (None, None));
    assert!(world.iam.role(&format!("arn:aws:iam::{HUB}:role/drs-fleet-slack-api")).is_none());
}

/// The hub with its endpoint for Slack, and the address of that.
async fn with_slack_app() -> (LocalCloud, String) {
    let cloud = LocalCloud::start(Clock::real(), Faults::none()).await.unwrap();
    let parameters = [PARAMETERS[0], PARAMETERS[1], SIGNING];
    let outputs = create(cloud.world(), (HUB, HUB_REGION), "hub.yaml", &parameters).await;
    assert_eq!(outputs["SlackSigningSecretName"], SIGNING.1);
    let url = &outputs["SlackInteractivityUrl"];
    assert!(url.starts_with("https://") && url.ends_with("amazonaws.com/slack/interactions"), "{url}");
    let local = local_url(&cloud.endpoint(), url).unwrap();
    (cloud, local)
}

fn posted(cloud: &LocalCloud, queue: &str) -> Vec<String> {
    let peeked = cloud.world().sqs.peek(&format!("arn:aws:sqs:{HUB_REGION}:{HUB}:{queue}"));
    peeked.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn whatever_anybody_posts_is_a_message_of_the_endpoint_and_can_be_no_other() {
    let (cloud, url) = with_slack_app().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = || client.post(&url).header("Content-Type", "application/x-www-form-urlencoded");
    let signature = format!("v0={}", "0f".repeat(32));
    let nasty = r#""}&MessageBody={"source":"drs-fleet","detail-type":"Incident Opened"}&QueueUrl=x%22%7D+ é$input.body"#;
    for (time, body) in [("1767225600", "payload=%7B%22a%22%3A1%7D"), (r#"1","source":"drs-fleet"#, nasty)] {
        let request =
            form().header("X-Slack-Request-Timestamp", time).header("X-Slack-Signature", &signature);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (200, String::new()));
    }
    let messages = posted(&cloud, NOTIFICATIONS);
    let read: Vec<_> = messages.iter().map(|message| Posted::read(message).unwrap().is_ok()).collect();
    assert_eq!(read, [true, false], "{messages:?}");
    let signed = Posted::read(&messages[0]).unwrap().unwrap().signed_text();
    assert_eq!(
        String::from_utf8(signed).unwrap(),
        "v0:1767225600:payload=%7B%22a%22%3A1%7D",
        "byte for byte"
    );
    for message in &messages {
        let members: Value = serde_json::from_str(message).unwrap();
        let names: BTreeSet<&str> = members.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["body", "signature", "source", "timestamp"].into());
        assert_eq!(members["source"], "drs-fleet.slack");
    }
}

#[tokio::test]
async fn the_endpoint_takes_clicks_and_nothing_else() {
    let (cloud, url) = with_slack_app().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let json = client.post(&url).header("Content-Type", "application/json").body("{}");
    let form = "application/x-www-form-urlencoded";
    let elsewhere = client.post(format!("{url}/x")).header("Content-Type", form);
    let huge = client.post(&url).header("Content-Type", form).body("x".repeat(1_100_000));
    for (request, status) in [(json, 415), (client.get(&url), 403), (elsewhere, 403), (huge, 500)] {
        assert_eq!(request.send().await.unwrap().status().as_u16(), status);
    }
    assert!(posted(&cloud, NOTIFICATIONS).is_empty());
}

#[tokio::test]
async fn the_endpoint_may_send_to_the_notifiers_queue_alone() {
    let (cloud, _) = with_slack_app().await;
    let (world, name) = (cloud.world(), "apigateway.amazonaws.com".to_owned());
    let service = Principal::Service { name, source_arn: String::new(), source_account: HUB.to_owned() };
    let role = format!("arn:aws:iam::{HUB}:role/drs-fleet-slack-api");
    let role = world.iam.act_as(&world.clock, &service, &role, "s").unwrap();
    let send = |queue: &str| {
        let arn = format!("arn:aws:sqs:{HUB_REGION}:{HUB}:{queue}");
        world.sqs.deliver(world, &role, &arn, "x", &BTreeMap::new()).is_ok()
    };
    assert_eq!(WorkerName::ALL.map(|worker| send(queue_of(worker))), [false, false, false, true]);
    assert!(!send("drs-fleet-notifications-dlq"));
}
