//! The simulated DRS under a client that this project did not write, with botocore's model of the service.

use drs_fleet_local::drs::{ServerSpec, Settings, Start};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud, World, fleet};
use jiff::Timestamp;
use serde_json::json;

use crate::support::python;

const OWNER: &str = "111122223333";
const BUSY: &str = "222233334444";
/// At two of its quotas, and trusted by the owner.
const FULL: &str = "333344445555";
const REGION: &str = "eu-central-1";
/// More than a job may have.
const SERVERS: usize = 130;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_and_its_model_of_drs_agree_with_every_answer() {
    let environment = tokio::task::spawn_blocking(|| python::environment("requirements-boto3.txt")).await;
    let python = match environment.unwrap() {
        Ok(python) => python,
        Err(why) => return python::skipped("boto3 against the simulated DRS", &why),
    };
    // A drill takes twenty minutes.
    let clock = Clock::starting(Timestamp::now(), 600.0);
    let cloud = LocalCloud::start(clock, Faults::none()).await.unwrap();
    let world = cloud.world();
    let keys = |account: &str| {
        let keys = world.iam.add_account(account, None);
        json!({"id": keys.access_key_id, "secret": keys.secret_access_key})
    };
    let input = json!({"owner": keys(OWNER), "busy": keys(BUSY), "full": keys(FULL), "servers": SERVERS});
    fleet::populate(world, OWNER, REGION, SERVERS, 1).unwrap();
    fleet::populate(world, BUSY, REGION, 1, 1).unwrap();
    let slow = Settings { calls_per_second: Some(0.001), ..Settings::default() };
    world.drs.configure((BUSY, REGION), slow);
    fill(world);
    let endpoint = cloud.endpoint();
    let run = move || python::run_script(&python, "boto3_drs.py", &[&endpoint], &input);
    let complaints = tokio::task::spawn_blocking(run).await.unwrap().err();
    assert_eq!(complaints, None, "boto3 finds fault with the simulated DRS");
}

/// One server replicates, which is as many as may; one is stopped, and a third may be there.
fn fill(world: &World) {
    let (full, now) = ((FULL, REGION), world.clock.now());
    world.drs.initialize(full);
    world.drs.trust(OWNER, FULL);
    let replicating = ServerSpec::named("crm-web-01").continuous(now);
    let stopped = ServerSpec { start: Start::Stopped(now), ..ServerSpec::named("crm-web-02") };
    for server in [replicating, stopped] {
        world.drs.add_server(full, server, now).unwrap();
    }
    for (code, value) in [("L-C1D14A2B", Some(1)), ("L-E28BE5E0", Some(3)), ("L-4B0323BD", None)] {
        world.drs.set_quota(full, code, value).unwrap();
    }
}
