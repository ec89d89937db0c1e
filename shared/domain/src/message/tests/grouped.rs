//! Digests of several incidents.

use super::golden::others;
use super::*;
use crate::notify::{Acks, Counts, Covered};

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
        waits_since: None,
        worst: Some(severity),
        counts: Counts { opened: 45, worse: 1, resolved: 1, open: 47, held: 5 },
        first,
        unnamed: Covered::default(),
        accounts: 3,
        acks: None,
        late: false,
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

pub(super) fn over(digest: Digest) -> Digest {
    let first =
        digest.first.into_iter().map(|e| IncidentEvent { happened: Happened::Resolved, ..e }).collect();
    let counts = Counts { opened: 0, worse: 0, resolved: 47, open: 0, held: 0 };
    Digest { worst: None, accounts: 0, counts, first, ..digest }
}

pub(super) fn one(kind: IncidentKind, severity: Severity, happened: Happened) -> Digest {
    Digest::of_one(&IncidentEvent { severity, ..event(kind, happened) })
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
    let json = super::super::webhook(&told, &Links::default());
    assert_eq!((json["incidents"].as_array().unwrap().len(), &json["more"]), (20, &27.into()));
}

#[test]
fn a_subscriber_can_filter_by_all_that_a_digest_tells_of_be_it_named_or_counted() {
    let mut digest = group(IncidentKind::ReplicationStalled, Severity::High, 4);
    let values = |digest: &Digest, name: &str| {
        let attributes = super::super::email(&digest.clone().into(), &Links::default()).attributes;
        attributes[name].iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(values(&digest, "severity"), ["HIGH"]);
    assert_eq!(values(&digest, "region"), ["us-west-2"]);
    let accounts = ["111122223330", "111122223331", "111122223332"];
    assert_eq!(values(&digest, "accountId"), accounts);
    digest.unnamed = Covered::of([&IncidentEvent {
        account_id: "444455556666".parse().unwrap(),
        severity: Severity::Low,
        ..event(IncidentKind::RpoGap, Happened::Opened)
    }]);
    assert_eq!(values(&digest, "kind"), ["REPLICATION_STALLED", "RPO_GAP"]);
    assert_eq!(values(&digest, "accountId"), [&accounts[..], &["444455556666"]].concat());
    assert_eq!(values(&digest, "severity"), ["HIGH", "LOW"]);
    digest.worst = Some(Severity::Critical);
    assert_eq!(values(&digest, "severity"), ["CRITICAL", "HIGH", "LOW"], "the worst that is still open");
}

#[test]
fn a_sample_says_first_that_nothing_is_wrong() {
    for (_, told) in others().into_iter().filter(|(what, _)| what.starts_with("a sample")) {
        let mail = super::super::email(&told, &Links::default());
        let slack = super::super::slack(&told, &Links::default());
        let header = slack["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap();
        let json = super::super::webhook(&told, &Links::default());
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

/// The button of a message, if it has one.
fn button(digest: &Digest) -> Option<Value> {
    let message = super::super::slack_with_button(&digest.clone().into(), &Links::default());
    let blocks = message["attachments"][0]["blocks"].as_array().unwrap().clone();
    blocks.into_iter().find(|block| block["type"] == "actions").map(|block| block["elements"][0].clone())
}

#[test]
fn what_waits_for_somebody_has_a_button_that_names_the_bulletin() {
    let all = group(IncidentKind::ReplicationStalled, Severity::High, 4);
    let button_of_all = button(&all).unwrap();
    assert_eq!(button_of_all["value"], "default/kind=X#2");
    assert_eq!(button_of_all["text"]["text"], "Acknowledge all");
    let alone = one(IncidentKind::RpoGap, Severity::High, Happened::Opened);
    assert_eq!(button(&alone).unwrap()["text"]["text"], "Acknowledge");
    let acks = |count| Some(Acks { count, by: vec!["ann".into()] });
    assert!(button(&Digest { acks: acks(46), ..all.clone() }).is_some(), "one of 47 waits");
    for digest in [
        over(all.clone()),
        Digest { acks: acks(47), ..all.clone() },
        Digest { why: Why::Test, ..all.clone() },
        Digest { key: "k".repeat(2_001), ..all.clone() },
    ] {
        assert_eq!(button(&digest), None, "{digest:?}");
    }
    let told = all.into();
    let webhook = super::super::slack(&told, &Links::default());
    assert!(!webhook.to_string().contains("actions"), "nobody listens to the buttons of a webhook");
}
