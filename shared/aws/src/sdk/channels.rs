//! What people read: the alerts topic and the Slack webhook.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_types::SdkConfig;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use secrecy::{ExposeSecret, SecretString};

use super::Answer;
use crate::io::{Notice, Receipt};
use crate::secrets::Secrets;
use crate::verdict::{self, IoError, Neighbour, Verdict, classify};

/// How long Slack may take.
const SLACK_LIMIT: Duration = Duration::from_secs(10);
const SLACK: &str = "Slack webhook";
const PUBLISH: &str = "Publish";

#[derive(Debug)]
pub(super) struct Channels {
    topic: Client,
    topic_arn: Option<String>,
    /// Why there is no client (such as a container without CA certificates) is told when one is needed.
    http: Result<reqwest::Client, String>,
    /// For webhooks on this machine, which a proxy of the environment could not reach.
    direct: Result<reqwest::Client, String>,
    slack_secret: Option<String>,
    secrets: Secrets,
}

impl Channels {
    pub(super) fn new(
        config: &SdkConfig,
        topic_arn: Option<String>,
        slack_secret: Option<String>,
        secrets: Secrets,
    ) -> Self {
        let client = || reqwest::Client::builder().timeout(SLACK_LIMIT);
        let http = client().build().map_err(|e| verdict::words(&e));
        let direct = client().no_proxy().build().map_err(|e| verdict::words(&e));
        Self { topic: Client::new(config), topic_arn, http, direct, slack_secret, secrets }
    }

    pub(super) async fn send(&self, notice: &Notice) -> Answer<Receipt> {
        match notice {
            Notice::Topic { subject, body, attributes, .. } => {
                self.publish(subject, body, attributes).await?
            }
            Notice::SlackWebhook { message, .. } => self.post(message).await?,
            Notice::Slack { .. } | Notice::Bus { .. } | Notice::Webhook { .. } => {
                return Err(failure("Send", Verdict::Permanent, "this channel is not built yet"));
            }
        }
        Ok(Receipt::default())
    }

    async fn publish(&self, subject: &str, body: &str, attributes: &BTreeMap<String, String>) -> Answer<()> {
        let topic_arn = self.topic_arn.as_ref().ok_or_else(|| unset(PUBLISH, "DRS_FLEET_TOPIC_ARN"))?;
        let mut request = self.topic.publish().topic_arn(topic_arn).subject(subject).message(body);
        // SNS refuses empty values.
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let bad = |e: aws_sdk_sns::error::BuildError| failure(PUBLISH, Verdict::Permanent, e.to_string());
            request = request.message_attributes(name, value.map_err(bad)?);
        }
        request.send().await.map_err(|e| classify(Neighbour::Channel, PUBLISH, &e))?;
        Ok(())
    }

    /// Posts to the webhook; a webhook that was replaced is read again once.
    async fn post(&self, blocks: &serde_json::Value) -> Answer<()> {
        let secret = self.slack_secret.as_deref().ok_or_else(|| unset(SLACK, "DRS_FLEET_SLACK_SECRET"))?;
        let url = self.secrets.get(secret).await?;
        let first = self.post_to(&url, blocks).await;
        let Err(IoError { verdict: Verdict::Denied, .. }) = &first else { return first };
        self.secrets.forget(secret);
        let fresh = self.secrets.get(secret).await?;
        if fresh.expose_secret() == url.expose_secret() { first } else { self.post_to(&fresh, blocks).await }
    }

    async fn post_to(&self, url: &SecretString, blocks: &serde_json::Value) -> Answer<()> {
        let is_url = url.expose_secret().starts_with("http");
        if !is_url {
            // As the hub's template leaves it, until a person who wants Slack fills it.
            return Err(failure(SLACK, Verdict::Permanent, "the secret holds no webhook URL yet"));
        }
        let is_local = url.expose_secret().starts_with("http://127.0.0.1:");
        let http = if is_local { &self.direct } else { &self.http };
        let http = http.as_ref().map_err(|why| failure(SLACK, Verdict::Permanent, why.clone()))?;
        let answer = http.post(url.expose_secret()).json(blocks).send().await.map_err(|e| {
            let verdict = if e.is_builder() { Verdict::Denied } else { Verdict::Transient };
            // Whoever has the URL can post; it must not reach a log.
            failure(SLACK, verdict, verdict::words(&e.without_url()))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wish = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(verdict::seconds);
        // Slack's answers are single words, such as `invalid_blocks` or `no_service`.
        let word: String = answer.text().await.unwrap_or_default().chars().take(80).collect();
        let mut error = failure(SLACK, of_status(status), format!("HTTP {}: {word}", status.as_u16()));
        error.retry_after = wish;
        Err(error)
    }
}

fn of_status(status: StatusCode) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled,
        // The webhook is revoked, or its channel gone: a person must make a new one.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
            Verdict::Denied
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Verdict::Transient,
        _ => Verdict::Permanent,
    }
}

fn unset(operation: &'static str, variable: &str) -> IoError {
    failure(operation, Verdict::Permanent, format!("{variable} is not set"))
}

fn failure(operation: &'static str, verdict: Verdict, message: impl Into<String>) -> IoError {
    IoError::new(Neighbour::Channel, operation, verdict, message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::io::Io;
    use crate::sdk::wire;

    /// A Slack of its own on loopback that answers each path with a status; says where it is and who asked.
    async fn slack(
        answer: impl Fn(&str) -> &'static str + Send + 'static,
    ) -> (String, Arc<Mutex<Vec<String>>>) {
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
                let _ = socket
                    .write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes())
                    .await;
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
        let answer =
            "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        let topic = "arn:aws:sns:eu-central-1:111122223333:alerts";
        let (io, wire) = wire::io_with(
            |settings| settings.topic_arn = Some(topic.into()),
            move |_| (200, answer.to_owned()),
        );
        let attributes =
            [("severity", "HIGH"), ("alias", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        io.send(&Notice::Topic { arn: None, subject: "Stalled".into(), body: "db-1".into(), attributes })
            .await
            .unwrap();
        let sent = &wire.calls("Publish")[0].body;
        assert!(
            sent.contains("Subject=Stalled") && sent.contains("severity") && !sent.contains("alias"),
            "{sent}"
        );
    }
}
