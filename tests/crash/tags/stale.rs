//! A worker that remembers an older change than the table has.

use drs_fleet_aws::memory::Fault;
use drs_fleet_testkit::work::work;

use super::super::seam;
use super::*;

/// Points at which the worker that remembers too little may fail; it passes fewer before it is done.
const POINTS: usize = 60;

/// A first worker stores a change that its account refuses, and goes on remembering it as undone; a second one makes that
/// change and a newer one. Then the first gets the older change once more, and one of its calls fails.
async fn repeated(point: Option<usize>) -> BTreeMap<String, String> {
    let scene = Scene::new().await;
    link(&scene, 1, &place());
    let (first, older) = (sync(), tags_changed(1, 1, &json!({ "owner": "ada" })));
    refuse(&scene, &place());
    scene.put(&older);
    let working = tokio::spawn(work(scene.process().restarted(), first.clone()));
    tokio::time::sleep(Duration::from_secs(30)).await;
    working.abort();

    scene.world.set_spoke_failure(&place(), None);
    let second = tokio::spawn(work(scene.process().restarted(), sync()));
    scene.put(&tags_changed(1, 2, &json!({ "owner": "bob" })));
    scene.settles(Duration::from_hours(1)).await;
    second.abort();
    assert_eq!(scene.world.tags(&place(), &arn(1)), owner("bob"));

    let io = scene.tried();
    if let Some(point) = point {
        io.fail_at(point, Fault::Before);
    }
    let working = tokio::spawn(work(io, first));
    scene.put(&older);
    scene.settles(Duration::from_hours(1)).await;
    working.abort();
    scene.world.tags(&place(), &arn(1))
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn an_older_change_that_comes_again_undoes_no_newer_one_whatever_fails() {
    assert_eq!(repeated(None).await, owner("bob"));
    if seam::only_asks_what_meets_faults(0..POINTS) {
        return;
    }
    for point in 0..POINTS {
        assert_eq!(repeated(Some(point)).await, owner("bob"), "a call fails at point {point}");
    }
}
