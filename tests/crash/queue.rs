//! What becomes of a message that cannot be handled, or not now.

use std::time::Duration;

use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::server::ServerRow;
use serde_json::json;

use super::Path;
use super::capacity::tracker;
use super::ending::Ending;
use super::scene::Scene;
use super::world::{early, place, server, stalled, wish};

#[tokio::test(start_paused = true)]
pub(super) async fn what_cannot_be_read_is_dead_lettered_with_its_reason_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.put(&json!("no event"));
        scene.put(&stalled(1, "STALLED", early(10)));
    }];
    let path = Path { make: tracker, steps };
    let (points, clean) = path.played(|_| {}).await;
    let check = |ending: &Ending, case: &str| {
        ending.assert_nothing_waits(case);
        ending.assert_same(&clean, case);
        // Who dies before it deletes the message reads it again.
        assert!((1..=2).contains(&ending.dead_letters.len()), "{case}: {:?}", ending.dead_letters);
        for buried in &ending.dead_letters {
            let reason = buried.attributes.get("reason").map(String::as_str);
            assert_eq!(
                (buried.message.body.as_str(), reason),
                (r#""no event""#, Some("NOT_AN_EVENT")),
                "{case}"
            );
        }
    };
    check(&clean, "without fault");
    path.survives(&points, 0, check).await;
}

/// So long that its lease would end twice meanwhile.
#[tokio::test(start_paused = true)]
pub(super) async fn what_waits_for_the_table_stays_in_hand_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.break_down(Neighbour::Table, Verdict::Transient);
        scene.put(&stalled(1, "STALLED", early(10)));
        scene.later(Duration::from_mins(5), Scene::mend);
    }];
    let (points, clean) = Path { make: tracker, steps }.survives_everything().await;
    assert!(points.contains(&"hide"), "{points:?}");
    assert_eq!(clean.all::<ServerRow>().len(), 1);
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_a_spoke_puts_off_is_given_back_and_done_when_its_time_has_come_wherever_the_tracker_dies()
 {
    let steps: &[fn(&Scene)] = &[|scene| {
        let busy = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Throttled, "slower");
        let retry_after = Some(Duration::from_mins(3));
        scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
        scene.world.set_spoke_failure(&place(), Some(IoError { retry_after, ..busy }));
        scene.put(&wish(scene));
        scene.later(Duration::from_secs(30), |scene| scene.world.set_spoke_failure(&place(), None));
    }];
    let (points, clean) = Path { make: tracker, steps }.survives_everything().await;
    assert!(points.contains(&"hide"), "{points:?}");
    assert_eq!(clean.incidents(), [(IncidentKind::ReplicationStalled, Happened::Opened)]);
}
