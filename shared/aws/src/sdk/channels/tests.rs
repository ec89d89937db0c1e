mod bot;
mod signed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drs_fleet_domain::incident::Severity;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::io::Io;
use crate::sdk::wire;

/// A receiver on loopback that answers each path with a status; says where it is and what it was sent.
async fn receiver(
    answer: impl Fn(&str) -> &'static str + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::default());
    let requests: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let head = answer(text.split(' ').nth(1).unwrap_or_default());
            requests.lock().unwrap().push(text);
            let _ =
                socket.write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes()).await;
        }
    });
    (url, asked)
}

/// The same, of which only the paths that were asked matter.
async fn slack(answer: impl Fn(&str) -> &'static str + Send + 'static) -> (String, impl Fn() -> Vec<String>) {
    let (url, asked) = receiver(answer).await;
    let path = |request: &String| request.split(' ').nth(1).unwrap_or_default().to_owned();
    (url, move || asked.lock().unwrap().iter().map(path).collect())
}

/// A hub whose webhook secret holds one URL after the other.
fn notifier(urls: Vec<String>) -> crate::sdk::SdkIo {
    let read = AtomicUsize::new(0);
    let (io, _) = wire::io_with(
        |settings| settings.slack_secret = Some("drs-fleet/slack".into()),
        move |_| {
            let url = &urls[read.fetch_add(1, Ordering::SeqCst).min(urls.len() - 1)];
            (200, json!({ "SecretString": url }).to_string())
        },
    );
    io
}

fn notice() -> Notice {
    Notice::SlackWebhook { secret: None, message: json!({ "text": "stalled" }), severity: Severity::High }
}

#[tokio::test]
async fn a_message_is_posted_to_the_url_in_the_secret() {
    let (url, asked) = slack(|_| "200 OK").await;
    notifier(vec![format!("{url}/hook")]).send(&notice()).await.unwrap();
    assert_eq!(asked(), ["/hook"]);
}

#[tokio::test]
async fn a_webhook_that_was_replaced_is_read_again_at_once() {
    let (url, asked) = slack(|path| if path == "/old" { "404 Not Found" } else { "200 OK" }).await;
    let io = notifier(vec![format!("{url}/old"), format!("{url}/new")]);
    io.send(&notice()).await.unwrap();
    assert_eq!(asked(), ["/old", "/new"]);
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_a_denial_and_its_url_is_not_told() {
    let (url, asked) = slack(|_| "410 Gone").await;
    let error = notifier(vec![format!("{url}/secret")]).send(&notice()).await.unwrap_err();
    assert_eq!((error.verdict, asked().len()), (Verdict::Denied, 1));
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn slack_says_how_long_to_wait() {
    let (url, _) = slack(|_| "429 Too Many Requests\r\nretry-after: 9").await;
    let error = notifier(vec![url]).send(&notice()).await.unwrap_err();
    assert_eq!((error.verdict, error.retry_after), (Verdict::Throttled, Some(Duration::from_secs(9))));
}

#[tokio::test]
async fn a_slack_that_cannot_be_reached_does_not_put_the_url_into_the_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/secret", listener.local_addr().unwrap());
    drop(listener);
    let error = notifier(vec![nobody]).send(&notice()).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Transient);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_placeholder_instead_of_a_webhook_is_a_denial_until_somebody_fills_the_secret() {
    let error = notifier(vec!["replace-with-hunter2".into()]).send(&notice()).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Denied);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let (url, asked) = slack(|_| "200 OK").await;
    notifier(vec!["replace-with-hunter2".into(), format!("{url}/hook")]).send(&notice()).await.unwrap();
    assert_eq!(asked(), ["/hook"]);
}

#[tokio::test]
async fn what_finds_fault_with_a_message_is_final_only_once_the_secret_was_read_again() {
    let (url, asked) = slack(|path| if path == "/new" { "200 OK" } else { "400 Bad Request" }).await;
    notifier(vec![format!("{url}/old"), format!("{url}/new")]).send(&notice()).await.unwrap();
    assert_eq!(asked(), ["/old", "/new"]);
    let error = notifier(vec![format!("{url}/old")]).send(&notice()).await.unwrap_err();
    assert_eq!((error.verdict, asked().len()), (Verdict::Permanent, 3), "the same secret is not tried twice");
}

const SENT: &str =
    "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
const ALERTS: &str = "arn:aws:sns:eu-central-1:111122223333:alerts";

