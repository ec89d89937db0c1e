//! Digests of several incidents, drills, and everything in each channel, as golden files.

use super::*;
use crate::notify::{Bulletin, Counts, Drill, DrillHappened};
use crate::own_event::FailedServer;

/// A group that all in it joined by kind and Region.
pub(super) fn group(kind: IncidentKind, severity: Severity, named: usize) -> Digest {
    let first = (0..named).map(|n| nth(kind, severity, n)).collect();
    Digest {
        key: "default/kind=X#2".into(),
        group: format!("default/{kind}/us-west-2"),
        route: "default".into(),
        labels: [("kind", kind.as_str()), ("region", "us-west-2")].map(|(k, v)| (k.into(), v.into())).into(),
        why: Why::Changed,
        at: "2026-08-22T22:30:00Z".parse().unwrap(),
        since: "2026-08-22T20:12:19Z".parse().unwrap(),
        worst: Some(severity),
        counts: Counts { opened: 45, worse: 1, resolved: 1, open: 47, held: 5 },
        first,
        accounts: 3,
    }
}

fn nth(kind: IncidentKind, severity: Severity, n: usize) -> IncidentEvent {
    let happened = HAPPENED[n % HAPPENED.len()];
    let known = event(kind, happened);
    let account = n % 3;
    IncidentEvent {
        severity,
        subject_name: format!("{}-{n}", known.subject_name),
        account_name: format!("{}-{account}", known.account_name),
        account_id: format!("{}", 111_122_223_330_u64 + u64::try_from(account).unwrap()).parse().unwrap(),
        ..known
    }
}

fn over(digest: Digest) -> Digest {
    let first =
        digest.first.into_iter().map(|e| IncidentEvent { happened: Happened::Resolved, ..e }).collect();
    let counts = Counts { opened: 0, worse: 0, resolved: 47, open: 0, held: 0 };
    Digest { worst: None, accounts: 0, counts, first, ..digest }
}

fn one(kind: IncidentKind, severity: Severity, happened: Happened) -> Digest {
    Digest::of_one(&IncidentEvent { severity, ..event(kind, happened) })
}

/// What the golden files tell of every kind in every severity, by state.
const STATES: [&str; 4] = ["open", "grouped", "escalated", "resolved"];

fn in_state(state: &str, kind: IncidentKind, severity: Severity) -> Bulletin {
    match state {
        "open" => one(kind, severity, Happened::Opened),
        "grouped" => group(kind, severity, 2),
        "escalated" => Digest { why: Why::Escalated(2), ..one(kind, severity, Happened::Opened) },
        _ => one(kind, severity, Happened::Resolved),
    }
    .into()
}

fn links() -> Links {
    let runbooks = [(IncidentKind::ReplicationStalled, "https://wiki.example.com/stalled".to_owned())].into();
    Links { dashboard: Some("https://grafana.example.com/d/drs".into()), runbooks }
}

/// A Slack message as lines of text: what is written where.
fn drawn(message: &Value) -> String {
    let text = |value: &Value| value["text"].as_str().unwrap_or_default().replace('\n', " / ");
    let mut lines = vec![format!("text    {}", text(message))];
    for attachment in message["attachments"].as_array().into_iter().flatten() {
        lines.push(format!("colour  {}", attachment["color"].as_str().unwrap()));
        for block in attachment["blocks"].as_array().unwrap() {
            let kind = block["type"].as_str().unwrap();
            let parts = ["fields", "elements"]
                .into_iter()
                .flat_map(|name| block[name].as_array().into_iter().flatten());
            let parts: Vec<_> = block.get("text").into_iter().chain(parts).map(text).collect();
            lines.push(format!("{kind:<8}{}", parts.join(" | ")));
        }
    }
    lines.join("\n")
}

