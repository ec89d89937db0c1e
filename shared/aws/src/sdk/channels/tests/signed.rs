//! Webhooks of others, against a receiver on loopback.

use super::*;

const KEY: &str = "0123456789abcdef";

fn hub(url: &str) -> crate::sdk::SdkIo {
    let held = json!({ "url": url, "key": KEY }).to_string();
    wire::io(move |_| (200, json!({ "SecretString": held }).to_string())).0
}

fn told() -> Notice {
    Notice::Webhook {
        secret: "drs-fleet/notify-pager".into(),
        key: "group#7".into(),
        body: json!({"open": 2}),
    }
}

#[tokio::test]
async fn a_receiver_can_tell_that_a_message_is_ours_and_no_repetition() {
    let (url, asked) = receiver(|_| "204 No Content").await;
    hub(&format!("{url}/hook")).send(&told()).await.unwrap();
    let request = asked.lock().unwrap()[0].clone();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} in {head}")).to_owned()
    };
    assert_eq!((header("idempotency-key").as_str(), body), ("group#7", "{\"open\":2}"));
    let signature =
        super::super::signed::signature(&KEY.to_owned().into(), &header("x-drs-fleet-timestamp"), body)
            .unwrap();
    assert_eq!(header("x-drs-fleet-signature"), format!("v1={signature}"));
}

#[tokio::test]
async fn each_answer_has_its_verdict_and_none_shows_address_or_key() {
    for (answer, verdict) in [
        ("429 Too Many Requests\r\nretry-after: 9", Verdict::Throttled),
        ("503 Service Unavailable", Verdict::Transient),
        ("409 Conflict", Verdict::Transient),
        ("403 Forbidden", Verdict::Denied),
        ("302 Found\r\nlocation: /other", Verdict::Denied),
        ("422 Unprocessable Content", Verdict::Permanent),
    ] {
        let (url, asked) = receiver(move |_| answer).await;
        let error = hub(&format!("{url}/hunter2")).send(&told()).await.unwrap_err();
        assert_eq!((error.verdict, asked.lock().unwrap().len()), (verdict, 1), "{answer}");
        assert_eq!(error.retry_after.is_some(), verdict == Verdict::Throttled);
        assert!(!error.to_string().contains("hunter2") && !error.to_string().contains(KEY), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_sent_where_others_could_listen() {
    let error = hub("http://hooks.example.com/hunter2").send(&told()).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Denied);
    assert!(error.to_string().contains("https://") && !error.to_string().contains("hunter2"), "{error}");
}
