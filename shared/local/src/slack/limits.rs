//! What Slack refuses in a message. Source: its documentation, "Blocks" and "Composition objects"; for all blocks together,
//! which are undocumented, what users measured (slackapi/bolt-js issue 2509).

use serde_json::Value;

/// Characters of `text`.
const TEXT: usize = 40_000;
/// Blocks of a message, or of an attachment.
const BLOCKS: usize = 50;
/// Characters of all texts in blocks.
const ALL: usize = 13_000;
/// Attachments of a message.
const ATTACHMENTS: usize = 100;

/// Checks a message.
///
/// # Errors
/// The word that Slack answers.
pub fn check(message: &Value) -> Result<(), &'static str> {
    let text = message["text"].as_str().unwrap_or_default();
    if text.chars().count() > TEXT {
        return Err("msg_too_long");
    }
    let attachments = list(&message["attachments"]);
    if attachments.len() > ATTACHMENTS {
        return Err("too_many_attachments");
    }
    let all: Vec<&[Value]> =
        std::iter::once(message).chain(attachments).map(|holder| list(&holder["blocks"])).collect();
    if text.trim().is_empty() && all.iter().all(|blocks| blocks.is_empty()) {
        return Err("no_text");
    }
    if all.iter().any(|blocks| blocks.len() > BLOCKS) || !all.iter().copied().flatten().all(is_block) {
        return Err("invalid_blocks");
    }
    let length: usize = all.iter().copied().flatten().map(length).sum();
    if length > ALL { Err("msg_blocks_too_long") } else { Ok(()) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && is_text(&block["text"], 150),
        Some("section") => {
            let fields = list(&block["fields"]);
            let has_fields = (1..=10).contains(&fields.len()) && fields.iter().all(|f| is_text(f, 2_000));
            let has_text = is_text(&block["text"], 3_000);
            let right = |has, member: &str| has || block[member].is_null();
            (has_text || has_fields) && right(has_text, "text") && right(has_fields, "fields")
        }
        Some("context") => {
            let elements = list(&block["elements"]);
            (1..=10).contains(&elements.len()) && elements.iter().all(|e| is_text(e, 2_000))
        }
        Some("actions") => {
            let elements = list(&block["elements"]);
            (1..=25).contains(&elements.len()) && elements.iter().all(is_button)
        }
        Some("divider") => true,
        _ => false,
    }
}

/// The only element of `actions` that is known here.
fn is_button(button: &Value) -> bool {
    let fits = |member: &str, limit| {
        button[member].as_str().is_some_and(|text| (1..=limit).contains(&text.chars().count()))
    };
    let text = &button["text"];
    let has_text = text["type"] == "plain_text" && is_text(text, 75);
    button["type"] == "button" && has_text && fits("action_id", 255) && fits("value", 2_000)
}

fn is_text(text: &Value, limit: usize) -> bool {
    let is_kind = matches!(text["type"].as_str(), Some("plain_text" | "mrkdwn"));
    is_kind && text["text"].as_str().is_some_and(|text| (1..=limit).contains(&text.chars().count()))
}

/// Characters of all texts in a block.
fn length(block: &Value) -> usize {
    let own = block["text"]["text"].as_str().map_or(0, |text| text.chars().count());
    let text =
        |one: &Value| one["text"].as_str().or(one["text"]["text"].as_str()).map_or(0, |t| t.chars().count());
    let of = |name: &str| list(&block[name]).iter().map(text);
    own + of("fields").chain(of("elements")).sum::<usize>()
}
