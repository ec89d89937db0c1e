use drs_fleet_domain::keys;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_local::faults::{Fault, FaultRule};
use tokio_util::sync::CancellationToken;

use super::*;

/// The four spokes of the company with two servers each, and the workers at work. Events are lost once all is in line, so
/// that only who asks has anything done.
struct Working {
    stage: Stage,
    stop: CancellationToken,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn working() -> Working {
    let (stage, stop) = (Stage::new().await, CancellationToken::new());
    stage.company.fleet.register().await.unwrap();
    stage.company.fleet.start_workers(&stop).unwrap();
    let working = Working { stage, stop };
    // The first sweep of tags may come before that of servers.
    while sum(&working.stage.json("sync --json").await, "in_line") < 8 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    working.fails("events", "Deliver", Fault::Drop);
    working
}

/// What all places of an answer come to.
fn sum(answer: &Value, what: &str) -> u64 {
    let places = answer["places"].as_array().unwrap().iter();
    places.map(|place| place["tally"][what].as_u64().unwrap()).sum()
}

impl Working {
    fn fails(&self, service: &str, operation: &str, fault: Fault) {
        let rule = FaultRule::of((service, operation), 1.0, fault);
        self.stage.company.fleet.world.faults.set(vec![rule]);
    }

    /// The name of a server of a spoke, whose machine is tagged so and nobody hears of it.
    async fn tagged(&self, spoke: usize, key: &str, value: &str) -> String {
        let fleet = &self.stage.company.fleet;
        let place = &fleet.places()[spoke];
        let rows = self.stage.hub.rows::<ServerRow>(&keys::servers(place)).await.unwrap();
        let (row, instance) =
            rows.into_iter().find_map(|row| Some((row.clone(), row.inventory?.instance.clone()?))).unwrap();
        let site = (place.account.as_str(), place.region.as_str());
        let changes = [(key.to_owned(), Some(value.to_owned()))];
        fleet.world.ec2.set_tags(&fleet.world, site, instance.as_str(), &changes).unwrap();
        row.name().to_owned()
    }

    /// Whether a source server of a spoke has a tag.
    fn has(&self, spoke: usize, key: &str, value: &str) -> bool {
        let fleet = &self.stage.company.fleet;
        let place = &fleet.places()[spoke];
        let site = (place.account.as_str(), place.region.as_str());
        let servers = fleet.world.drs.servers(site, fleet.world.clock.now());
        servers.iter().any(|server| server.tags.get(key).map(String::as_str) == Some(value))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_written_once_and_the_history_tells_who_asked() {
    let working = working().await;
    let name = working.tagged(0, "Owner", "ada").await;
    working.tagged(1, "Owner", "ada").await;

    let (one, code) = working.stage.run_to_code(&format!("sync --server {name} --json")).await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (code, &one["whole"], one["places"][0]["tally"]["written"].as_u64()),
        (0, &json!(true), Some(1)),
        "{one}"
    );
    assert!(working.has(0, "Owner", "ada") && !working.has(1, "Owner", "ada"), "only that one was asked for");

    let (all, code) = working.stage.run_to_code("sync --json").await;
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(
        (code, sum(&all, "servers"), sum(&all, "written"), sum(&all, "failed")),
        (0, 8, 1, 0),
        "{all}"
    );
    assert!(working.has(1, "Owner", "ada"));
    let history = working.stage.run(&format!("history {name} --since 1h")).await;
    assert!(history.contains("asked for by arn:aws:sts::") && history.contains("-> ada"), "{history}");

    let again = working.stage.run("sync --tag Owner=ada").await;
    assert_eq!(again.matches("done: 0 servers written").count(), 2, "two places have such servers: {again}");
    let elsewhere = working.stage.run("sync --region eu-west-9").await;
    assert!(elsewhere.starts_with("error: no account has DRS in eu-west-9"), "{elsewhere}");
    let nobody = working.stage.run("sync --server nobody").await;
    assert!(nobody.starts_with("error: no source server there is as asked"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_refuses_keeps_no_other_from_its_tags_and_is_named() {
    let working = working().await;
    working.tagged(0, "Owner", "ada").await;
    working.tagged(1, "Owner", "ada").await;
    let fleet = &working.stage.company.fleet;
    fleet.world.iam.delete_role(&fleet.estate.spokes[0].role_arn);
    let (told, code) = working.stage.run_to_code("sync").await;
    assert_eq!(code, 2, "{told}");
    assert!(working.has(1, "Owner", "ada"));
    let name = &fleet.estate.spokes[0].plan.name;
    assert!(told.contains(&format!("{name} ")) && told.contains("could not be read"), "{told}");
    assert!(told.contains("only what still differs is written"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_worker_takes_is_given_up_and_stays_asked_for() {
    let stage = stage().await;
    let (told, code) = stage.run_to_code("sync --timeout 2s").await;
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("not begun") && told.contains("are the workers running?"), "{told}");
    assert!(told.contains("1 of 1 request not seen to end. The tag-sync goes on"), "{told}");
}
