//! Two instances of each worker on one queue, under faults by chance and with messages delivered again in any order.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_aws::io::Notice;
use drs_fleet_aws::memory::Chances;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident::REOPENS;
use drs_fleet_testkit::work::work;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::capacity::{five, tracker};
use super::ending::{Ending, told_open};
use super::scene::Scene;
use super::world::{api_call, early, event, heartbeat, place, server, stalled, tags_changed, tick, wish};
use super::{jobs, notices, tags};

/// How many runs of each kind.
const SEEDS: u64 = 50;

/// One call in twenty goes wrong.
const CHANCES: Chances = Chances {
    before: 0.02,
    after: 0.02,
    twice: 0.01,
    part: 0.01,
    late: 0.0,
    only: None,
    throttled: 0.0,
    denied: 0.0,
};

/// A round of messages that arrive in any order, and what is done to the world before.
struct Round {
    before: fn(&Scene),
    messages: fn(&Scene) -> Vec<Value>,
}

/// Plays rounds once in order by one instance, then by two instances of which each call may go wrong, with every
/// message up to three times and in any order; asserts the same state.
async fn ends_the_same<W: Worker>(make: fn() -> W, rounds: &[Round]) -> Ending {
    let clean = played(make, rounds, None).await;
    for seed in 0..SEEDS {
        let ending = played(make, rounds, Some(seed)).await;
        let case = format!("seed {seed}");
        ending.assert_nothing_is_left(&case);
        ending.assert_same_state(&clean, &case);
        assert_eq!(told_open(&ending.published), told_open(&clean.published), "told open: {case}");
        for notice in last_words(&clean) {
            assert!(ending.notices.contains(notice), "lost: {case}: {notice:?}");
        }
    }
    clean
}

/// What each channel was told last in a run without fault.
fn last_words(clean: &Ending) -> impl Iterator<Item = &Notice> {
    clean.notices.iter().rev().take(2)
}

async fn played<W: Worker>(make: fn() -> W, rounds: &[Round], seed: Option<u64>) -> Ending {
    let scene = Scene::new().await;
    let instances: Vec<JoinHandle<()>> = (0..if seed.is_some() { 2 } else { 1 })
        .map(|n| {
            let io = scene.process().restarted();
            if let Some(seed) = seed {
                io.fail_by_chance(2 * seed + n, CHANCES);
            }
            tokio::spawn(work(io, make()))
        })
        .collect();
    for (round, Round { before, messages }) in rounds.iter().enumerate() {
        if round > 0 {
            // What comes back sooner is the same incident, and when the last one ended depends on what failed.
            tokio::time::sleep(REOPENS + Duration::from_mins(1)).await;
        }
        before(&scene);
        let mut messages = messages(&scene);
        if let Some(seed) = seed {
            messages = shuffled(&messages, seed ^ (round as u64) << 32);
        }
        for message in messages {
            scene.put(&message);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        scene.settles(Duration::from_secs(150)).await;
    }
    scene.settles(Duration::from_hours(24)).await;
    instances.iter().for_each(JoinHandle::abort);
    Ending::of(&scene)
}

/// Each message one to three times, in any order.
pub(super) fn shuffled(messages: &[Value], seed: u64) -> Vec<Value> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut drawn = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut drawn_with: Vec<(u64, Value)> = Vec::new();
    for message in messages {
        for _ in 0..=drawn() % 3 {
            drawn_with.push((drawn(), message.clone()));
        }
    }
    drawn_with.sort_by_key(|(order, _)| *order);
    drawn_with.into_iter().map(|(_, message)| message).collect()
}

#[tokio::test(start_paused = true)]
async fn two_trackers_under_faults_end_as_one_without() {
    let rounds = [
        Round {
            before: |_| {},
            messages: |_| {
                vec![
                    stalled(1, "STALLED", early(10)),
                    stalled(1, "NOT_STALLED", early(20)),
                    stalled(2, "STALLED", early(15)),
                    stalled(7, "STALLED", early(16)),
                    heartbeat(early(12)),
                    heartbeat(early(312)),
                    event("aws.drs", "Added Later", early(1), "", &json!({})),
                    api_call("DeleteSourceServer", early(2), &json!(null)),
                ]
            },
        },
        Round { before: five, messages: |scene| vec![tick(scene), wish(scene)] },
        Round {
            before: |scene| scene.world.set_servers(&place(), vec![server(1, "STALLED")]),
            messages: |scene| vec![wish(scene), stalled(2, "STALLED", early(15))],
        },
    ];
    let clean = ends_the_same(tracker, &rounds).await;
    assert!(told_open(&clean.published).values().collect::<BTreeSet<_>>().len() == 2);
}

#[tokio::test(start_paused = true)]
async fn two_monitors_under_faults_end_as_one_without() {
    let messages = |scene: &Scene| {
        vec![
            jobs::started(),
            jobs::launched(1, "RECOVERY_LAUNCH_SUCCEEDED"),
            jobs::launched(2, "RECOVERY_LAUNCH_FAILED"),
            tick(scene),
        ]
    };
    let rounds = [Round { before: |scene| scene.world.set_jobs(&place(), jobs::ended()), messages }];
    ends_the_same(jobs::monitor, &rounds).await;
}

#[tokio::test(start_paused = true)]
async fn two_syncs_under_faults_leave_the_newest_tags() {
    let rounds = [Round {
        before: |scene| tags::link(scene, 1, &place()),
        messages: |_| {
            (1..=5).map(|n| tags_changed(1, n, &json!({ "owner": format!("owner {n}") }))).collect()
        },
    }];
    let clean = ends_the_same(tags::sync, &rounds).await;
    assert_eq!(clean.tags[0]["owner"], "owner 5");
}

#[tokio::test(start_paused = true)]
async fn two_notifiers_under_faults_tell_what_is_so() {
    let rounds = [
        Round { before: |_| {}, messages: |_| vec![notices::envelope(0), notices::envelope(1)] },
        Round { before: |_| {}, messages: |_| (0..3).map(notices::envelope).collect() },
    ];
    ends_the_same(notices::notifier, &rounds).await;
}
