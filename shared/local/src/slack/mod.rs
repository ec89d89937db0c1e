//! A Slack: channels that a bot posts to, clicks on its buttons, and an incoming webhook. It refuses what Slack refuses, with Slack's own words.
//!
//! Sources: Slack's reference of `chat.postMessage` and `chat.update`, "Rate limits", "Sending messages using incoming
//! webhooks". That an unknown `thread_ts` is `thread_not_found` is the word of `conversations.replies`; the reference of
//! posting has none for it.

mod clicks;
mod http;
pub mod limits;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::clicks::{Interaction, User, signature};

/// `chat.update` is of tier 3: some 50 calls a minute.
const UPDATES: usize = 50;

/// One message a second and channel; less what the way may take from the distance of two that were sent so.
const BETWEEN: Duration = Duration::from_millis(900);

/// What messages of the incoming webhook have as their channel.
pub const HOOK_CHANNEL: &str = "incoming-webhook";

/// How a channel is to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The bot is in it.
    Open,
    /// The bot is not.
    NotMember,
    /// It is archived.
    Archived,
}

/// A workspace. Clones share it.
#[derive(Clone, Debug)]
pub struct Slack(Arc<Mutex<Workspace>>);

#[derive(Debug)]
struct Workspace {
    token: String,
    signing_secret: String,
    hook: String,
    channels: BTreeMap<String, Channel>,
    messages: Vec<Value>,
    posted: BTreeMap<String, Instant>,
    /// When messages were changed in the last minute.
    updated: VecDeque<Instant>,
    refusals: VecDeque<String>,
    counter: u64,
}

impl Default for Slack {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Workspace {
            token: new_token(),
            signing_secret: uuid::Uuid::new_v4().simple().to_string(),
            hook: uuid::Uuid::new_v4().simple().to_string(),
            channels: BTreeMap::new(),
            messages: Vec::new(),
            posted: BTreeMap::new(),
            updated: VecDeque::new(),
            refusals: VecDeque::new(),
            counter: 0,
        })))
    }
}

fn new_token() -> String {
    format!("xoxb-{}", uuid::Uuid::new_v4().simple())
}

impl Slack {
    /// Opens a workspace on a free loopback port until `stop`; answers its address.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(stop: CancellationToken) -> std::io::Result<(Self, String)> {
        let slack = Self::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let served = axum::serve(listener, slack.routes()).with_graceful_shutdown(stop.cancelled_owned());
        tokio::spawn(served.into_future());
        Ok((slack, address))
    }

    /// `/api/chat.postMessage`, `/api/chat.update` and the webhook, for a server of others.
    pub fn routes(&self) -> Router {
        http::routes(self.clone())
    }

    /// The path of the incoming webhook.
    pub fn hook_path(&self) -> String {
        format!("/slack/{}", self.workspace().hook)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.workspace().token.clone()
    }

    /// Gives the bot another token; the one before is refused from now on.
    pub fn rotate_token(&self) -> String {
        let token = new_token();
        self.workspace().token.clone_from(&token);
        token
    }

    /// Adds a channel, or changes it.
    pub fn set_channel(&self, id: &str, channel: Channel) {
        self.workspace().channels.insert(id.to_owned(), channel);
    }

    /// Has the next call refused, whatever it is.
    pub fn refuse_next(&self, word: &str) {
        self.workspace().refusals.push_back(word.to_owned());
    }

    /// Deletes a message, as a person may.
    pub fn delete(&self, ts: &str) {
        self.workspace().messages.retain(|message| message["ts"] != ts);
    }

    /// The messages as they are now, in the order in which they were first posted, with `channel`, `ts` and, for
    /// replies, `thread_ts`.
    pub fn messages(&self) -> Vec<Value> {
        self.workspace().messages.clone()
    }

    fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workspace {
    fn admit(&mut self, token: Option<&str>, channel: &str) -> Result<(), String> {
        if let Some(word) = self.refusals.pop_front() {
            return Err(word);
        }
        match token {
            None => return Err("not_authed".to_owned()),
            Some(token) if token != self.token => return Err("invalid_auth".to_owned()),
            Some(_) => {}
        }
        match self.channels.get(channel) {
            None => Err("channel_not_found".to_owned()),
            Some(Channel::NotMember) => Err("not_in_channel".to_owned()),
            Some(Channel::Archived) => Err("is_archived".to_owned()),
            Some(Channel::Open) => Ok(()),
        }
    }

    /// Posts a message that is within the limits; answers its `ts`.
    fn post(&mut self, channel: &str, mut message: Value) -> Result<String, String> {
        limits::check(&message)?;
        let is_root = |known: &Value| {
            known["channel"] == channel && known["thread_ts"].is_null() && known["ts"] == message["thread_ts"]
        };
        if !message["thread_ts"].is_null() && !self.messages.iter().any(is_root) {
            return Err("thread_not_found".to_owned());
        }
        let now = Instant::now();
        if self.posted.get(channel).is_some_and(|last| now.duration_since(*last) < BETWEEN) {
            return Err("ratelimited".to_owned());
        }
        self.posted.insert(channel.to_owned(), now);
        self.counter += 1;
        let ts = format!("{}.{:06}", 1_700_000_000 + self.counter, self.counter);
        message["channel"] = channel.into();
        message["ts"] = ts.as_str().into();
        self.messages.push(message);
        Ok(ts)
    }

    fn update(&mut self, channel: &str, mut message: Value) -> Result<String, String> {
        limits::check(&message)?;
        let is_it = |known: &&mut Value| known["channel"] == channel && known["ts"] == message["ts"];
        let known = self.messages.iter_mut().find(is_it).ok_or("message_not_found")?;
        if let Some(thread) = known.get("thread_ts") {
            message["thread_ts"] = thread.clone();
        }
        let now = Instant::now();
        self.updated.retain(|at| now.duration_since(*at) < Duration::from_mins(1));
        if self.updated.len() >= UPDATES {
            return Err("ratelimited".to_owned());
        }
        self.updated.push_back(now);
        let ts = message["ts"].as_str().unwrap_or_default().to_owned();
        *known = message;
        Ok(ts)
    }
}

#[cfg(test)]
mod tests;
