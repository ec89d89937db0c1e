use serde_json::json;

use crate::LocalCloud;
use crate::iam::Credentials;
use crate::testing::{Answer, HUB, SPOKE, Sent, allow, cloud};

const READER: &str = "arn:aws:iam::222222222222:role/drs-fleet-reader";

/// A hub whose worker may assume `drs-fleet-*` roles, and a spoke whose role trusts the hub with an external id.
async fn fleet() -> (LocalCloud, Credentials) {
    let cloud = cloud().await;
    let iam = &cloud.world().iam;
    iam.add_account(HUB, Some("o-ours"));
    iam.add_account(SPOKE, Some("o-ours"));
    let trust = allow(&json!({
        "Principal": {"AWS": format!("arn:aws:iam::{HUB}:root")},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "right-id"}},
    }));
    iam.put_role(READER, &trust, &[]).unwrap();
    let tasks =
        allow(&json!({"Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}));
    let assumes = allow(&json!({
        "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/drs-fleet-*",
    }));
    let worker = format!("arn:aws:iam::{HUB}:role/worker");
    iam.put_role(&worker, &tasks, &[assumes]).unwrap();
    let keys = iam.issue(&worker, "task", std::time::Duration::from_hours(1)).unwrap();
    (cloud, keys)
}

async fn assume(cloud: &LocalCloud, keys: &Credentials, parameters: &str) -> Answer {
    let body = format!("Action=AssumeRole&Version=2011-06-15&{parameters}");
    Sent::form("sts", &body).by(keys, cloud).await
}

fn reader(more: &str) -> String {
    format!("RoleArn={}&RoleSessionName=tracker{more}", READER.replace(':', "%3A").replace('/', "%2F"))
}

#[tokio::test]
async fn a_role_is_assumed_and_its_keys_sign_calls() {
    let (cloud, keys) = fleet().await;
    let answer = assume(&cloud, &keys, &reader("&ExternalId=right-id&DurationSeconds=900")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.element("Arn"), "arn:aws:sts::222222222222:assumed-role/drs-fleet-reader/tracker");
    let expires: jiff::Timestamp = answer.element("Expiration").parse().unwrap();
    let left = expires.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((890..=900).contains(&left), "{left}");

    let assumed = Credentials {
        access_key_id: answer.element("AccessKeyId"),
        secret_access_key: answer.element("SecretAccessKey"),
        session_token: Some(answer.element("SessionToken")),
        expires: None,
    };
    let answer = Sent::form("sts", "Action=GetCallerIdentity").by(&assumed, &cloud).await;
    assert_eq!(answer.element("Account"), SPOKE);
    assert_eq!(answer.element("Arn"), "arn:aws:sts::222222222222:assumed-role/drs-fleet-reader/tracker");
}

#[tokio::test]
async fn wrong_id_missing_id_and_missing_role_are_refused_alike() {
    let (cloud, keys) = fleet().await;
    for parameters in [
        reader("&ExternalId=wrong-id"),
        reader(""),
        reader("&ExternalId=right-id").replace("reader", "absent"),
        reader("&ExternalId=right-id").replace("drs-fleet-reader", "other"),
    ] {
        let answer = assume(&cloud, &keys, &parameters).await;
        assert_eq!((answer.status, answer.element("Code").as_str()), (403, "AccessDenied"), "{parameters}");
        let message = answer.element("Message");
        let words = format!(
            "User: arn:aws:sts::{HUB}:assumed-role/worker/task is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{SPOKE}:role/"
        );
        assert!(message.starts_with(&words), "{message}");
    }
}

#[tokio::test]
async fn the_callers_own_policy_must_allow_it_too() {
    let (cloud, _) = fleet().await;
    let iam = &cloud.world().iam;
    let powerless = format!("arn:aws:iam::{HUB}:role/powerless");
    iam.put_role(&powerless, &json!({"Statement": []}), &[]).unwrap();
    let keys = iam.issue(&powerless, "task", std::time::Duration::from_hours(1)).unwrap();
    let answer = assume(&cloud, &keys, &reader("&ExternalId=right-id")).await;
    assert_eq!(answer.element("Code"), "AccessDenied");
}

#[tokio::test]
async fn within_one_account_the_trust_policy_is_still_needed() {
    let (cloud, _) = fleet().await;
    let keys = cloud.world().iam.add_account(SPOKE, Some("o-ours"));
    let answer = assume(&cloud, &keys, &reader("&ExternalId=right-id")).await;
    assert_eq!(answer.element("Code"), "AccessDenied");
}

#[tokio::test]
async fn a_role_that_asks_for_no_external_id_takes_any() {
    let (cloud, keys) = fleet().await;
    let trust = allow(&json!({"Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}));
    cloud.world().iam.put_role(READER, &trust, &[]).unwrap();
    assert_eq!(assume(&cloud, &keys, &reader("&ExternalId=whatever")).await.status, 200);
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused_without_being_shown() {
    let (cloud, keys) = fleet().await;
    for parameters in [
        reader("&ExternalId=with%20space"),
        reader("&ExternalId=x"),
        reader("&DurationSeconds=899"),
        reader("&DurationSeconds=43201"),
        reader("&DurationSeconds=3601"),
        reader("").replace("tracker", "no%2Fslash"),
        reader("&ExternalId=right-id&Policy=%7B%7D"),
        "RoleSessionName=tracker".to_owned(),
    ] {
        let answer = assume(&cloud, &keys, &parameters).await;
        assert_eq!(
            (answer.status, answer.element("Code").as_str()),
            (400, "ValidationError"),
            "{parameters}"
        );
        assert!(!answer.body.contains("with space"), "{}", answer.body);
    }
}

#[tokio::test]
async fn who_does_not_chain_may_ask_for_more_than_an_hour() {
    let (cloud, _) = fleet().await;
    let keys = cloud.world().iam.add_account(HUB, Some("o-ours"));
    let answer = assume(&cloud, &keys, &reader("&ExternalId=right-id&DurationSeconds=7200")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
