//! Block Kit JSON for Slack.
//!
//! Limits and escapes: Slack's documentation, "Blocks", "Composition objects" and "Formatting message text". Each text is
//! cut after it was escaped, so that no name from outside can make a message that Slack refuses.

use serde_json::{Value, json};

use super::told::{List, Told};
use super::{Links, drill};
use crate::click::ACKNOWLEDGE;
use crate::incident::Severity;
use crate::notify::{Bulletin, Why};
use crate::own_event::{Happened, IncidentEvent};

/// Characters of a list; Slack takes 3,000 in a section, and (undocumented, slackapi/bolt-js issue 2509) some 13,000 in all
/// blocks of a message.
const LIST_LIMIT: usize = 2_900;
/// Characters of its last line, which says how many more there are and what lists them.
const REST_LIMIT: usize = 400;
/// Characters of any other text.
const TEXT_LIMIT: usize = 1_200;
/// Characters of a field; Slack takes 2,000.
const FIELD_LIMIT: usize = 600;
/// Characters of a header.
const HEADER_LIMIT: usize = 150;
/// Characters of what a button stands for.
const VALUE_LIMIT: usize = 2_000;
/// Fields of a section.
const FIELDS: usize = 10;
/// More names than this nobody reads in a chat.
const NAMED: usize = 10;

/// How things stand: the only message of a webhook, or the first of a thread where nobody listens to its buttons.
pub fn slack(bulletin: &Bulletin, links: &Links) -> Value {
    root(bulletin, links, None)
}

/// How things stand: the first message of a thread, with a button while something of it waits for somebody.
pub fn slack_with_button(bulletin: &Bulletin, links: &Links) -> Value {
    root(bulletin, links, button(bulletin))
}

fn root(bulletin: &Bulletin, links: &Links, button: Option<Value>) -> Value {
    let told = Told::of(bulletin, links);
    let mut blocks = vec![header(&told.marked(&told.headline))];
    blocks.extend(told.text.iter().map(|text| section(&escape(text, TEXT_LIMIT))));
    let fields: Vec<Value> = told.facts.iter().map(field).collect();
    blocks.extend(fields.chunks(FIELDS).map(|fields| json!({"type": "section", "fields": fields})));
    blocks.extend(told.list.as_ref().map(|shown| section(&list(shown))));
    let advice =
        told.advice.iter().map(|advice| format!("*What to do:* {}", escape(advice, TEXT_LIMIT - 20)));
    blocks.extend(advice.map(|advice| section(&advice)));
    let command = told.acknowledge.iter().filter(|_| button.is_none());
    blocks.extend(
        command.map(|command| section(&format!("*To acknowledge:* {}", escape(command, TEXT_LIMIT - 40)))),
    );
    blocks.extend(button.map(|button| json!({"type": "actions", "elements": [button]})));
    blocks.extend(link_block(&told.links));
    message(bulletin, &told, &told.line, &blocks)
}

/// Acknowledges what the message shows; see [`crate::click`].
fn button(bulletin: &Bulletin) -> Option<Value> {
    let Bulletin::Digest(digest) = bulletin else { return None };
    if !digest.waits() || digest.key.chars().count() > VALUE_LIMIT {
        return None;
    }
    let text = if digest.counts.open == 1 { "Acknowledge" } else { "Acknowledge all" };
    let text = json!({"type": "plain_text", "text": text, "emoji": false});
    Some(json!({"type": "button", "action_id": ACKNOWLEDGE, "text": text, "value": digest.key}))
}

/// What is new: a reply in the thread. A changed first message and a reply stir nobody who does not follow the thread, so
/// what must not wait is shown in the channel as well.
pub fn slack_reply(bulletin: &Bulletin) -> Value {
    let mut reply = reply(bulletin);
    if is_pressing(bulletin) {
        reply["reply_broadcast"] = true.into();
    }
    reply
}

/// Whether something bad opened, came back or became so, or nobody has acknowledged it in time or since it was last told.
fn is_pressing(bulletin: &Bulletin) -> bool {
    let Bulletin::Digest(digest) = bulletin else { return false };
    let is_bad =
        |event: &IncidentEvent| event.severity >= Severity::High && event.happened != Happened::Resolved;
    match digest.why {
        _ if digest.late => false,
        Why::Changed => digest.first.iter().any(is_bad),
        Why::Escalated(_) | Why::Repeated => true,
        Why::Acknowledged | Why::Test => false,
    }
}

