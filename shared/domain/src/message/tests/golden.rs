//! Everything in each channel, as golden files.

use std::collections::BTreeSet;

use super::super::{slack, slack_with_button};
use super::grouped::{group, one, over};
use super::*;
use crate::notify::bulletin::{HeldBack, Site};
use crate::notify::{Acks, Bulletin, Counts, Drill, DrillHappened};
use crate::own_event::FailedServer;

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
    lines.extend(message["reply_broadcast"].as_bool().map(|shown| format!("channel {shown}")));
    for attachment in message["attachments"].as_array().into_iter().flatten() {
        lines.push(format!("colour  {}", attachment["color"].as_str().unwrap()));
        for block in attachment["blocks"].as_array().unwrap() {
            let kind = block["type"].as_str().unwrap();
            let parts = ["fields", "elements"]
                .into_iter()
                .flat_map(|name| block[name].as_array().into_iter().flatten());
            let text =
                |value: &Value| if value["text"].is_object() { text(&value["text"]) } else { text(value) };
            let parts: Vec<_> = block.get("text").into_iter().chain(parts).map(text).collect();
            lines.push(format!("{kind:<8}{}", parts.join(" | ")));
        }
    }
    lines.join("\n")
}

fn whole(channel: &str, bulletin: &Bulletin) -> String {
    match channel {
        "email" => {
            let Email { subject, body, attributes } = super::super::email(bulletin, &links());
            let attributes: Vec<_> = attributes
                .into_iter()
                .map(|(name, values)| format!("{name}={}", Vec::from_iter(values).join("|")))
                .collect();
            format!("Subject: {subject}\nAttributes: {}\n\n{body}", attributes.join(", "))
        }
        "slack" => {
            let reply = drawn(&super::super::slack_reply(bulletin));
            let (root, of_webhook) = (slack_with_button(bulletin, &links()), slack(bulletin, &links()));
            assert_eq!(without_ack(root.clone()), without_ack(of_webhook), "a webhook says the same");
            format!("{}\n-- reply\n{reply}", drawn(&root))
        }
        _ => sorted(&super::super::webhook(bulletin, &links())).to_string(),
    }
}

/// Without the button, or what stands in its place.
fn without_ack(mut message: Value) -> Value {
    if let Some(blocks) = message["attachments"][0]["blocks"].as_array_mut() {
        let instead =
            |block: &Value| block["text"]["text"].as_str().is_some_and(|text| text.starts_with("*To ack"));
        blocks.retain(|block| block["type"] != "actions" && !instead(block));
    }
    message
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

/// One file per channel and state.
#[test]
fn every_kind_and_severity_reads_as_its_golden_file_says_in_each_channel_and_state() {
    for channel in ["email", "slack", "webhook"] {
        for state in STATES {
            let mut parts = Vec::new();
            for kind in IncidentKind::ALL {
                for severity in SEVERITIES {
                    let told = whole(channel, &in_state(state, kind, severity));
                    parts.push(format!("==== {kind} {severity}\n{told}\n"));
                }
            }
            let text = parts.concat();
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

fn acks(count: u32) -> Acks {
    Acks { count, by: vec!["slack:ada (U0123456789)".into(), "arn:aws:iam::111122223333:user/ben".into()] }
}

/// So many of 47.
fn acknowledged(count: u32) -> Digest {
    let counts = Counts { open: 47, ..Counts::default() };
    let known = group(IncidentKind::ReplicationStalled, Severity::High, 4);
    Digest { why: Why::Acknowledged, acks: Some(acks(count)), counts, ..known }
}

/// One account, or two.
fn sites(two: bool) -> BTreeSet<Site> {
    let site = |id: &str, name: &str| {
        let (account_id, region) = (id.parse().unwrap(), "us-west-2".parse().unwrap());
        Site { account_id, account_name: name.into(), region }
    };
    let second = two.then(|| site("444455556666", "web-prod"));
    [site("111122223333", "erp-prod")].into_iter().chain(second).collect()
}

/// Drills, and digests of which there is one sort each.
pub(super) fn others() -> Vec<(&'static str, Bulletin)> {
    let drill = |happened| {
        let (at, since) = ("2026-08-22T22:30:00Z", "2026-08-22T20:12:19Z");
        let (key, name) = ("erp#1".into(), "erp-wave-2".into());
        let sites = sites(matches!(happened, DrillHappened::Ended { .. }));
        Drill { key, name, happened, at: at.parse().unwrap(), since: since.parse().unwrap(), sites }.into()
    };
    let wave = |failed: u32| DrillHappened::Wave {
        number: 2,
        job_id: JOB.into(),
        account_id: Some("111122223333".parse().unwrap()),
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
        ("acknowledged", acknowledged(47).into()),
        ("acknowledged in part", acknowledged(2).into()),
        (
            "worse after it was acknowledged",
            Digest { acks: Some(acks(1)), ..one(IncidentKind::RpoGap, Severity::High, Happened::Escalated) }
                .into(),
        ),
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
            "sent late",
            Digest { late: true, ..one(IncidentKind::RpoGap, Severity::Critical, Happened::Opened) }.into(),
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
                running: 1,
                held: 4,
                held_incidents: [true, false].map(held_back).into(),
                failed_servers: vec![failed_server()],
            }),
        ),
    ]
}

fn held_back(open: bool) -> HeldBack {
    HeldBack {
        incident: "REPLICATION_STALLED/111122223333/us-west-2/s-12345678901234567".to_owned(),
        kind: IncidentKind::ReplicationStalled,
        severity: Severity::High,
        account_name: "erp-prod".to_owned(),
        subject_name: "erp-db-03".to_owned(),
        open,
    }
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
