//! The bot, against the Slack of `shared/local`.

use drs_fleet_local::slack::{Channel, Slack};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::sdk::SdkIo;

struct Scene {
    io: SdkIo,
    slack: Slack,
    /// What the secret holds.
    secret: Arc<Mutex<String>>,
    _open: DropGuard,
}

impl Scene {
    async fn new() -> Self {
        let stop = CancellationToken::new();
        let (slack, address) = Slack::open(stop.clone()).await.unwrap();
        slack.set_channel("C1", Channel::Open);
        let secret = Arc::new(Mutex::new(slack.token()));
        let held = Arc::clone(&secret);
        let (io, _) = wire::io_with(
            |settings| settings.slack_api = Some(format!("{address}/api")),
            move |_| (200, json!({ "SecretString": *held.lock().unwrap() }).to_string()),
        );
        Self { io, slack, secret, _open: stop.drop_guard() }
    }

    async fn tell(&self, thread: Option<&str>, message: Value) -> Answer<String> {
        self.tell_late(thread, message, false).await
    }

    async fn tell_late(&self, thread: Option<&str>, message: Value, is_late: bool) -> Answer<String> {
        let notice = Notice::Slack {
            secret: "drs-fleet/slack-bot".into(),
            channel: "C1".into(),
            thread: thread.map(str::to_owned),
            message,
            is_late,
            reply: json!({"text": "news"}),
            severity: Severity::High,
        };
        self.io.send(&notice).await.map(|receipt| receipt.thread.unwrap())
    }

    async fn refused(&self, word: &str) -> IoError {
        self.slack.refuse_next(word);
        self.tell(None, json!({"text": "x"})).await.unwrap_err()
    }

    /// What the channel shows: text and thread.
    fn shown(&self) -> Vec<(String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let messages = self.slack.messages().into_iter();
        messages.map(|m| (text(&m["text"]).unwrap(), text(&m["thread_ts"]))).collect()
    }
}

#[tokio::test]
async fn what_comes_late_is_a_reply_and_turns_the_first_message_back_to_nothing_older() {
    let scene = Scene::new().await;
    let thread = scene.tell(None, json!({"text": "all over"})).await.unwrap();
    assert_eq!(scene.tell_late(Some(&thread), json!({"text": "two open"}), true).await.unwrap(), thread);
    assert_eq!(scene.shown(), [("all over".into(), None), ("news".into(), Some(thread))]);
}

#[tokio::test]
async fn a_thread_shows_how_things_stand_and_then_what_is_new() {
    let scene = Scene::new().await;
    let thread = scene.tell(None, json!({"text": "two open"})).await.unwrap();
    assert_eq!(scene.shown(), [("two open".into(), None)]);
    let same = scene.tell(Some(&thread), json!({"text": "one open"})).await.unwrap();
    assert_eq!(same, thread);
    assert_eq!(scene.shown(), [("one open".into(), None), ("news".into(), Some(thread))]);
}

#[tokio::test]
async fn a_thread_whose_first_message_was_deleted_is_begun_anew() {
    let scene = Scene::new().await;
    let thread = scene.tell(None, json!({"text": "two open"})).await.unwrap();
    scene.slack.delete(&thread);
    let fresh = scene.tell(Some(&thread), json!({"text": "one open"})).await.unwrap();
    assert_ne!(fresh, thread);
    assert_eq!(scene.shown(), [("one open".into(), None)]);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again_at_once() {
    let scene = Scene::new().await;
    scene.tell(None, json!({"text": "one"})).await.unwrap();
    *scene.secret.lock().unwrap() = scene.slack.rotate_token();
    scene.tell(None, json!({"text": "two"})).await.unwrap();
    assert_eq!(scene.shown().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_wrong_and_stays_so_is_a_denial_that_does_not_show_it() {
    let scene = Scene::new().await;
    *scene.secret.lock().unwrap() = "xoxb-hunter2".into();
    let error = scene.tell(None, json!({"text": "one"})).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Denied);
    assert!(error.to_string().contains("put a valid bot token"), "{error}");
    *scene.secret.lock().unwrap() = "replace-with-hunter2".into();
    let placeholder = scene.tell(None, json!({"text": "one"})).await.unwrap_err();
    assert_eq!(placeholder.verdict, Verdict::Denied);
    assert!(!format!("{error}{placeholder}").contains("hunter2"), "{error} {placeholder}");
}

#[tokio::test]
async fn what_a_person_must_mend_is_a_denial_that_says_how() {
    let scene = Scene::new().await;
    for (channel, mend) in [(Channel::NotMember, "invite the bot"), (Channel::Archived, "unarchive")] {
        scene.slack.set_channel("C1", channel);
        let error = scene.tell(None, json!({"text": "x"})).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Denied);
        assert!(error.to_string().contains(mend) && error.to_string().contains("C1"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_of_slack_has_its_verdict() {
    for (word, verdict) in [
        ("ratelimited", Verdict::Throttled),
        ("internal_error", Verdict::Transient),
        ("msg_too_long", Verdict::Permanent),
        ("a_word_that_is_new", Verdict::Denied),
    ] {
        assert_eq!(Scene::new().await.refused(word).await.verdict, verdict, "{word}");
    }
    let wish = Scene::new().await.refused("ratelimited").await.retry_after;
    assert_eq!(wish, Some(Duration::from_secs(1)), "as Retry-After says");
}

#[tokio::test]
async fn what_slack_would_never_take_is_given_up_on() {
    let scene = Scene::new().await;
    let error = scene.tell(None, json!({"blocks": [{"type": "section"}]})).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Permanent);
    assert!(error.to_string().contains("invalid_blocks"), "{error}");
}

#[tokio::test]
async fn an_incoming_webhook_shows_what_slack_takes_and_tells_what_it_does_not() {
    let stop = CancellationToken::new();
    let (slack, address) = Slack::open(stop.clone()).await.unwrap();
    let io = notifier(vec![format!("{address}{}", slack.hook_path())]);
    io.send(&notice()).await.unwrap();
    assert_eq!(slack.messages()[0]["text"], "stalled");
    let wrong = Notice::SlackWebhook {
        secret: None,
        message: json!({"blocks": [{"type": "section"}]}),
        severity: Severity::High,
    };
    let error = io.send(&wrong).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Permanent);
    assert!(error.to_string().contains("invalid_blocks"), "{error}");
    stop.cancel();
}

#[tokio::test]
async fn a_burst_into_one_channel_is_taken_whole() {
    let scene = Scene::new().await;
    let texts = ["one", "two", "three"].map(|text| json!({ "text": text }));
    let told = texts.map(|message| scene.tell(None, message));
    let answers = futures::future::join_all(told).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(scene.shown().len(), 3);
}
