//! What people are told: with whatever text wherever a bulletin has one that comes from outside.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::message::{Links, email, sample, slack, slack_reply, slack_with_button, webhook};
use drs_fleet_domain::notify::bulletin::HeldBack;
use drs_fleet_domain::notify::{Acks, Bulletin, Drill, DrillHappened, Why};
use drs_fleet_domain::own_event::{FailedServer, Happened};
use drs_fleet_local::slack::limits;
use jiff::Timestamp;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use super::{Checked, json, text};
use harmless::{in_mail, in_slack};

#[path = "../../shared/domain/src/message/tests/harmless.rs"]
mod harmless;

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "<!channel>",
    "<@U1>",
    "<https://evil.example|AWS console>",
    "*bold*",
    "```",
    "~",
    "|",
    "&lt;",
    "\n",
    "\u{202e}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "م",
];

/// What a subscriber may filter by, in characters: SNS counts attributes as a part of the message.
const ATTRIBUTE: usize = 300;

/// A bulletin, and where it has texts from outside.
struct Base {
    bulletin: Value,
    free: Vec<String>,
}

/// Things that happen in a drill.
const DRILLS: usize = 3;

static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| all().iter().map(Base::of).collect());

impl Base {
    fn of(bulletin: &Bulletin) -> Self {
        let bulletin = serde_json::to_value(bulletin).unwrap();
        let is_free = |path: &String| {
            let is_text = bulletin.pointer(path).is_some_and(Value::is_string);
            is_text && !is_ours(path) && with("<any>", &bulletin, std::slice::from_ref(path)).is_some()
        };
        let free = json::paths(&bulletin).into_iter().filter(is_free).collect();
        Self { bulletin, free }
    }
}

/// Groups, routes and keys are named by us, out of escaped texts; a Region and a job were checked before.
fn is_ours(path: &str) -> bool {
    let drill = ["/drill/key", "/drill/happened/region", "/drill/happened/jobId"];
    drill.contains(&path) || ["/digest/key", "/digest/group", "/digest/route"].contains(&path)
}

fn with(text: &str, bulletin: &Value, free: &[String]) -> Option<Bulletin> {
    let mut bulletin = bulletin.clone();
    for path in free {
        *bulletin.pointer_mut(path).unwrap() = json!(text);
    }
    serde_json::from_value(bulletin).ok()
}

pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    // All drills, and of the many others each input takes its own two.
    let first = input.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let others = (0..2).map(|n| &BASES[DRILLS..][first.wrapping_add(n * 17) % (BASES.len() - DRILLS)]);
    for Base { bulletin, free } in BASES[..DRILLS].iter().chain(others) {
        is_harmless(&with(&text, bulletin, free).unwrap())?;
    }
    Ok(())
}

fn is_harmless(told: &Bulletin) -> Checked {
    let links = Links { dashboard: Some("https://example.com/?a=1".to_owned()), ..Links::default() };
    for message in [slack(told, &links), slack_with_button(told, &links), slack_reply(told)] {
        prop_assert_eq!(limits::check(&message), Ok(()), "{}", message);
        prop_assert_eq!(in_slack(&message), Ok(()));
    }
    let mail = email(told, &links);
    prop_assert_eq!(in_mail(&mail.subject, &mail.body), Ok(()));
    for (name, value) in mail.attributes.iter().flat_map(|(name, all)| all.iter().map(move |v| (name, v))) {
        let fits = value.chars().count() <= ATTRIBUTE && !value.contains(char::is_control);
        prop_assert!(fits, "the attribute {name} is {value:?}");
    }
    prop_assert!(webhook(told, &links).to_string().len() < 200 * 1024);
    Ok(())
}

/// Each kind by itself; in groups, which take long to put together, the kind says little.
fn all() -> Vec<Bulletin> {
    let happened: [DrillHappened; DRILLS] = [started(), wave(), ended()];
    let alone = IncidentKind::ALL.iter().flat_map(|kind| {
        [Happened::Opened, Happened::Resolved].map(|happened| digest(*kind, 1, happened))
    });
    let groups = IncidentKind::ALL.iter().step_by(6).map(|kind| digest(*kind, 20, Happened::Escalated));
    happened.into_iter().map(drill).chain(alone).chain(groups).collect()
}

fn digest(kind: IncidentKind, number: u32, happened: Happened) -> Bulletin {
    let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
    let mut digest = sample(kind, Severity::High, number, &place, Timestamp::UNIX_EPOCH);
    digest.why = Why::Changed;
    digest.labels.insert("application".to_owned(), "erp".to_owned());
    digest.acks = (number > 1).then(|| Acks { count: 1, by: vec!["slack:ada (U0ADA)".to_owned()] });
    if happened == Happened::Resolved {
        digest.worst = None;
        (digest.counts.open, digest.counts.opened, digest.counts.resolved) = (0, 0, number);
    }
    for event in &mut digest.first {
        event.happened = happened;
        event.plan_name = Some("a plan".to_owned());
        event.application = Some("erp".to_owned());
    }
    digest.into()
}

fn drill(happened: DrillHappened) -> Bulletin {
    let [at, since] = [Timestamp::UNIX_EPOCH; 2];
    Drill { key: "window#1".to_owned(), name: "a plan".to_owned(), happened, at, since, sites: BTreeSet::new() }.into()
}

fn started() -> DrillHappened {
    DrillHappened::Started { by: Some("ada".to_owned()), until: Timestamp::UNIX_EPOCH }
}

fn failed_servers() -> Vec<FailedServer> {
    let server_id = "s-12345678901234567".parse().unwrap();
    vec![FailedServer { server_id, name: "erp-1".to_owned(), reason: "no room".to_owned() }; 20]
}

fn wave() -> DrillHappened {
    DrillHappened::Wave {
        number: 1,
        job_id: "drsjob-04ca7d0d3fb6afa3e".to_owned(),
        account_id: Some("111122223333".parse().unwrap()),
        account_name: "ERP".to_owned(),
        region: "us-west-2".to_owned(),
        servers: 40,
        succeeded: 20,
        failed: 20,
        recovery_seconds: Some(600),
        failed_servers: failed_servers(),
    }
}

fn held_back() -> HeldBack {
    HeldBack {
        incident: "RPO_GAP/111122223333/us-west-2/s-1".to_owned(),
        kind: IncidentKind::RpoGap,
        severity: Severity::High,
        account_name: "ERP".to_owned(),
        subject_name: "erp-1".to_owned(),
        open: true,
    }
}

fn ended() -> DrillHappened {
    DrillHappened::Ended {
        waves: 1,
        servers: 40,
        succeeded: 20,
        failed: 20,
        longest_seconds: Some(600),
        running: 1,
        held: 3,
        held_incidents: vec![held_back()],
        failed_servers: failed_servers(),
    }
}
