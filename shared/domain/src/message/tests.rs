mod golden;
mod grouped;
mod harmless;
mod hostile;
mod jobs;

/// One copy, that of the Slack in `shared/local`.
#[path = "../../../local/src/slack/limits.rs"]
mod limits;

use serde_json::Value;

use super::*;
use crate::incident::{IncidentKind, Severity};
use crate::notify::{Digest, Why};
use crate::own_event::{Happened, IncidentEvent};
use crate::policy::RPO_TAG;
use crate::quota::Quota;
use crate::words::{self, SubjectKind};

const HAPPENED: [Happened; 4] =
    [Happened::Opened, Happened::Escalated, Happened::Reopened, Happened::Resolved];
const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";

fn event(kind: IncidentKind, happened: Happened) -> IncidentEvent {
    let about = words::subject(kind);
    let (subject, subject_name) = match about {
        SubjectKind::Server => ("s-12345678901234567", "erp-db-03"),
        SubjectKind::Account => ("111122223333", "erp-prod"),
        SubjectKind::Job => (JOB, "erp-wave-2, drill of 40 servers"),
        SubjectKind::RecoveryInstance => ("i-0a1b2c3d4e5f60718", "erp-db-03"),
        SubjectKind::Channel => ("pager", "pager"),
    };
    let of_job = matches!(about, SubjectKind::Job | SubjectKind::RecoveryInstance);
    let flapped = matches!(happened, Happened::Reopened | Happened::Resolved);
    IncidentEvent {
        event_id: format!("{kind}@1"),
        incident: kind.to_string(),
        happened,
        kind,
        severity: Severity::High,
        account_id: "111122223333".parse().unwrap(),
        account_name: "erp-prod".into(),
        region: "us-west-2".parse().unwrap(),
        subject: subject.into(),
        subject_name: subject_name.into(),
        opened_at: "2026-08-22T20:12:19Z".parse().unwrap(),
        at: "2026-08-22T22:30:00Z".parse().unwrap(),
        sequence: 1,
        reason: "why it is so".into(),
        flaps: if flapped { 3 } else { 0 },
        job_id: of_job.then(|| JOB.parse().unwrap()),
        plan_name: of_job.then(|| "erp-wave-2".into()),
        drill: of_job.then_some(true),
        application: None,
        drill_tag: None,
    }
}

/// As an incident is told by itself.
fn email(event: &IncidentEvent) -> Email {
    super::email(&Digest::of_one(event).into(), &Links::default())
}

/// As an incident is told by itself.
fn slack(event: &IncidentEvent) -> Value {
    super::slack(&Digest::of_one(event).into(), &Links::default())
}

/// Every kind in everything that happens to it.
fn every() -> impl Iterator<Item = IncidentEvent> {
    IncidentKind::ALL.into_iter().flat_map(|kind| HAPPENED.map(|happened| event(kind, happened)))
}

/// Names and reason as nobody should give them.
fn hostile(event: IncidentEvent) -> IncidentEvent {
    let text = format!("<!channel> & <http://x|y>\r\n\u{202e}\u{200b}{}", "&<>ü".repeat(5_000));
    let plan_name = event.plan_name.as_ref().map(|_| text.clone());
    IncidentEvent { account_name: text.clone(), subject_name: text.clone(), plan_name, reason: text, ..event }
}

fn because(reason: &str, event: IncidentEvent) -> IncidentEvent {
    IncidentEvent { reason: reason.into(), ..event }
}

fn of_four_kinds() -> [IncidentEvent; 4] {
    [
        because(
            "DRS does not hear the agent (AGENT_NOT_SEEN)",
            event(IncidentKind::ReplicationStalled, Happened::Opened),
        ),
        because(
            "300 of 300 servers replicate (100 %)",
            IncidentEvent {
                severity: Severity::Critical,
                ..event(IncidentKind::CapacityReplicating, Happened::Escalated)
            },
        ),
        because(
            "the replication state is DISCONNECTED",
            event(IncidentKind::ServerDisconnected, Happened::Reopened),
        ),
        because("nothing was heard for 15 min", event(IncidentKind::SpokeSilent, Happened::Resolved)),
    ]
}

fn emails(events: &[IncidentEvent]) -> String {
    let texts = events.iter().map(email).map(|m| format!("{}\n\n{}", m.subject, m.body));
    texts.collect::<Vec<_>>().join("\n====\n")
}

#[test]
fn an_email_says_what_why_where_since_when_and_what_to_do() {
    insta::assert_snapshot!(emails(&of_four_kinds()));
}

