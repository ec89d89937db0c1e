//! What no name from outside can do to a message. The fuzzing in `tests/` looks with the same eyes.

use serde_json::Value;

/// Whether what Slack is sent mentions nobody, links only where we do, and hides nothing.
pub fn in_slack(message: &Value) -> Result<(), String> {
    let mut texts = Vec::new();
    marked_up(message, &mut texts);
    for text in texts {
        let is_plain = !text.contains(['~', '`']) && !text.chars().any(hides);
        if !(is_plain && has_only_our_links(text) && has_only_entities(text)) {
            return Err(format!("{text:?}"));
        }
    }
    Ok(())
}

/// Whether SNS takes an e-mail and its text hides nothing.
pub fn in_mail(subject: &str, body: &str) -> Result<(), String> {
    if !(1..=100).contains(&subject.len()) || !subject.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(format!("the subject {subject:?}"));
    }
    if body.chars().any(hides) || body.len() >= 64 * 1024 {
        return Err(format!("the body {body:?}"));
    }
    Ok(())
}

/// The texts in which Slack looks for markup; that of a header is plain.
fn marked_up<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "plain_text") => {}
        Value::Object(members) => members.values().for_each(|value| marked_up(value, texts)),
        Value::Array(values) => values.iter().for_each(|value| marked_up(value, texts)),
        Value::String(text) => texts.push(text),
        _ => {}
    }
}

/// Links to the console are the only markup with brackets.
fn has_only_our_links(text: &str) -> bool {
    let is_link = |after: &str| {
        let inside = after.split_once('>').map_or("", |(inside, _)| inside);
        inside.starts_with("https://") && inside.matches('|').count() == 1
    };
    let links: Vec<_> = text.split('<').skip(1).collect();
    links.iter().all(|after| is_link(after)) && text.matches('>').count() == links.len()
}

/// What was cut was not cut within an entity.
fn has_only_entities(text: &str) -> bool {
    let is_entity = |after: &str| ["amp;", "lt;", "gt;"].iter().any(|name| after.starts_with(name));
    text.split('&').skip(1).all(is_entity)
}

fn hides(c: char) -> bool {
    c != '\n'
        && (c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}