fn mail(arn: Option<&str>) -> Notice {
    let attributes = [("severity", &["HIGH"][..]), ("alias", &[""]), ("region", &["eu-west-1", "us-east-1"])]
        .map(|(name, values)| (name.to_owned(), values.iter().map(|&v| v.to_owned()).collect()))
        .into();
    Notice::Topic { arn: arn.map(str::to_owned), subject: "Stalled".into(), body: "db-1".into(), attributes }
}

#[tokio::test]
async fn an_e_mail_goes_to_the_topic_with_attributes_of_one_value_or_several() {
    let set = |settings: &mut IoSettings| settings.topic_arn = Some(ALERTS.into());
    let (io, wire) = wire::io_with(set, |_| (200, SENT.to_owned()));
    io.send(&mail(None)).await.unwrap();
    let sent = &wire.calls("Publish")[0].body;
    assert!(sent.contains("Subject=Stalled") && !sent.contains("alias"), "{sent}");
    let of = |n: u32, part: &str| format!("MessageAttributes.entry.{n}.{part}");
    let told = |name: &str, kind: &str, value: &str| {
        (1..=2).any(|n| {
            let all = [("Name", name), ("Value.DataType", kind), ("Value.StringValue", value)];
            all.iter().all(|(part, text)| sent.contains(&format!("{}={text}", of(n, part))))
        })
    };
    assert!(told("severity", "String", "HIGH"), "{sent}");
    let regions = "%5B%22eu-west-1%22%2C%22us-east-1%22%5D";
    assert!(told("region", "String.Array", regions), "a policy has to name one of several: {sent}");
}

#[tokio::test]
async fn an_e_mail_goes_to_the_topic_of_its_channel_where_that_has_one() {
    let set = |settings: &mut IoSettings| settings.topic_arn = Some(ALERTS.into());
    let (io, wire) = wire::io_with(set, |_| (200, SENT.to_owned()));
    io.send(&mail(Some("arn:aws:sns:eu-central-1:111122223333:drs-fleet-payments"))).await.unwrap();
    let sent = &wire.calls("Publish")[0].body;
    assert!(sent.contains("drs-fleet-payments") && !sent.contains("alerts"), "{sent}");
}

#[tokio::test]
async fn a_topic_that_is_missing_is_mended_by_a_person_and_a_message_that_is_refused_is_not() {
    let of = |code: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
    };
    for (code, status, verdict) in [
        ("NotFound", 404, Verdict::Denied),
        ("KMSDisabled", 400, Verdict::Denied),
        ("InvalidParameter", 400, Verdict::Permanent),
    ] {
        let answer = of(code);
        let (io, _) = wire::io(move |_| (status, answer.clone()));
        let error = io.send(&mail(Some("arn:aws:sns:eu-central-1:111122223333:gone"))).await.unwrap_err();
        assert_eq!((error.neighbour, error.verdict), (Neighbour::Channel, verdict), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_is_mended_by_a_person() {
    let missing = json!({"__type": "ResourceNotFoundException", "message": "no"}).to_string();
    let (io, _) = wire::io(move |_| (400, missing.clone()));
    let (secret, key) = ("drs-fleet/hook".to_owned(), "group#1".to_owned());
    let error = io.send(&Notice::Webhook { secret, key, body: json!({}) }).await.unwrap_err();
    assert_eq!((error.neighbour, error.verdict), (Neighbour::Secrets, Verdict::Denied), "{error}");
}

#[tokio::test]
async fn the_bus_takes_what_is_told_and_its_refusal_is_one_of_a_channel() {
    let answers = |code: Option<&str>| {
        let entry = code.map_or(json!({"EventId": "1"}), |code| json!({"ErrorCode": code}));
        json!({"FailedEntryCount": 0, "Entries": [entry]}).to_string()
    };
    let taken = answers(None);
    let (io, wire) = wire::io(move |_| (200, taken.clone()));
    let notice = Notice::Bus { detail_type: "Notification Sent".into(), detail: json!({"eventId": "g#1"}) };
    io.send(&notice).await.unwrap();
    let entry = wire.calls("PutEvents")[0].json()["Entries"][0].clone();
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("drs-fleet"), &json!("Notification Sent")));
    assert_eq!(entry["Detail"], json!({"eventId": "g#1"}).to_string());

    let refused = answers(Some("MalformedDetail"));
    let (io, _) = wire::io(move |_| (200, refused.clone()));
    let error = io.send(&notice).await.unwrap_err();
    assert_eq!((error.neighbour, error.verdict), (Neighbour::Channel, Verdict::Permanent));
}