/// What differs between severities: the first lines.
fn brief(channel: &str, bulletin: &Bulletin) -> String {
    match channel {
        "email" => super::super::email(bulletin, &links()).subject,
        "slack" => {
            let drawn = drawn(&super::super::slack(bulletin, &links()));
            drawn.lines().take(2).collect::<Vec<_>>().join("\n")
        }
        _ => {
            let told = super::super::webhook(bulletin);
            format!("{} {} {}", told["severity"], told["status"], told["what"])
        }
    }
}

fn whole(channel: &str, bulletin: &Bulletin) -> String {
    match channel {
        "email" => {
            let Email { subject, body, attributes } = super::super::email(bulletin, &links());
            format!("Subject: {subject}\nAttributes: {attributes:?}\n\n{body}")
        }
        "slack" => {
            let reply = drawn(&super::super::slack_reply(bulletin));
            format!("{}\n-- reply\n{reply}", drawn(&super::super::slack(bulletin, &links())))
        }
        _ => sorted(&super::super::webhook(bulletin)).to_string(),
    }
}

/// Whether objects keep their members' order is up to what else is in the build.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            names.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// One file per channel and state: each kind whole in its usual severity, and then as the other severities begin.
#[test]
fn every_kind_and_severity_reads_as_its_golden_file_says_in_each_channel_and_state() {
    for channel in ["email", "slack", "webhook"] {
        for state in STATES {
            let mut text = String::new();
            for kind in IncidentKind::ALL {
                let whole = whole(channel, &in_state(state, kind, Severity::High));
                text.extend(["==== ", kind.as_str(), "\n", &whole, "\n"]);
                for severity in SEVERITIES.into_iter().filter(|s| *s != Severity::High) {
                    let brief = brief(channel, &in_state(state, kind, severity));
                    text.extend(["---- ", severity.as_str(), "\n", &brief, "\n"]);
                }
            }
            insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false,
                omit_expression => true }, { insta::assert_snapshot!(format!("{channel}_{state}"), text) });
        }
    }
}

fn failed_server() -> FailedServer {
    FailedServer {
        server_id: "s-12345678901234567".parse().unwrap(),
        name: "erp-db-03".into(),
        reason: "its disks could not be converted for EC2 (CONVERSION_FAIL)".into(),
    }
}

/// Drills, and digests of which there is one sort each.
pub(super) fn others() -> Vec<(&'static str, Bulletin)> {
    let drill = |happened| {
        let (at, since) = ("2026-08-22T22:30:00Z", "2026-08-22T20:12:19Z");
        let (key, name) = ("erp#1".into(), "erp-wave-2".into());
        Drill { key, name, happened, at: at.parse().unwrap(), since: since.parse().unwrap() }.into()
    };
    let wave = |failed: u32| DrillHappened::Wave {
        number: 2,
        job_id: JOB.into(),
        account_name: "erp-prod".into(),
        region: "us-west-2".into(),
        servers: 40,
        succeeded: 40 - failed,
        failed,
        recovery_seconds: Some(1_500),
        failed_servers: (0..failed.min(1)).map(|_| failed_server()).collect(),
    };
    let stalled = || group(IncidentKind::ReplicationStalled, Severity::High, 4);
    let mut mixed = stalled();
    mixed.labels = [("application".to_owned(), "payments".to_owned())].into();
    mixed.first[1].kind = IncidentKind::ReplicationLag;
    mixed.first[2].region = "eu-west-1".parse().unwrap();
    let nothing_new = Counts { open: 47, ..Counts::default() };
    vec![
        ("of several kinds", mixed.into()),
        ("repeated", Digest { why: Why::Repeated, counts: nothing_new, ..stalled() }.into()),
        ("escalated", Digest { why: Why::Escalated(1), counts: nothing_new, ..stalled() }.into()),
        ("all over", over(stalled()).into()),
        ("a sample", Digest { why: Why::Test, ..stalled() }.into()),
        (
            "a sample of one",
            Digest { why: Why::Test, ..one(IncidentKind::RpoGap, Severity::High, Happened::Opened) }.into(),
        ),
        (
            "one repeated",
            Digest { why: Why::Repeated, ..one(IncidentKind::RpoGap, Severity::High, Happened::Opened) }
                .into(),
        ),
        (
            "drill begins",
            drill(DrillHappened::Started { by: None, until: "2026-08-23T02:00:00Z".parse().unwrap() }),
        ),
        (
            "drill begins by hand",
            drill(DrillHappened::Started {
                by: Some("ann".into()),
                until: "2026-08-23T02:00:00Z".parse().unwrap(),
            }),
        ),
        ("wave", drill(wave(0))),
        ("wave with failures", drill(wave(2))),
        (
            "drill ends",
            drill(DrillHappened::Ended {
                waves: 3,
                servers: 120,
                succeeded: 118,
                failed: 2,
                longest_seconds: Some(1_900),
                held: 4,
                failed_servers: vec![failed_server()],
            }),
        ),
    ]
}

