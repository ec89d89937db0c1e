//! Slack as a bot: one thread per group, whose first message shows how the group stands.
//!
//! The first message is brought up to date before the reply is posted: the update may be repeated without harm, so that a
//! repetition after a lost answer is one reply more at most. Words of errors: Slack's reference of `chat.postMessage` and
//! `chat.update`.

use drs_fleet_domain::incident::Severity;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::http::Answered;
use super::{Channels, PAUSE, failure, of_status};
use crate::io::Io;
use crate::sdk::Answer;
use crate::verdict::{IoError, Verdict};

/// Where Slack is.
pub(super) const API: &str = "https://slack.com/api";

const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

/// A thread, or where to begin one.
#[derive(Clone, Copy, Debug)]
pub(super) struct To<'a> {
    pub(super) secret: &'a str,
    pub(super) channel: &'a str,
    pub(super) thread: Option<&'a str>,
    /// The thread's first message shows what is newer.
    pub(super) is_late: bool,
    pub(super) severity: Severity,
}

/// What every method answers.
#[derive(Debug, Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    ts: Option<String>,
}

impl Channels {
    /// Shows in a thread how things stand, and what is new. Answers the thread.
    pub(super) async fn tell_thread<I: Io>(
        &self,
        table: &I,
        to: To<'_>,
        message: &Value,
        reply: &Value,
    ) -> Answer<String> {
        let Some(thread) = to.thread else { return self.say(table, POST, to, None, message).await };
        if !to.is_late {
            match self.say(table, UPDATE, to, Some(("ts", thread)), message).await {
                Ok(_) => {}
                // A person has deleted it, or the workspace lets nobody edit what is old: a new thread says it all.
                Err(error) if is_lost(&error) => return self.say(table, POST, to, None, message).await,
                Err(error) => return Err(error),
            }
        }
        self.say(table, POST, to, Some(("thread_ts", thread)), reply).await?;
        Ok(thread.to_owned())
    }

    /// Calls a method with a message and, perhaps, the `ts` of another; answers the message's `ts`.
    async fn say<I: Io>(
        &self,
        table: &I,
        method: &'static str,
        to: To<'_>,
        with: Option<(&str, &str)>,
        message: &Value,
    ) -> Answer<String> {
        let mut body = message.as_object().cloned().unwrap_or_default();
        body.insert("channel".to_owned(), to.channel.into());
        body.extend(with.map(|(name, ts)| (name.to_owned(), ts.into())));
        if method == POST {
            // Previews of the console's sign-in page would be longer than the message.
            body.insert("unfurl_links".to_owned(), false.into());
        }
        let body = &Value::Object(body).to_string();
        self.with_secret(to.secret, |token| async move {
            let headers = authorization(method, to.secret, &token)?;
            self.pace.turn(table, method, to.channel, to.severity).await?;
            let url = format!("{}/{method}", self.slack_api);
            let answer = self.http.post(method, &url, headers, body.clone()).await?;
            let said = read(method, to.channel, &answer);
            if let Err(IoError { verdict: Verdict::Throttled, retry_after: Some(wish), .. }) = &said {
                self.pace.hold(table, to.channel, *wish).await;
            }
            said
        })
        .await
    }
}

fn authorization(method: &'static str, secret: &str, token: &SecretString) -> Answer<HeaderMap> {
    let token = token.expose_secret();
    if !token.starts_with("xox") {
        // As the hub's template leaves it, until a person who wants Slack fills it.
        let message = format!("secret {secret:?} holds no token of a Slack bot (xoxb-…) yet");
        return Err(failure(method, Verdict::Denied, message));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| failure(method, Verdict::Denied, format!("secret {secret:?} holds no token")))?;
    value.set_sensitive(true);
    Ok([(AUTHORIZATION, value)].into_iter().collect())
}

/// What Slack means: it says what is wrong in the body, mostly with status 200.
fn read(method: &'static str, channel: &str, answer: &Answered) -> Answer<String> {
    let said = serde_json::from_str::<Said>(&answer.body).ok();
    let word = match &said {
        Some(Said { ok: true, ts: Some(ts), .. }) => return Ok(ts.clone()),
        Some(Said { error: Some(error), .. }) => {
            error.chars().filter(char::is_ascii_graphic).take(80).collect()
        }
        _ => String::new(),
    };
    let verdict = if word.is_empty() {
        // A proxy, or a Slack that is not itself; a status of success without a word is no success.
        if answer.status.is_success() { Verdict::Transient } else { of_status(answer.status) }
    } else {
        of_word(&word)
    };
    let status = answer.status.as_u16();
    let message = match (word.as_str(), hint(&word)) {
        ("", _) => format!("HTTP {status} without a word of Slack"),
        (word, None) => format!("{word} (channel {channel})"),
        (word, Some(hint)) => format!("{word} (channel {channel}): {hint}"),
    };
    let mut error = failure(method, verdict, message);
    let throttled = verdict == Verdict::Throttled;
    error.retry_after = answer.retry_after.or(throttled.then_some(PAUSE));
    Err(error)
}

/// A word that nobody has thought of is one that a person must look at: the message is kept until then.
fn of_word(word: &str) -> Verdict {
    match word {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => Verdict::Throttled,
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "external_channel_migrating" => Verdict::Transient,
        "msg_too_long"
        | "msg_blocks_too_long"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_attachments"
        | "too_many_attachments"
        | "attachment_payload_limit_exceeded"
        | "no_text"
        | "block_mismatch"
        | "invalid_arguments"
        | "invalid_json"
        | "json_not_object"
        | MESSAGE_NOT_FOUND
        | CANNOT_UPDATE
        | WINDOW_CLOSED => Verdict::Permanent,
        _ => Verdict::Denied,
    }
}

const MESSAGE_NOT_FOUND: &str = "message_not_found";
const CANNOT_UPDATE: &str = "cant_update_message";
const WINDOW_CLOSED: &str = "edit_window_closed";

fn is_lost(error: &IoError) -> bool {
    [MESSAGE_NOT_FOUND, CANNOT_UPDATE, WINDOW_CLOSED].iter().any(|word| error.message.starts_with(word))
}

/// What a person can do.
fn hint(word: &str) -> Option<&'static str> {
    match word {
        "channel_not_found" => {
            Some("check the channel's id in the routes, and invite the bot if it is private")
        }
        "not_in_channel" => Some("invite the bot into the channel"),
        "is_archived" => Some("unarchive the channel, or name another in the routes"),
        "invalid_auth" | "token_revoked" | "not_authed" | "token_expired" | "account_inactive" => {
            Some("put a valid bot token into the secret")
        }
        "missing_scope" => Some("give the bot the scope chat:write and install it again"),
        _ => None,
    }
}
