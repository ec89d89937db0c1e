//! What people write: routes, thresholds and rules for tags, in YAML or JSON.

use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::message::sample;
use drs_fleet_domain::notify::routes::lines_with_secrets;
use drs_fleet_domain::notify::{Labels, Routes};
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::tags::TagPolicy;
use jiff::Timestamp;
use proptest::{prop_assert, prop_assert_eq};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "routes:",
    "channels:",
    "match:",
    "continue: true",
    "group_by:",
    "account-tag:",
    "\">=HIGH\"",
    "repeat_interval: 4h",
    "99999999h",
    "Europe/Berlin",
    "quiet:",
    "digest:",
    "02:30",
    "24:00",
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "- ",
    "  ",
    "---\n",
    "https://hooks.slack.com/services/T0/B0/x",
    "xoxb-1",
];

pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    let (lines, secrets) = (text.lines().count(), lines_with_secrets(&text));
    prop_assert!(secrets.iter().all(|n| (1..=lines).contains(n)));
    // The CLI reads no further where there may be a secret.
    if secrets.is_empty()
        && let Some(routes) = read::<Routes>(&text)?
    {
        are_told(&routes.problems())?;
        if routes.problems().is_empty() {
            lead_somewhere(&routes)?;
        }
    }
    if let Some(policy) = read::<Policy>(&text)? {
        are_told(&policy.problems())?;
    }
    if let Some(policy) = read::<TagPolicy>(&text)? {
        are_told(&policy.problems())?;
    }
    Ok(())
}

/// As the CLI reads it. What can be read is stored and read again as the same.
fn read<P: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    text: &str,
) -> Result<Option<P>, proptest::test_runner::TestCaseError> {
    let policy: P = match serde_yaml_ng::from_str(text) {
        Ok(policy) => policy,
        Err(error) => {
            names_the_place(&error)?;
            return Ok(None);
        }
    };
    let stored = serde_json::to_string(&policy).unwrap();
    let again = serde_json::from_str::<P>(&stored);
    prop_assert_eq!(again.as_ref().ok(), Some(&policy), "{:?}: {}", again, stored);
    Ok(Some(policy))
}

/// A line, or the member.
fn names_the_place(error: &serde_yaml_ng::Error) -> Checked {
    let told = error.to_string();
    let is_whole = ["end of input", "EndOfStream", "more than one document", "missing field"];
    let is_named = error.location().is_some() || told.contains(": ") || is_whole.iter().any(|is| told.contains(is));
    prop_assert!(is_named, "{told:?}");
    Ok(())
}

fn are_told(problems: &[String]) -> Checked {
    for problem in problems {
        prop_assert!(problem.contains(": "), "{problem:?} says not where");
        prop_assert!(!problem.contains("hooks.slack.com/services"), "a secret is repeated: {problem:?}");
    }
    Ok(())
}

/// Whatever happens is told over channels that there are, at a time that is not past.
fn lead_somewhere(routes: &Routes) -> Checked {
    let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
    for (kind, severity) in IncidentKind::ALL.iter().zip(Severity::ALL.iter().cycle()) {
        let event = sample(*kind, *severity, 1, &place, Timestamp::UNIX_EPOCH).first.remove(0);
        let taken = routes.taken(&Labels::of(&event, None));
        prop_assert!(!taken.is_empty(), "{kind} goes nowhere");
        for taken in taken {
            let is_short = taken.group.len() <= 200 && !taken.group.contains(char::is_control);
            prop_assert!(is_short, "{:?}", taken.group);
            let plan = routes.plan(&taken.route);
            let steps = plan.escalate.iter().flat_map(|step| &step.channels);
            let mut channels = plan.channels.iter().chain(steps);
            prop_assert!(channels.all(|name| routes.channel(name).is_some()), "{}", taken.route);
            for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, event.at, Timestamp::MAX] {
                prop_assert!(plan.hours.tells_at(now, *severity) >= now, "{:?} at {now}", plan.hours);
            }
        }
    }
    Ok(())
}
