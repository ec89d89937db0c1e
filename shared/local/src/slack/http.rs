//! The workspace's HTTP face.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::{HOOK_CHANNEL, Slack, Workspace};

pub(super) fn routes(slack: Slack) -> Router {
    Router::new()
        .route("/api/chat.postMessage", post(post_message))
        .route("/api/chat.update", post(update))
        .route("/slack/{hook}", post(take))
        .with_state(slack)
}

async fn post_message(State(slack): State<Slack>, headers: HeaderMap, body: String) -> Response {
    method(&slack, &headers, &body, Workspace::post)
}

async fn update(State(slack): State<Slack>, headers: HeaderMap, body: String) -> Response {
    method(&slack, &headers, &body, Workspace::update)
}

/// Answers 200 with what is wrong in the body, but for throttling, as Slack does.
fn method(
    slack: &Slack,
    headers: &HeaderMap,
    body: &str,
    act: impl FnOnce(&mut Workspace, &str, Value) -> Result<String, String>,
) -> Response {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
    let message = serde_json::from_str(body).ok().filter(|message: &Value| is_json && message.is_object());
    let said = match message {
        None => Err("invalid_json".to_owned()),
        Some(message) => {
            let channel = message["channel"].as_str().unwrap_or_default().to_owned();
            let token =
                headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            let mut workspace = slack.workspace();
            workspace.admit(token, &channel).and_then(|()| {
                let ts = act(&mut workspace, &channel, message)?;
                Ok(json!({"ok": true, "channel": channel, "ts": ts}))
            })
        }
    };
    let said = said.unwrap_or_else(|word| json!({"ok": false, "error": word}));
    let json = [(CONTENT_TYPE, "application/json; charset=utf-8")];
    if said["error"] == "ratelimited" {
        return (StatusCode::TOO_MANY_REQUESTS, json, [(RETRY_AFTER, "1")], said.to_string()).into_response();
    }
    (json, said.to_string()).into_response()
}

/// A webhook answers `ok`, or a word that says what is wrong.
async fn take(State(slack): State<Slack>, Path(hook): Path<String>, body: String) -> Response {
    let mut workspace = slack.workspace();
    if hook != workspace.hook {
        return (StatusCode::FORBIDDEN, "invalid_token").into_response();
    }
    let Some(message) = serde_json::from_str(&body).ok().filter(Value::is_object) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    let taken = match workspace.refusals.pop_front() {
        Some(word) => Err(word),
        None => workspace.post(HOOK_CHANNEL, message),
    };
    match taken {
        Ok(_) => "ok".into_response(),
        Err(word) if word == "ratelimited" => {
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], word).into_response()
        }
        Err(word) => (StatusCode::BAD_REQUEST, word).into_response(),
    }
}
