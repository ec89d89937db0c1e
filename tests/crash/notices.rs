//! The notifier's paths.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_aws::io::Notice;
use drs_fleet_aws::memory::Fault;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::{Bulletin, ChannelRow, DeliveryRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use notifier::Notifier;
use serde_json::{Value, json};

use super::ending::Ending;
use super::scene::Scene;
use super::world::{early, event, place, server_id};
use super::{Path, seam, worth_trying};
use crate::samples::on_the_bus;

pub(super) fn notifier() -> Notifier {
    Notifier::new(true, RegistryCache::default(), &Metrics::default())
}

/// A stall of server 1: opened, made worse, resolved.
pub(super) fn life() -> Vec<IncidentEvent> {
    let (place, server) = (place(), server_id(1));
    let subject = Subject {
        place: &place,
        account_name: "erp-prod",
        id: &server,
        name: "erp-1",
        job: None,
        application: None,
        drill_tag: None,
    };
    let condition = |severity| Condition {
        kind: IncidentKind::ReplicationStalled,
        since: early(10),
        severity,
        reason: "DRS does not hear the agent (AGENT_NOT_SEEN)".to_owned(),
    };
    let mut open = Incidents::new();
    let mut events = reconcile(&mut open, &[condition(Severity::High)], &subject, early(10));
    events.extend(reconcile(&mut open, &[condition(Severity::Critical)], &subject, early(20)));
    events.extend(reconcile(&mut open, &[], &subject, early(90)));
    events
}

pub(super) fn envelope(n: usize) -> Value {
    on_the_bus(n, &life()[n].clone().into())
}

#[tokio::test(start_paused = true)]
pub(super) async fn people_are_told_of_an_incident_and_its_end_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&envelope(0)), |scene| scene.put(&envelope(2))];
    let (points, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert!(points.contains(&"send"));
    assert_eq!(clean.notices.len(), 4, "two events on two channels");
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_a_channel_refuses_is_told_later_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.break_down(Neighbour::Channel, Verdict::Denied);
            scene.put(&envelope(0));
        },
        Scene::mend,
    ];
    let (_, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert_eq!(clean.notices.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn that_a_channel_took_no_sample_is_told_to_nobody_but_who_sent_it() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.deafen(Some(|notice| matches!(notice, Notice::Topic { .. })));
            scene.put(&sample());
            scene.lets_pass(Duration::from_mins(30));
        },
        |scene| {
            scene.world.deafen(None);
            scene.lets_pass(Duration::from_mins(40));
        },
        goes_round,
    ];
    let (_, ending) = Path { make: notifier_of_a_hub, steps }.played(|_| {}).await;
    assert_eq!((ending.incidents(), ending.notices.len()), (Vec::new(), 1));
}

fn sample() -> Value {
    let asked = json!({ "eventId": "1", "channel": "mail", "kind": "RPO_GAP", "severity": "LOW", "incidents": 1,
        "accountId": place().account, "region": place().region, "at": early(1) });
    event("drs-fleet", "Sample Requested", early(1), "", &asked)
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sample_goes_through_its_channel_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&sample())];
    let (_, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert!(matches!(clean.notices.as_slice(), [Notice::Topic { .. }]), "{:?}", clean.notices);
}

#[tokio::test(start_paused = true)]
pub(super) async fn an_own_event_of_an_unknown_type_is_recorded_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] =
        &[|scene| scene.put(&event("drs-fleet", "Incident Renamed", early(1), "", &json!({})))];
    let (_, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#notifier")));
    assert!(clean.notices.is_empty());
}

fn notifier_of_a_hub() -> Notifier {
    let place = Place { account: "999900001111".parse().unwrap(), region: "eu-central-1".parse().unwrap() };
    notifier().in_hub(Some(place))
}

/// The bus brings the notifier what it told itself, some of it not for the first time. Its group has its turn in that time,
/// also where whoever looked at it died.
fn goes_round(scene: &Scene) {
    for (n, event) in scene.world.published_events().iter().enumerate() {
        scene.put(&on_the_bus(n, event));
    }
    scene.lets_pass(Duration::from_mins(7));
}

/// Over which channel something of a channel was told.
fn told_of_channels(ending: &Ending) -> BTreeSet<(String, String)> {
    let mut told = BTreeSet::new();
    for row in ending.all::<DeliveryRow>() {
        assert!(row.sent_at.is_some(), "{row:?}");
        let Bulletin::Digest(digest) = row.bulletin else { panic!("no drill is told of here") };
        let of_channels = digest.first.iter().filter(|event| event.kind == IncidentKind::ChannelFailing);
        told.extend(
            of_channels
                .map(|event| (row.channel.to_string(), format!("{:?} {}", event.happened, event.subject))),
        );
    }
    told
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_channel_that_takes_nothing_is_told_over_the_other_until_it_is_mended_wherever_the_notifier_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.deafen(Some(|notice| matches!(notice, Notice::Topic { .. })));
            scene.put(&envelope(0));
            scene.lets_pass(Duration::from_mins(6));
        },
        goes_round,
        |scene| {
            scene.world.deafen(None);
            scene.lets_pass(Duration::from_mins(40));
        },
        goes_round,
    ];
    let path = Path { make: notifier_of_a_hub, steps };
    let check = |ending: &Ending, case: &str| {
        ending.assert_nothing_is_left(case);
        let told = ["Opened mail", "Resolved mail"].map(|told| ("slack".to_owned(), told.to_owned()));
        assert_eq!(told_of_channels(ending), told.into(), "{case}");
        let happened: BTreeSet<_> =
            ending.incidents().into_iter().map(|(_, happened)| format!("{happened:?}")).collect();
        assert_eq!(
            happened,
            [Happened::Opened, Happened::Resolved].map(|h| format!("{h:?}")).into(),
            "{case}"
        );
        assert!(ending.all::<ChannelRow>().iter().all(|row| row.failing.is_none()), "{case}");
        let mails = ending.notices.iter().filter(|notice| matches!(notice, Notice::Topic { .. })).count();
        assert!((1..=2).contains(&mails), "what waited is told once it can be: {case}");
    };
    let (points, clean) = path.played(|_| {}).await;
    check(&clean, "without fault");
    // Where it asks, a crash leaves nothing behind that would not be there without.
    let changes = |point: &usize| ["commit", "publish", "published", "send"].contains(&points[*point]);
    let asks_last = |point: usize| points[point] == "query" && points.get(point + 1) != Some(&"query");
    let fails = |point: &usize| ["read", "commit"].contains(&points[*point]) || asks_last(*point);
    if seam::only_asks_what_meets_faults((0..points.len()).filter(|point| changes(point) || fails(point))) {
        return;
    }
    for point in worth_trying(&points).into_iter().filter(changes) {
        let (_, ending) = path.played(|io| io.crash_at(point, Fault::After)).await;
        check(&ending, &format!("crash at point {point} ({})", points[point]));
    }
    // That a channel works again is told by the answer to one message, and recorded though a call fails.
    for point in (0..points.len()).filter(fails) {
        let (_, ending) = path.played(|io| io.fail_at(point, Fault::Before)).await;
        check(&ending, &format!("fault at point {point} ({})", points[point]));
    }
}
