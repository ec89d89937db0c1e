//! The words that people read: an incident as an e-mail and as a Slack message.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::incident::Severity;
use crate::own_event::{Happened, IncidentEvent};
use crate::words::{self, SubjectKind};

/// SNS refuses longer subjects.
const SUBJECT_LIMIT: usize = 100;
/// Longer texts from outside are cut, so that a message stays readable and within Slack's limits.
const TEXT_LIMIT: usize = 200;

/// An e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// At most 100 printable ASCII characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For subscribers' filter policies.
    pub attributes: BTreeMap<String, String>,
}

fn headline(event: &IncidentEvent) -> String {
    let over = if event.happened == Happened::Resolved { "Resolved: " } else { "" };
    format!("{over}{}: {}", words::title(event.kind), cut(&event.subject_name))
}

/// The message as an e-mail.
pub fn email(event: &IncidentEvent) -> Email {
    let severity = match event.happened {
        Happened::Resolved => String::new(),
        _ => format!("[{}] ", event.severity),
    };
    let subject = format!("{severity}{} ({})", headline(event), cut(&event.account_name));
    let mut lines = vec![headline(event), String::new()];
    lines.extend(facts(event).into_iter().map(|(name, value)| format!("{:<10}{value}", format!("{name}:"))));
    if event.happened != Happened::Resolved {
        lines.extend([String::new(), format!("What usually helps: {}", words::advice(event.kind))]);
    }
    lines.extend([String::new(), format!("AWS console: {}", console_link(event)), String::new()]);
    let body = lines.join("\n");
    Email { subject: ascii_line(&subject), body, attributes: attributes(event) }
}

/// The message as a Slack incoming webhook takes it.
pub fn slack(event: &IncidentEvent) -> Value {
    let fields: Vec<Value> = facts(event)
        .into_iter()
        .map(|(name, value)| json!({"type": "mrkdwn", "text": format!("*{name}*\n{}", escape(&value))}))
        .collect();
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut_to(&headline(event), 150)}}),
        json!({"type": "section", "fields": fields}),
    ];
    if event.happened != Happened::Resolved {
        let text = format!("*What usually helps:* {}", words::advice(event.kind));
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}));
    }
    let link = format!("<{}|Open in the AWS console>", console_link(event));
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}));
    json!({
        "text": escape(&format!("{} ({})", headline(event), cut(&event.account_name))),
        "attachments": [{"color": color(event), "blocks": blocks}],
    })
}

fn facts(event: &IncidentEvent) -> Vec<(&'static str, String)> {
    let subject = match words::subject(event.kind) {
        SubjectKind::Account => None,
        SubjectKind::Server => Some(("Server", named(&event.subject_name, &event.subject))),
    };
    let mut facts = vec![("Severity", event.severity.to_string())];
    facts.extend(subject);
    facts.push(("Account", named(&event.account_name, event.account_id.as_str())));
    facts.push(("Region", event.region.to_string()));
    if event.happened == Happened::Resolved {
        facts.push(("Lasted", duration(event.opened_at, event.at)));
        facts.push(("Resolved", minute(event.at)));
    } else {
        facts.push(("Since", minute(event.opened_at)));
        facts.push(("Reason", cut(&event.reason)));
    }
    facts
}

fn attributes(event: &IncidentEvent) -> BTreeMap<String, String> {
    [
        ("severity", event.severity.to_string()),
        ("kind", event.kind.to_string()),
        ("accountId", event.account_id.to_string()),
        ("region", event.region.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn color(event: &IncidentEvent) -> &'static str {
    match (event.happened, event.severity) {
        (Happened::Resolved, _) | (_, Severity::Low) => "#36a64f",
        (_, Severity::Medium) => "#0066cc",
        (_, Severity::High) => "#ffcc00",
        (_, Severity::Critical) => "#ff0000",
    }
}

/// The DRS console page of the subject.
pub fn console_link(event: &IncidentEvent) -> String {
    let region = &event.region;
    let domain = if region.as_str().starts_with("us-gov-") {
        "console.amazonaws-us-gov.com"
    } else {
        "console.aws.amazon.com"
    };
    let page = match words::subject(event.kind) {
        SubjectKind::Server => format!("sourceServers/{}", event.subject),
        SubjectKind::Account => "sourceServers".to_owned(),
    };
    format!("https://{region}.{domain}/drs/home?region={region}#/{page}")
}

/// `name (id)`, or the id alone where there is no name.
fn named(name: &str, id: &str) -> String {
    if name == id { id.to_owned() } else { format!("{} ({id})", cut(name)) }
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Control characters would break lines and hide text.
fn cut_to(text: &str, limit: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= limit {
        return clean;
    }
    clean.chars().take(limit - 1).chain(['…']).collect()
}

fn cut(text: &str) -> String {
    cut_to(text, TEXT_LIMIT)
}

/// SNS takes printable ASCII in subjects; everything else becomes `?`.
fn ascii_line(text: &str) -> String {
    let ascii: String =
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if ascii.len() <= SUBJECT_LIMIT { ascii } else { format!("{}...", &ascii[..SUBJECT_LIMIT - 3]) }
}

/// Slack's three control characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Condition, IncidentKind, Incidents, Subject, reconcile};
    use crate::keys::Place;

    fn told(name: &str) -> Vec<IncidentEvent> {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let id = "s-12345678901234567";
        let subject = Subject { place: &place, account_name: "erp-prod", id, name };
        let since: Timestamp = "2026-08-22T20:12:19Z".parse().unwrap();
        let mut open = Incidents::new();
        let condition = Condition {
            kind: IncidentKind::ReplicationStalled,
            since,
            severity: Severity::High,
            reason: "DRS reports AGENT_NOT_SEEN".into(),
        };
        let mut events = reconcile(&mut open, &[condition], &subject, since);
        let end = "2026-08-22T22:30:00Z".parse().unwrap();
        events.extend(reconcile(&mut open, &[], &subject, end));
        events
    }

    #[test]
    fn an_email_says_what_where_since_when_and_what_helps() {
        let texts: Vec<_> =
            told("erp-db-03").iter().map(email).map(|m| format!("{}\n\n{}", m.subject, m.body)).collect();
        insta::assert_snapshot!(texts.join("\n====\n"));
    }

    #[test]
    fn a_slack_message_says_the_same() {
        let messages: Vec<_> = told("erp-db-03").iter().map(slack).collect();
        // Whether objects keep their members' order is up to what else is in the build.
        insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(messages) });
    }

    #[test]
    fn names_from_outside_neither_break_out_nor_overflow() {
        let name = format!("<!channel> & <http://x|y>\r\n\u{202e}{}", "x".repeat(10_000));
        let event = &told(&name)[0];
        let mail = email(event);
        assert!(mail.subject.len() <= 100 && mail.subject.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let slack = slack(event);
        let section = slack["attachments"][0]["blocks"][1].to_string();
        assert!(!section.contains("<!channel>") && !section.contains("\\r"), "{section}");
        assert!(slack.to_string().len() < 3000);
    }
}
