//! The notifier's paths.

use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::own_event::IncidentEvent;
use notifier::Notifier;
use serde_json::{Value, json};

use super::Path;
use super::scene::Scene;
use super::world::{early, event, place, server_id};
use crate::samples::on_the_bus;

pub(super) fn notifier() -> Notifier {
    Notifier::new(true, RegistryCache::default(), &Metrics::default())
}

/// A stall of server 1: opened, made worse, resolved.
fn life() -> Vec<IncidentEvent> {
    let (place, server) = (place(), server_id(1));
    let subject = Subject {
        place: &place,
        account_name: "erp-prod",
        id: &server,
        name: "erp-1",
        job: None,
        application: None,
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
async fn people_are_told_of_an_incident_and_its_end_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&envelope(0)), |scene| scene.put(&envelope(2))];
    let (points, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert!(points.contains(&"send"));
    assert_eq!(clean.notices.len(), 4, "two events on two channels");
}

#[tokio::test(start_paused = true)]
async fn what_a_channel_refuses_is_told_later_wherever_the_notifier_dies() {
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
async fn an_own_event_of_an_unknown_type_is_recorded_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] =
        &[|scene| scene.put(&event("drs-fleet", "Incident Renamed", early(1), "", &json!({})))];
    let (_, clean) = Path { make: notifier, steps }.survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#notifier")));
    assert!(clean.notices.is_empty());
}
