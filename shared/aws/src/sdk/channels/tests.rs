use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::io::Io;
use crate::sdk::wire;

/// A Slack of its own on loopback that answers each path with a status; says where it is and who asked.
async fn slack(answer: impl Fn(&str) -> &'static str + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::default());
    let paths: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let head = answer(&path);
            paths.lock().unwrap().push(path);
            let _ =
                socket.write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes()).await;
        }
    });
    (url, asked)
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
    Notice::SlackWebhook { secret: None, message: json!({ "text": "stalled" }) }
}

#[tokio::test]
async fn a_message_is_posted_to_the_url_in_the_secret() {
    let (url, asked) = slack(|_| "200 OK").await;
    notifier(vec![format!("{url}/hook")]).send(&notice()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["/hook"]);
}

#[tokio::test]
async fn a_webhook_that_was_replaced_is_read_again_at_once() {
    let (url, asked) = slack(|path| if path == "/old" { "404 Not Found" } else { "200 OK" }).await;
    let io = notifier(vec![format!("{url}/old"), format!("{url}/new")]);
    io.send(&notice()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["/old", "/new"]);
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_a_denial_and_its_url_is_not_told() {
    let (url, asked) = slack(|_| "410 Gone").await;
    let error = notifier(vec![format!("{url}/secret")]).send(&notice()).await.unwrap_err();
    assert_eq!((error.verdict, asked.lock().unwrap().len()), (Verdict::Denied, 1));
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
async fn a_placeholder_instead_of_a_webhook_is_given_up_on_and_not_repeated() {
    let error = notifier(vec!["replace-with-hunter2".into()]).send(&notice()).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Permanent);
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn an_e_mail_goes_to_the_topic_with_its_attributes() {
    let answer = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
    let topic = "arn:aws:sns:eu-central-1:111122223333:alerts";
    let (io, wire) =
        wire::io_with(|settings| settings.topic_arn = Some(topic.into()), move |_| (200, answer.to_owned()));
    let attributes = [("severity", "HIGH"), ("alias", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    io.send(&Notice::Topic { arn: None, subject: "Stalled".into(), body: "db-1".into(), attributes })
        .await
        .unwrap();
    let sent = &wire.calls("Publish")[0].body;
    assert!(
        sent.contains("Subject=Stalled") && sent.contains("severity") && !sent.contains("alias"),
        "{sent}"
    );
}
