//! Types of machines, for which EC2 is asked.

use super::*;
use drs_fleet_testkit::work::work;

const TYPE: &str = "source:instance-type";

fn of_type(scene: &Scene, name: &str) {
    scene.world.set_instance_type(&source_place(), &instance(1).parse().unwrap(), name);
}

/// What a server has of its machine, with its type.
fn typed(owned_by: &str, name: &str) -> BTreeMap<String, String> {
    let mut tags = owner(owned_by);
    tags.insert(TYPE.to_owned(), name.to_owned());
    tags
}

fn asked(points: &[&str]) -> usize {
    points.iter().filter(|point| **point == "instance_types").count()
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_changed_machine_is_asked_for_its_type_once_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            of_type(scene, "m6i.large");
            link(scene, 1, &place());
            scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| scene.put(&tags_changed(1, 2, &json!({ "owner": "bob" }))),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!((asked(&points), &clean.tags[0]), (1, &typed("bob", "m6i.large")));
}

/// The second sweep asks only when the first could not.
#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn sweeps_ask_for_a_type_that_is_not_known_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            of_type(scene, "m6i.large");
            inventory(scene);
            tagged(scene, "ada");
            scene.put(&tick(scene));
        },
        |scene| scene.put(&tick(scene)),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!((asked(&points), &clean.tags[0]), (1, &typed("ada", "m6i.large")));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_given_another_type_is_tagged_with_it_within_a_day() {
    let scene = Scene::new().await;
    of_type(&scene, "m6i.large");
    inventory(&scene);
    tagged(&scene, "ada");
    let io = scene.process().restarted();
    let working = tokio::spawn(work(io.clone(), sync()));
    for (pause, name, calls) in [(0, "m6i.large", 1), (1, "m6i.large", 1), (24, "m6i.4xlarge", 2)] {
        tokio::time::sleep(Duration::from_hours(pause)).await;
        scene.put(&tick(&scene));
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(scene.world.tags(&place(), &arn(1)), typed("ada", name), "after {pause} hours");
        assert_eq!(asked(&io.points()), calls, "after {pause} hours");
        of_type(&scene, "m6i.4xlarge");
    }
    working.abort();
}

/// What passes is asked again by a timer; a role that may not ask is left to sweeps.
#[tokio::test(start_paused = true)]
async fn where_ec2_fails_only_the_tag_of_the_type_waits() {
    for (verdict, comes_back) in
        [(Verdict::Denied, false), (Verdict::Throttled, true), (Verdict::Transient, true)]
    {
        let scene = Scene::new().await;
        of_type(&scene, "m6i.large");
        link(&scene, 1, &place());
        let failure = IoError::new(Neighbour::Spoke, "DescribeInstances", verdict, "not now");
        scene.world.set_ec2_failure(&source_place(), Some(failure));
        let working = tokio::spawn(work(scene.process().restarted(), sync()));
        scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(scene.world.tags(&place(), &arn(1)), owner("ada"), "{verdict:?}");

        scene.world.set_ec2_failure(&source_place(), None);
        tokio::time::sleep(Duration::from_mins(15)).await;
        let now = if comes_back { typed("ada", "m6i.large") } else { owner("ada") };
        assert_eq!(scene.world.tags(&place(), &arn(1)), now, "{verdict:?}");
        working.abort();
    }
}
