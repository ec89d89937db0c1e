//! Work that takes long or that a person waits for: it is claimed while it goes on, and its end is written down.

use drs_fleet_domain::tags::{Cause, TagRequestRow, Tally};
use serde_json::Value;

use super::super::world::{event, now, wish};
use super::*;
use drs_fleet_testkit::work::work;

/// What `tags sync` puts on the queue.
pub(super) fn asked(scene: &Scene) -> Value {
    let detail = json!({ "request": "r-1", "by": "ada" });
    event("drs-fleet.schedule", "Sync Tags", now(scene), "", &detail)
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn what_a_person_asks_for_is_done_and_its_end_is_written_down_wherever_the_sync_dies()
 {
    let steps: &[fn(&Scene)] = &[|scene| {
        inventory(scene);
        tagged(scene, "ada");
        scene.put(&asked(scene));
    }];
    let (_, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
    let requests = clean.all::<TagRequestRow>();
    assert_eq!((requests.len(), requests[0].ended_at.is_some()), (1, true));
    let Tally { servers, failed, refused, .. } = &requests[0].tally;
    assert_eq!((*servers, *failed, refused), (1, 0, &None));
    assert!(
        clean
            .all::<TagHistoryRow>()
            .iter()
            .all(|row| matches!(&row.cause, Cause::Command(by) if by == "ada"))
    );
}

/// A list that takes longer than a claim lasts; the schedule asks meanwhile.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_gets_on_is_not_begun_by_another() {
    let scene = Scene::new().await;
    inventory(&scene);
    tagged(&scene, "ada");
    let machine = |n: u8| TaggedInstance { instance: instance(n).parse().unwrap(), tags: owner("ada") };
    scene.world.set_tagged(&source_place(), (1..=9).map(machine).collect());
    scene.world.set_page_size(&source_place(), Some(1));
    scene.world.set_one_call_in(&source_place(), Some(Duration::from_secs(25)));
    let workers = [0, 1].map(|_| {
        let io = scene.world.restarted();
        (io.clone(), tokio::spawn(work(io, sync())))
    });
    scene.put(&wish(&scene));
    tokio::time::sleep(Duration::from_secs(150)).await;
    scene.put(&wish(&scene));
    scene.settles(Duration::from_secs(150)).await;
    let lists =
        workers.iter().map(|(io, _)| io.points().iter().filter(|p| **p == "tagged_instances").count());
    let lists: Vec<_> = lists.collect();
    assert!(lists.contains(&0), "one of them reads the list: {lists:?}");
    assert_eq!(scene.world.tags(&place(), &arn(1)), owner("ada"));
    for (_, working) in workers {
        working.abort();
    }
}