#[test]
fn drills_samples_and_digests_of_each_sort_read_as_their_golden_file_says() {
    for channel in ["email", "slack", "webhook"] {
        let texts =
            others().into_iter().map(|(what, told)| format!("==== {what}\n{}\n", whole(channel, &told)));
        let text: String = texts.collect();
        insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false,
            omit_expression => true }, { insta::assert_snapshot!(format!("{channel}_others"), text) });
    }
}

#[test]
fn a_group_of_one_reads_as_the_incident_alone_unless_others_were_in_it_before() {
    let event = event(IncidentKind::RpoGap, Happened::Resolved);
    let alone = Digest::of_one(&event);
    assert_eq!(alone.only(), Some(&event));
    let earlier = event.opened_at - jiff::Span::new().hours(1);
    assert_eq!(Digest { since: earlier, ..alone.clone() }.only(), None);
    assert_eq!(Digest { counts: Counts { open: 1, ..alone.counts }, ..alone }.only(), None);
}

#[test]
fn a_digest_counts_what_it_does_not_name() {
    let told = group(IncidentKind::ReplicationStalled, Severity::High, 20).into();
    let mail = super::super::email(&told, &Links::default()).body;
    assert_eq!(mail.lines().filter(|line| line.starts_with("- ")).count(), 20);
    assert!(mail.contains("and 27 more: drs-fleet incidents list"), "{mail}");
    let slack = super::super::slack(&told, &Links::default()).to_string();
    assert_eq!(slack.matches('•').count(), 10);
    assert!(slack.contains("and 37 more: drs-fleet incidents list"), "{slack}");
    let json = super::super::webhook(&told);
    assert_eq!((json["incidents"].as_array().unwrap().len(), &json["more"]), (20, &27.into()));
}

#[test]
fn only_what_all_have_in_common_is_an_attribute() {
    let names = |digest: &Digest| {
        let attributes = super::super::email(&digest.clone().into(), &Links::default()).attributes;
        attributes.into_keys().collect::<Vec<_>>()
    };
    let mut digest = group(IncidentKind::ReplicationStalled, Severity::High, 4);
    assert_eq!(names(&digest), ["group", "kind", "region", "severity"]);
    digest.labels.clear();
    assert_eq!(names(&digest), ["group", "severity"], "those that are not named may differ");
    digest.counts = Counts { open: 3, resolved: 1, ..Counts::default() };
    assert_eq!(names(&digest), ["group", "kind", "region", "severity"]);
}

#[test]
fn a_sample_says_first_that_nothing_is_wrong() {
    for (_, told) in others().into_iter().filter(|(what, _)| what.starts_with("a sample")) {
        let mail = super::super::email(&told, &Links::default());
        let slack = super::super::slack(&told, &Links::default());
        let header = slack["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap();
        let json = super::super::webhook(&told);
        let texts = [
            &mail.subject,
            &mail.body,
            header,
            slack["text"].as_str().unwrap(),
            json["what"].as_str().unwrap(),
        ];
        assert!(texts.iter().all(|text| text.starts_with("Test: nothing is wrong")), "{texts:?}");
    }
}
