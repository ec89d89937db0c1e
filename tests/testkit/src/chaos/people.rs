//! People, as a program that takes what the notifier sends: a webhook that remembers each message and its key.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use drs_fleet_domain::notify::{Channel, Routes};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::routes::each_at_once;

/// The hub keeps the webhook's address and key here.
pub(super) const SECRET: &str = "drs-fleet/notify-chaos";
const CHANNEL: &str = "people";

/// A message as it came.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// The same for each repetition.
    pub(super) key: String,
    pub(super) body: Value,
}

type Posts = Arc<Mutex<Vec<Post>>>;

/// Whoever is told. It closes when it is dropped.
pub(super) struct People {
    url: String,
    posts: Posts,
    _open: DropGuard,
}

impl People {
    pub(super) async fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (posts, stop) = (Posts::default(), CancellationToken::new());
        let routes = Router::new().route("/", post(take)).with_state(Arc::clone(&posts));
        let closed = stop.clone().cancelled_owned();
        tokio::spawn(axum::serve(listener, routes).with_graceful_shutdown(closed).into_future());
        Ok(Self { url, posts, _open: stop.drop_guard() })
    }

    /// Each incident is told to them, by itself.
    pub(super) fn routes() -> anyhow::Result<Routes> {
        let name = CHANNEL.to_owned().try_into().map_err(anyhow::Error::msg)?;
        let mut routes = each_at_once();
        routes.channels.insert(name, Channel::Webhook { secret: SECRET.to_owned() });
        routes.default.channels = Some(routes.channels.keys().cloned().collect());
        Ok(routes)
    }

    /// What the secret holds.
    pub(super) fn secret(&self) -> String {
        json!({ "url": self.url, "key": "chaos needs no secrets" }).to_string()
    }

    /// What came so far, oldest first.
    pub(super) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(State(posts): State<Posts>, headers: HeaderMap, Json(body): Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    posts.lock().unwrap_or_else(PoisonError::into_inner).push(Post { key, body });
}
