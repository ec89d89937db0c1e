//! One incident, told by itself.

use std::fmt::Write;

use super::told::{Item, Told};
use super::{Links, text};
use crate::ids::JobId;
use crate::incident::{IncidentKind, Severity};
use crate::notify::{Acks, Digest, Why};
use crate::own_event::{Happened, IncidentEvent};
use crate::words::{self, SubjectKind};

/// What AWS answers to a call that it denies names two ARNs and fits.
const REASON_LIMIT: usize = 500;

/// The longest name of a group, quoted, fits.
const COMMAND_LIMIT: usize = 300;

/// What a digest of one incident says.
pub(super) fn told(digest: &Digest, event: &IncidentEvent, links: &Links) -> Told {
    let (headline, line) = (headline(digest, event), line(digest, event));
    let mut text = sentences(digest);
    text.extend(reason(event));
    Told {
        severity: (!is_over(event)).then_some(event.severity),
        sample: digest.why == Why::Test,
        late: digest.late,
        headline,
        news: line.clone(),
        line,
        text,
        facts: facts(digest, event),
        list: None,
        advice: (!is_over(event)).then(|| words::advice(event.kind).to_owned()),
        acknowledge: digest.waits().then(|| acknowledge(&event.incident)),
        links: links_of(event, links),
    }
}

/// The command for what is called so, or for such arguments.
pub(super) fn acknowledge(what: &str) -> String {
    format!("drs-fleet incidents ack {}", text::cut_to(what, COMMAND_LIMIT))
}

/// What is to be said of a group beside what is wrong in it.
pub(super) fn sentences(digest: &Digest) -> Vec<String> {
    let since = |since| format!("{} ({})", text::minute(since), text::duration(since, digest.at));
    let late = digest.late.then(|| {
        let at = text::minute(digest.at);
        format!("This is how things stood at {at}: it could not be sent then, and newer messages have been.")
    });
    let why = match digest.why {
        Why::Changed => None,
        Why::Repeated => Some(format!("Nothing has changed; open since {}.", since(digest.since))),
        Why::Escalated(step) => {
            let what = if digest.acks.is_some() { "all of this" } else { "this" };
            Some(format!(
                "Nobody has acknowledged {what} since {}, so you are told as well (step {step} of the escalation).",
                since(digest.waits_since.unwrap_or(digest.since))
            ))
        }
        Why::Acknowledged => digest.acks.as_ref().map(|acks| {
            let (by, open) = (by(acks), digest.counts.open);
            if digest.is_acknowledged() {
                format!("Acknowledged by {by}. While nothing else changes, nobody is told again.")
            } else {
                format!("Acknowledged by {by}: {} of {open}. The rest waits for somebody.", acks.count)
            }
        }),
        Why::Test => Some("This is a sample that somebody sent to see how messages arrive.".to_owned()),
    };
    late.into_iter().chain(why).collect()
}

/// What comes before what is wrong: why it is told.
pub(super) fn prefix(digest: &Digest) -> Option<&'static str> {
    match digest.why {
        Why::Changed | Why::Test => None,
        Why::Acknowledged if digest.is_acknowledged() => Some("Acknowledged: "),
        Why::Acknowledged => Some("Partly acknowledged: "),
        Why::Repeated => Some("Still open: "),
        Why::Escalated(_) => Some("Not acknowledged: "),
    }
}

/// What comes before what is wrong: what happened to it.
pub(super) fn happened(event: &IncidentEvent) -> &'static str {
    match event.happened {
        Happened::Opened => "",
        Happened::Escalated => "Escalated: ",
        Happened::Reopened => "Reopened: ",
        Happened::Resolved => "Resolved: ",
    }
}

pub(super) fn is_over(event: &IncidentEvent) -> bool {
    event.happened == Happened::Resolved
}

fn headline(digest: &Digest, event: &IncidentEvent) -> String {
    let happened = prefix(digest).unwrap_or(happened(event));
    format!("{happened}{}: {}", words::title(event.kind), text::cut(&event.subject_name))
}

/// All that a lock screen or a list of messages shows.
fn line(digest: &Digest, event: &IncidentEvent) -> String {
    let mut remarks = vec![match words::subject(event.kind) {
        SubjectKind::Server | SubjectKind::Job | SubjectKind::RecoveryInstance | SubjectKind::Channel => {
            text::cut(&event.account_name)
        }
        // Its name is the account's; the quotas and the rules are those of one Region.
        SubjectKind::Account => event.region.to_string(),
    }];
    if is_over(event) {
        remarks.push(format!("after {}", text::duration(event.opened_at, event.at)));
    } else {
        remarks.extend(times(event.flaps).map(|times| format!("came back {times}")));
    }
    format!("{} ({})", headline(digest, event), remarks.join(", "))
}

/// Why, while it holds; what was measured then says nothing of its end.
fn reason(event: &IncidentEvent) -> Option<String> {
    let reason = text::cut_to(&event.reason, REASON_LIMIT);
    (!is_over(event) && !reason.trim().is_empty()).then_some(reason)
}

