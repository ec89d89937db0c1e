//! The words that people read: an incident as an e-mail and as a Slack message.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::JobId;
use crate::incident::Severity;
use crate::own_event::{Happened, IncidentEvent};
use crate::words::{self, SubjectKind};

/// SNS refuses longer subjects.
const SUBJECT_LIMIT: usize = 100;
/// Longer names from outside are cut, so that a message stays readable and within Slack's limits.
const NAME_LIMIT: usize = 200;
/// What AWS answers to a call that it denies names two ARNs and fits.
const REASON_LIMIT: usize = 500;

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

/// The message as an e-mail.
pub fn email(event: &IncidentEvent) -> Email {
    let severity = if is_over(event) { String::new() } else { format!("[{}] ", event.severity) };
    let mut lines = vec![headline(event), String::new()];
    lines.extend(reason(event).into_iter().flat_map(|reason| [reason, String::new()]));
    lines.extend(facts(event).into_iter().map(|(name, value)| format!("{:<11}{value}", format!("{name}:"))));
    lines.extend(
        advice(event).into_iter().flat_map(|advice| [String::new(), format!("What to do: {advice}")]),
    );
    lines.extend([String::new(), format!("AWS console: {}", console_link(event)), String::new()]);
    Email {
        subject: ascii_line(&format!("{severity}{}", line(event))),
        body: lines.join("\n"),
        attributes: attributes(event),
    }
}

/// The message as a Slack incoming webhook takes it.
pub fn slack(event: &IncidentEvent) -> Value {
    let section = |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let fields: Vec<Value> = facts(event)
        .into_iter()
        .map(|(name, value)| json!({"type": "mrkdwn", "text": format!("*{name}*\n{}", escape(&value))}))
        .collect();
    let link = format!("<{}|Open in the AWS console>", console_link(event));
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut_to(&headline(event), 150)}}),
    ];
    blocks.extend(reason(event).map(|reason| section(escape(&reason))));
    blocks.push(json!({"type": "section", "fields": fields}));
    blocks.extend(advice(event).map(|advice| section(format!("*What to do:* {advice}"))));
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}));
    json!({
        "text": escape(&line(event)),
        "attachments": [{"color": color(event), "blocks": blocks}],
    })
}

fn is_over(event: &IncidentEvent) -> bool {
    event.happened == Happened::Resolved
}

fn headline(event: &IncidentEvent) -> String {
    let happened = match event.happened {
        Happened::Opened => "",
        Happened::Escalated => "Escalated: ",
        Happened::Reopened => "Reopened: ",
        Happened::Resolved => "Resolved: ",
    };
    format!("{happened}{}: {}", words::title(event.kind), cut(&event.subject_name))
}

/// All that a lock screen or a list of messages shows.
fn line(event: &IncidentEvent) -> String {
    let mut remarks = vec![match words::subject(event.kind) {
        SubjectKind::Server | SubjectKind::Job | SubjectKind::RecoveryInstance => cut(&event.account_name),
        // Its name is the account's; the quotas and the rules are those of one Region.
        SubjectKind::Account => event.region.to_string(),
    }];
    if is_over(event) {
        remarks.push(format!("after {}", duration(event.opened_at, event.at)));
    } else {
        remarks.extend(times(event.flaps).map(|times| format!("came back {times}")));
    }
    format!("{} ({})", headline(event), remarks.join(", "))
}

/// Why, while it holds; what was measured then says nothing of its end.
fn reason(event: &IncidentEvent) -> Option<String> {
    let reason = cut_to(&event.reason, REASON_LIMIT);
    (!is_over(event) && !reason.trim().is_empty()).then_some(reason)
}

fn advice(event: &IncidentEvent) -> Option<&'static str> {
    (!is_over(event)).then(|| words::advice(event.kind))
}

fn facts(event: &IncidentEvent) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Severity", event.severity.to_string())];
    let subject = match words::subject(event.kind) {
        SubjectKind::Server => Some("Server"),
        SubjectKind::Job => Some("Job"),
        SubjectKind::RecoveryInstance => Some("Instance"),
        SubjectKind::Account => None,
    };
    facts.extend(subject.map(|what| (what, named(&event.subject_name, &event.subject))));
    facts.extend(of_job(event));
    facts.push(("Account", named(&event.account_name, event.account_id.as_str())));
    facts.push(("Region", event.region.to_string()));
    let (since, now) = (("Since", minute(event.opened_at)), minute(event.at));
    match event.happened {
        Happened::Opened => facts.push(since),
        Happened::Escalated => facts.extend([since, ("Escalated", now)]),
        Happened::Reopened => facts.extend([since, ("Reopened", now)]),
        Happened::Resolved => {
            facts.extend([("Lasted", duration(event.opened_at, event.at)), ("Resolved", now)]);
        }
    }
    facts.extend(times(event.flaps).map(|times| ("Came back", times)));
    facts
}

/// What is known of the job that it is, or that it comes from.
fn of_job(event: &IncidentEvent) -> impl Iterator<Item = (&'static str, String)> {
    let id = event.job_id.as_ref().map(JobId::as_str).filter(|id| *id != event.subject);
    let plan = event.plan_name.as_deref().filter(|plan| !plan.trim().is_empty());
    let drill = event.drill.map(|drill| if drill { "yes" } else { "no" });
    [("Job", id), ("Plan", plan), ("Drill", drill)]
        .into_iter()
        .filter_map(|(what, text)| Some((what, cut(text?))))
}

fn times(flaps: u32) -> Option<String> {
    match flaps {
        0 => None,
        1 => Some("once".to_owned()),
        more => Some(format!("{more} times")),
    }
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
        // As AWS's own sample solution for recovery plans links it.
        SubjectKind::Job => format!("launchHistory/{}", event.subject),
        // No page of a single one is documented.
        SubjectKind::RecoveryInstance => String::new(),
    };
    format!("https://{region}.{domain}/drs/home?region={region}#/{page}")
}

/// `name (id)`, or the id alone where there is no name.
fn named(name: &str, id: &str) -> String {
    if name.is_empty() || name == id { id.to_owned() } else { format!("{} ({id})", cut(name)) }
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

/// Control characters would break lines and hide or turn around text.
fn cut_to(text: &str, limit: usize) -> String {
    let clean: String = text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect();
    if clean.chars().count() <= limit {
        return clean;
    }
    clean.chars().take(limit - 1).chain(['…']).collect()
}

/// Those of Unicode included: what has no width, and what sets a direction.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn cut(text: &str) -> String {
    cut_to(text, NAME_LIMIT)
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
mod tests;
