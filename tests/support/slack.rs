//! A Slack channel: an incoming webhook that remembers what it was sent.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The channel. It closes when it is dropped.
pub(crate) struct Slack {
    url: String,
    messages: Messages,
    _open: DropGuard,
}

type Messages = Arc<Mutex<Vec<Value>>>;

impl Slack {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let (messages, stop) = (Messages::default(), CancellationToken::new());
        let routes = Router::new().route("/webhook", post(take)).with_state(Arc::clone(&messages));
        let closed = stop.clone().cancelled_owned();
        tokio::spawn(axum::serve(listener, routes).with_graceful_shutdown(closed).into_future());
        Self { url, messages, _open: stop.drop_guard() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The first lines of the messages so far, oldest first.
    pub(crate) fn texts(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The messages so far, oldest first.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.messages.lock().unwrap().clone()
    }
}

async fn take(State(messages): State<Messages>, Json(message): Json<Value>) -> &'static str {
    messages.lock().unwrap().push(message);
    "ok"
}