pub(super) fn facts(digest: &Digest, event: &IncidentEvent) -> Vec<(String, String)> {
    let mut facts = vec![("Severity", event.severity.to_string())];
    let subject = match words::subject(event.kind) {
        SubjectKind::Server => Some("Server"),
        SubjectKind::Job => Some("Job"),
        SubjectKind::RecoveryInstance => Some("Instance"),
        SubjectKind::Channel => Some("Channel"),
        SubjectKind::Account => None,
    };
    facts.extend(subject.map(|what| (what, text::named(&event.subject_name, &event.subject))));
    facts.extend(of_job(event));
    facts.push(("Account", text::named(&event.account_name, event.account_id.as_str())));
    facts.push(("Region", event.region.to_string()));
    let (since, now) = (("Since", text::minute(event.opened_at)), text::minute(event.at));
    match event.happened {
        Happened::Opened => facts.push(since),
        Happened::Escalated => facts.extend([since, ("Escalated", now)]),
        Happened::Reopened => facts.extend([since, ("Reopened", now)]),
        Happened::Resolved => {
            facts.extend([("Lasted", text::duration(event.opened_at, event.at)), ("Resolved", now)]);
        }
    }
    facts.extend(times(event.flaps).map(|times| ("Came back", times)));
    facts.extend(held(digest));
    facts.extend(acknowledged(digest));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What people are not told one by one is counted at least.
pub(super) fn held(digest: &Digest) -> Option<(&'static str, String)> {
    let held = digest.counts.held;
    (held > 0).then(|| ("Held back", format!("{held} (muted, expected, or a consequence)")))
}

/// Who sees to it, or to how much of it.
pub(super) fn acknowledged(digest: &Digest) -> Option<(&'static str, String)> {
    let acks = digest.acks.as_ref().filter(|_| digest.counts.open > 0)?;
    let all = digest.is_acknowledged();
    let part = if all { String::new() } else { format!("{} of {}, ", acks.count, digest.counts.open) };
    Some(("Acknowledged", format!("{part}by {}", by(acks))))
}

fn by(acks: &Acks) -> String {
    acks.by.iter().map(|by| text::listed(by)).collect::<Vec<_>>().join(", ")
}

/// What is known of the job that it is, or that it comes from.
fn of_job(event: &IncidentEvent) -> impl Iterator<Item = (&'static str, String)> {
    let id = event.job_id.as_ref().map(JobId::as_str).filter(|id| *id != event.subject);
    let plan = event.plan_name.as_deref().filter(|plan| !plan.trim().is_empty());
    let drill = event.drill.map(|drill| if drill { "yes" } else { "no" });
    [("Job", id), ("Plan", plan), ("Drill", drill)]
        .into_iter()
        .filter_map(|(what, known)| Some((what, text::cut(known?))))
}

fn times(flaps: u32) -> Option<String> {
    match flaps {
        0 => None,
        1 => Some("once".to_owned()),
        more => Some(format!("{more} times")),
    }
}

/// What all of several have in common: it is said once, and not of each.
pub(super) struct Common<'a> {
    pub(super) kind: Option<IncidentKind>,
    pub(super) account: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    pub(super) severity: Option<Severity>,
    /// Nothing has happened to any of them.
    pub(super) is_old: bool,
}

/// As one of several.
pub(super) fn item(event: &IncidentEvent, common: &Common<'_>) -> Item {
    let happened = if common.is_old { "" } else { happened(event) };
    let kind = match common.kind {
        None => format!("{}: ", words::title(event.kind)),
        Some(_) => String::new(),
    };
    // Where the subject is the account, its name has been said.
    let is_account = words::subject(event.kind) == SubjectKind::Account;
    let account = (common.account.is_none() && !is_account).then(|| text::listed(&event.account_name));
    let region = (common.region.is_none() || is_account).then(|| event.region.to_string());
    let state = if is_over(event) {
        format!("after {}", text::duration(event.opened_at, event.at))
    } else if common.severity.is_none() {
        format!("{} since {}", event.severity, text::minute(event.opened_at))
    } else {
        format!("since {}", text::minute(event.opened_at))
    };
    Item {
        name: format!("{happened}{kind}{}", text::listed(&event.subject_name)),
        link: console_link(event),
        rest: account.into_iter().chain(region).chain([state]).collect::<Vec<_>>().join(", "),
    }
}

fn links_of(event: &IncidentEvent, links: &Links) -> Vec<(String, String)> {
    let runbook = links.runbooks.get(&event.kind).filter(|_| !is_over(event));
    [
        ("AWS console", console_link(event)),
        ("Runbook", runbook.cloned()),
        ("Dashboard", links.dashboard.clone()),
    ]
    .into_iter()
    .filter_map(|(label, url)| Some((label.to_owned(), url?)))
    .collect()
}

/// The DRS console page of the subject, where it is something of DRS.
pub fn console_link(event: &IncidentEvent) -> Option<String> {
    let page = match words::subject(event.kind) {
        SubjectKind::Server => format!("sourceServers/{}", encoded(&event.subject)),
        SubjectKind::Account => "sourceServers".to_owned(),
        // As AWS's own sample solution for recovery plans links it.
        SubjectKind::Job => format!("launchHistory/{}", encoded(&event.subject)),
        // No page of a single one is documented.
        SubjectKind::RecoveryInstance => String::new(),
        SubjectKind::Channel => return None,
    };
    Some(console_page(event.region.as_str(), &page))
}

/// A page of the DRS console.
pub(super) fn console_page(region: &str, page: &str) -> String {
    let domain =
        if region.starts_with("us-gov-") { "console.amazonaws-us-gov.com" } else { "console.aws.amazon.com" };
    format!("https://{region}.{domain}/drs/home?region={region}#/{page}")
}

/// AWS's ids have half as many characters; Slack takes no longer URLs than fit its texts.
const ID_LIMIT: usize = 64;

/// An id as a part of a URL: AWS's own are as they are.
fn encoded(id: &str) -> String {
    let mut url = String::new();
    for byte in text::cut_to(id, ID_LIMIT).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => url.push(char::from(byte)),
            other => {
                // Writing to a string does not fail.
                let _ = write!(url, "%{other:02X}");
            }
        }
    }
    url
}
