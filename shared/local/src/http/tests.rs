use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::call::Refusal;
use crate::faults::{Fault, FaultRule, Faults};
use crate::testing::{HUB, Sent, cloud, transmit};
use crate::{Clock, LocalCloud};

fn list_tables() -> Sent<'static> {
    Sent::json("dynamodb", "DynamoDB_20120810.ListTables", &json!({}))
}

#[tokio::test]
async fn a_signed_call_is_answered_with_request_id_and_date() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let answer = list_tables().by(&keys, &cloud).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"TableNames": []})));
    assert!(answer.head.contains("x-amzn-requestid: "), "{}", answer.head);
    assert!(answer.head.contains("content-type: application/x-amz-json-1.0"), "{}", answer.head);
    cloud.stop().await;
}

#[tokio::test]
async fn the_date_of_an_answer_is_the_clouds_own_and_tells_sdks_not_to_sign_with_it() {
    let origin = "2031-05-06T07:08:09Z".parse().unwrap();
    let cloud = LocalCloud::start(Clock::starting(origin, 0.001), Faults::none()).await.unwrap();
    let keys = cloud.world().iam.add_account(HUB, None);
    let answer = list_tables().by(&keys, &cloud).await;
    assert!(answer.head.contains("\r\ndate: tue, 06 may 2031 07:08:09 gmt"), "{}", answer.head);
    assert!(answer.head.contains("\r\nage: 0"), "{}", answer.head);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_in_the_words_of_each_protocol() {
    let cloud = cloud().await;
    let mut keys = cloud.world().iam.add_account(HUB, None);
    keys.secret_access_key = "not the secret".to_owned();
    let json = list_tables().by(&keys, &cloud).await;
    assert_eq!((json.status, json.json()["__type"].clone()), (400, json!("InvalidSignatureException")));
    let form = Sent::form("sts", "Action=GetCallerIdentity&Version=2011-06-15").by(&keys, &cloud).await;
    assert_eq!((form.status, form.element("Code").as_str()), (403, "SignatureDoesNotMatch"));
    let rest = Sent::rest("POST", "/DescribeJobs").by(&keys, &cloud).await;
    assert_eq!(rest.status, 403);
    assert!(rest.head.contains("x-amzn-errortype: invalidsignatureexception"), "{}", rest.head);
}

#[tokio::test]
async fn an_unknown_key_is_refused() {
    let cloud = cloud().await;
    let mut keys = cloud.world().iam.add_account(HUB, None);
    keys.access_key_id = "AKIAUNKNOWN".to_owned();
    let sqs = Sent::json("sqs", "AmazonSQS.ListQueues", &json!({})).by(&keys, &cloud).await;
    assert_eq!(sqs.json()["__type"], "UnrecognizedClientException");
    assert!(sqs.head.contains("x-amzn-query-error: invalidclienttokenid;sender"), "{}", sqs.head);
    let sts = Sent::form("sts", "Action=GetCallerIdentity").by(&keys, &cloud).await;
    assert_eq!(sts.element("Code"), "InvalidClientTokenId");
}

#[tokio::test]
async fn an_unsigned_call_misses_its_token() {
    let cloud = cloud().await;
    let answer = transmit(&cloud, "POST", "/", &[("host", "x".to_owned())], "").await.unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["code"], "MissingAuthenticationTokenException");
    let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
    let answer = transmit(&cloud, "POST", "/", &[("host", "x".to_owned()), form], "Action=X").await.unwrap();
    assert_eq!((answer.status, answer.element("Code").as_str()), (403, "MissingAuthenticationToken"));
}

#[tokio::test]
async fn a_signature_older_than_15_minutes_is_refused() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let mut sent = list_tables();
    sent.time = SystemTime::now() - Duration::from_mins(16);
    let answer = sent.by(&keys, &cloud).await;
    assert_eq!(answer.json()["__type"], "InvalidSignatureException");
    assert!(answer.json()["message"].as_str().unwrap().starts_with("Signature expired"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_changed_after_signing_is_refused() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let mut sent = list_tables();
    sent.headers.push(("host", "x".to_owned()));
    let mut headers = sent.headers.clone();
    let signature = {
        let signed = sent.signature(&keys);
        signed.into_iter().map(|(name, value)| (&*name.leak(), value)).collect::<Vec<(&str, String)>>()
    };
    headers.extend(signature);
    let answer = transmit(&cloud, "POST", "/", &headers, "{\"Limit\":1}").await.unwrap();
    assert_eq!(answer.json()["__type"], "InvalidSignatureException");
}

#[tokio::test]
async fn encoded_paths_and_queries_are_signed_as_sdks_sign_them() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let path = "/tags/arn%3Aaws%3Adrs%3Aeu-west-1%3A1%3Asource-server%2Fs-1?tagKeys=b%20c&tagKeys=a%2F";
    let answer = Sent::rest("DELETE", path).by(&keys, &cloud).await;
    assert!(!answer.head.contains("invalidsignatureexception"), "{}", answer.head);
}

