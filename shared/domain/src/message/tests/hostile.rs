//! Whatever comes from outside: within the limits of each channel, and unable to break out or hide.

use proptest::prelude::*;

use super::golden::others;
use super::grouped::group;
use super::*;
use super::{harmless, limits};
use crate::notify::{Bulletin, Drill};

/// What Slack is sent.
fn sent(told: &Bulletin) -> [Value; 2] {
    [super::super::slack_with_button(told, &Links::default()), super::super::slack_reply(told)]
}

fn assert_harmless(told: &Bulletin) {
    for message in sent(told) {
        assert_eq!(limits::check(&message), Ok(()), "{message}");
        assert_eq!(harmless::in_slack(&message), Ok(()), "{message}");
    }
    let mail = super::super::email(told, &Links::default());
    assert_eq!(harmless::in_mail(&mail.subject, &mail.body), Ok(()));
    assert!(super::super::webhook(told, &Links::default()).to_string().len() < 200 * 1024);
}

/// With names and reasons as somebody gives them.
fn with(text: &str, named: usize) -> Digest {
    let digest = group(IncidentKind::JobFailed, Severity::Critical, named);
    let spoilt = |event: IncidentEvent| IncidentEvent {
        subject: text.to_owned(),
        subject_name: text.to_owned(),
        account_name: text.to_owned(),
        plan_name: Some(text.to_owned()),
        reason: text.to_owned(),
        ..event
    };
    let labels = [("application".to_owned(), text.to_owned())].into();
    Digest { labels, first: digest.first.into_iter().map(spoilt).collect(), ..digest }
}

fn alone(text: &str) -> Digest {
    Digest::of_one(&with(text, 1).first[0])
}

#[test]
fn every_message_is_one_that_slack_takes() {
    for told in others().into_iter().map(|(_, told)| told) {
        assert_harmless(&told);
    }
    for kind in IncidentKind::ALL {
        for told in HAPPENED.map(|happened| Digest::of_one(&event(kind, happened))) {
            for why in [Why::Changed, Why::Repeated, Why::Escalated(2), Why::Acknowledged, Why::Test] {
                assert_harmless(&Digest { why, ..told.clone() }.into());
            }
        }
        for named in [0, 1, 2, 20] {
            assert_harmless(&group(kind, Severity::High, named).into());
        }
    }
}

#[test]
fn markup_mentions_control_characters_and_very_long_names_do_no_harm() {
    for text in [
        "*bold* _it_ ~gone~ `code` ```block```",
        "<!channel> <!here> <@U1> <#C1> <https://evil.example|AWS console>",
        "a\r\nb\tc\u{0}\u{7}\u{1b}[31m",
        "\u{202e}live\u{2066}\u{200b}\u{feff}",
        "|>&lt;",
        &"<&>".repeat(3_500),
        &"م".repeat(10_000),
    ] {
        for told in [with(text, 1), with(text, 20), alone(text)] {
            assert_harmless(&told.into());
        }
        for told in others().into_iter().map(|(_, told)| told) {
            if let Bulletin::Drill(drill) = told {
                assert_harmless(&Drill { name: text.to_owned(), ..*drill }.into());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_name_is_the_message_is_harmless(text in "\\PC{0,300}|[\u{0}-\u{ffff}]{0,60}|[<>&|*_~`@#!]{0,400}", named in 1usize..20) {
        assert_harmless(&with(&text, named).into());
        assert_harmless(&alone(&text).into());
    }
}