#[test]
fn a_slack_message_says_the_same() {
    let messages = of_four_kinds().each_ref().map(slack);
    // Whether objects keep their members' order is up to what else is in the build.
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(messages) });
}

#[test]
fn subjects_are_a_hundred_ascii_characters_at_most_and_whole_where_names_are_short() {
    for event in every() {
        let subject = email(&event).subject;
        assert!(!subject.contains("...") && subject.contains(&event.subject_name), "{subject}");
        for event in [event.clone(), hostile(event)] {
            let subject = email(&event).subject;
            assert!(subject.len() <= 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{subject}");
        }
    }
}

#[test]
fn what_comes_from_outside_neither_breaks_out_nor_hides() {
    for event in every().map(hostile) {
        let mut message = slack(&event);
        // A header is plain text, in which nothing has a meaning; the link is ours.
        message["attachments"][0]["blocks"][0] = Value::Null;
        message["attachments"][0]["blocks"].as_array_mut().unwrap().pop();
        let text = message.to_string();
        for forbidden in ["<", ">", "\\r", "\u{202e}", "\u{200b}"] {
            assert!(!text.contains(forbidden), "{forbidden:?} in {text}");
        }
        let body = email(&event).body;
        assert!(!body.contains(['\r', '\u{202e}', '\u{200b}']), "{body}");
    }
}

#[test]
fn both_channels_say_the_same_and_only_what_holds_has_a_reason_and_advice() {
    for event in every() {
        let over = event.happened == Happened::Resolved;
        for text in [email(&event).body, slack(&event).to_string()] {
            assert!(text.contains(words::title(event.kind)), "{text}");
            assert_eq!(text.contains(words::advice(event.kind)), !over, "{text}");
            assert_eq!(text.contains(&event.reason), !over, "{text}");
            assert_eq!(text.contains("2 h 17 min"), over, "{text}");
            assert_eq!(text.contains("Came back"), event.flaps > 0, "{text}");
        }
    }
}

#[test]
fn a_message_without_reason_or_name_is_one_that_slack_takes() {
    let mut event = event(IncidentKind::UnregisteredAccount, Happened::Opened);
    event.reason = " \n".into();
    event.account_name = String::new();
    let blocks = slack(&event)["attachments"][0]["blocks"].clone();
    assert_eq!(blocks[1]["fields"][1]["text"], "*Account*\n111122223333");
}

#[test]
fn colours_follow_the_severity_until_it_is_over() {
    for event in every() {
        let over = event.happened == Happened::Resolved;
        let told: Vec<_> = SEVERITIES.map(|severity| IncidentEvent { severity, ..event.clone() }).into();
        let colours: Vec<_> =
            told.iter().map(|e| slack(e)["attachments"][0]["color"].as_str().unwrap().to_owned()).collect();
        let rising = ["#36a64f", "#0066cc", "#ffcc00", "#ff0000"];
        assert_eq!(colours, if over { [rising[0]; 4] } else { rising });
    }
}

#[test]
fn how_often_it_came_back_is_said_in_words() {
    let line = |flaps| {
        email(&IncidentEvent { flaps, ..event(IncidentKind::ReplicationLag, Happened::Reopened) }).subject
    };
    assert_eq!(line(1), "[HIGH] Reopened: High replication lag: erp-db-03 (erp-prod, came back once)");
    assert_eq!(line(3), "[HIGH] Reopened: High replication lag: erp-db-03 (erp-prod, came back 3 times)");
}

#[test]
fn advice_names_the_tag_and_the_quotas_that_decisions_look_at() {
    assert!(words::advice(IncidentKind::RpoGap).contains(RPO_TAG));
    assert!(words::advice(IncidentKind::CapacityReplicating).contains(Quota::Replicating.code()));
    assert!(words::advice(IncidentKind::CapacityTotal).contains(Quota::Total.code()));
    for quota in [Quota::Jobs, Quota::ServersInJobs] {
        assert!(words::advice(IncidentKind::JobsNearQuota).contains(quota.code()), "{quota:?}");
    }
}

#[test]
fn advice_is_short_and_ends() {
    for kind in IncidentKind::ALL {
        let (title, advice) = (words::title(kind), words::advice(kind));
        assert!(title.len() <= 36 && title.is_ascii() && !title.ends_with('.'), "{title}");
        assert!(advice.len() <= 240 && advice.ends_with('.') && !advice.contains("  "), "{advice}");
        assert!(advice.matches(". ").count() <= 1, "one or two sentences: {advice}");
    }
}