#[tokio::test]
async fn a_session_without_its_token_is_refused() {
    let cloud = cloud().await;
    let iam = &cloud.world().iam;
    iam.add_account(HUB, None);
    let role = format!("arn:aws:iam::{HUB}:role/worker");
    iam.put_role(&role, &json!({"Statement": []}), &[]).unwrap();
    let mut keys = iam.issue(&role, "one", Duration::from_hours(1)).unwrap();
    keys.session_token = None;
    let answer = list_tables().by(&keys, &cloud).await;
    assert_eq!(answer.json()["__type"], "UnrecognizedClientException");
}

#[tokio::test]
async fn an_expired_session_is_refused_in_the_words_of_each_protocol() {
    let cloud = cloud().await;
    let iam = &cloud.world().iam;
    let role = format!("arn:aws:iam::{HUB}:role/worker");
    iam.put_role(&role, &json!({"Statement": []}), &[]).unwrap();
    let keys = iam.issue(&role, "one", Duration::ZERO).unwrap();
    let answer = list_tables().by(&keys, &cloud).await;
    assert_eq!((answer.status, answer.json()["__type"].clone()), (400, json!("ExpiredTokenException")));
    let answer = Sent::form("sts", "Action=GetCallerIdentity").by(&keys, &cloud).await;
    assert_eq!((answer.status, answer.element("Code").as_str()), (403, "ExpiredToken"));
}

#[test]
fn each_service_has_its_own_words_for_a_denial() {
    let caller = crate::testing::operator(HUB);
    for (service, status, words) in [
        ("sqs", 403, "AccessDeniedException"),
        ("dynamodb", 400, "AccessDeniedException"),
        ("events", 400, "AccessDeniedException"),
        ("secretsmanager", 400, "AccessDeniedException"),
        ("drs", 403, "AccessDeniedException"),
        ("sns", 403, "<Code>AuthorizationError</Code>"),
        ("sts", 403, "<Code>AccessDenied</Code>"),
    ] {
        let refusal = Refusal::denied(&caller, "a:Do", "arn");
        let answer = super::answer::refused(&Clock::real(), service, refusal);
        assert_eq!(answer.status(), status, "{service}");
        let body = format!("{:?}", answer.body());
        assert!(body.contains(words), "{service} {body}");
    }
    let lost = Refusal::new(400, "QueueDoesNotExist", "no such queue");
    let answer = super::answer::refused(&Clock::real(), "sqs", lost);
    let query_error = &answer.headers()["x-amzn-query-error"];
    assert_eq!(query_error, "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

#[tokio::test]
async fn an_operation_of_another_service_is_unknown() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let answer = Sent::json("dynamodb", "AmazonSQS.ListQueues", &json!({})).by(&keys, &cloud).await;
    assert_eq!((answer.status, answer.json()["__type"].clone()), (400, json!("UnknownOperationException")));
}

#[tokio::test]
async fn a_body_over_2_mib_is_refused_and_the_cloud_lives_on() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let big = "x".repeat(super::BODY_LIMIT + 1);
    // A client that still sends may see the connection close before it reads the answer.
    let answer = Sent::form("sts", &big).try_by(&keys, &cloud).await;
    assert!(answer.is_none_or(|answer| answer.status == 413));
    assert_eq!(list_tables().by(&keys, &cloud).await.status, 200);
}

/// The secret's creation meets a fault and is tried again without; answers what that second call said.
async fn created_again_after(fault: Fault) -> serde_json::Value {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let lost = FaultRule::of(("secretsmanager", "CreateSecret"), 1.0, fault);
    cloud.world().faults.set(vec![lost]);
    let create = || Sent::json("secretsmanager", "secretsmanager.CreateSecret", &json!({"Name": "one"}));
    assert!(create().try_by(&keys, &cloud).await.is_none());
    cloud.world().faults.set(Vec::new());
    create().by(&keys, &cloud).await.json()
}

#[tokio::test]
async fn a_lost_reply_closes_the_connection_after_the_deed() {
    assert_eq!(created_again_after(Fault::ReplyLost).await["__type"], "ResourceExistsException");
}

#[tokio::test]
async fn a_reset_closes_the_connection_before_the_deed() {
    assert_eq!(created_again_after(Fault::Reset).await["Name"], "one");
}

#[tokio::test]
async fn throttles_come_in_the_words_of_each_service() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    let throttle = FaultRule::of(("", ""), 1.0, Fault::Throttle);
    cloud.world().faults.set(vec![throttle]);
    let answer = list_tables().by(&keys, &cloud).await;
    assert_eq!(answer.json()["__type"], "ProvisionedThroughputExceededException");
    let answer = Sent::form("sts", "Action=GetCallerIdentity").by(&keys, &cloud).await;
    assert_eq!(answer.element("Code"), "Throttling");
}

#[tokio::test]
async fn a_stopped_cloud_answers_no_more() {
    let cloud = cloud().await;
    let address = cloud.endpoint().replace("http://", "");
    cloud.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