fn reply(bulletin: &Bulletin) -> Value {
    let told = Told::of(bulletin, &Links::default());
    let mut blocks: Vec<_> = told.text.iter().map(|text| section(&escape(text, TEXT_LIMIT))).collect();
    // Who sees to it is all that is new.
    let is_ack = matches!(bulletin, Bulletin::Digest(digest) if digest.why == Why::Acknowledged);
    blocks.extend(told.list.as_ref().filter(|_| !is_ack).map(|shown| section(&list(shown))));
    message(bulletin, &told, &told.news, &blocks)
}

fn message(bulletin: &Bulletin, told: &Told, text: &str, blocks: &[Value]) -> Value {
    let text = escape(&told.marked(text), TEXT_LIMIT);
    if blocks.is_empty() {
        return json!({"text": text});
    }
    json!({"text": text, "attachments": [{"color": color(bulletin, told), "blocks": blocks}]})
}

fn color(bulletin: &Bulletin, told: &Told) -> &'static str {
    let severity = match bulletin {
        Bulletin::Digest(_) => told.severity,
        Bulletin::Drill(drill) => Some(drill::severity(drill)),
    };
    match severity {
        None | Some(Severity::Low) => "#36a64f",
        Some(Severity::Medium) => "#0066cc",
        Some(Severity::High) => "#ffcc00",
        Some(Severity::Critical) => "#ff0000",
    }
}

/// Plain text, in which nothing has a meaning.
fn header(text: &str) -> Value {
    let fits = text.chars().count() <= HEADER_LIMIT;
    let text =
        if fits { text.to_owned() } else { text.chars().take(HEADER_LIMIT - 1).chain(['…']).collect() };
    json!({"type": "header", "text": {"type": "plain_text", "text": text, "emoji": false}})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": mrkdwn(text)})
}

fn field((name, value): &(String, String)) -> Value {
    mrkdwn(&format!("*{}*\n{}", escape(name, 80), escape(value, FIELD_LIMIT - 80)))
}

/// `verbatim`: a name such as `@here` or `#general` is no mention, and `http://…` in a reason no link.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// As many items as fit, and how many there are besides.
fn list(list: &List) -> String {
    let mut text = format!("*{}*", list.title);
    let mut shown = 0;
    for item in list.items.iter().take(NAMED) {
        let name = match &item.link {
            Some(url) => link(&item.name, url),
            None => escape(&item.name, 400),
        };
        let line = format!("\n• {name} – {}", escape(&item.rest, 800));
        if text.chars().count() + line.chars().count() + REST_LIMIT > LIST_LIMIT {
            break;
        }
        text.push_str(&line);
        shown += 1;
    }
    text.extend(list.rest(shown).map(|rest| format!("\n{}", escape(&rest, REST_LIMIT - 1))));
    text
}

fn link_block(links: &[(String, String)]) -> Option<Value> {
    let texts: Vec<_> =
        links.iter().map(|(label, url)| mrkdwn(&link(&opening(label), url))).take(FIELDS).collect();
    (!texts.is_empty()).then(|| json!({"type": "context", "elements": texts}))
}

/// `AWS console` is where one goes, `Open in …` what one does.
fn opening(label: &str) -> String {
    match label.strip_prefix("AWS console") {
        Some(region) => format!("Open in the AWS console{region}"),
        None => label.to_owned(),
    }
}

fn link(label: &str, url: &str) -> String {
    let url = url.replace('|', "%7C").replace('<', "%3C").replace('>', "%3E").replace(' ', "%20");
    format!("<{url}|{}>", escape(&label.replace('|', "¦"), 400))
}

/// Slack's three control characters, and what would format: look-alikes take the place of these, for Slack knows no
/// escape of them. An underscore formats only around words, is part of AWS's own, and stays. `limit` holds after escaping.
fn escape(text: &str, limit: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for c in text.chars() {
        let mut alone = [0; 4];
        let written = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '*' => "∗",
            '~' => "∼",
            '`' => "ʼ",
            other => other.encode_utf8(&mut alone),
        };
        length += written.chars().count();
        if length >= limit {
            escaped.push('…');
            break;
        }
        escaped.push_str(written);
    }
    escaped
}
