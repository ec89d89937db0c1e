use drs_fleet_local::drs::ServerView;

use super::*;
use crate::local::testing::{Company, company};

const QUOTA: &str = "L-C1D14A2B";

#[test]
fn every_built_in_scenario_can_be_read() {
    for (name, _) in BUILT_IN {
        assert!(!Scenario::load(name).unwrap().steps.is_empty(), "{name}");
    }
}

#[test]
fn an_unknown_scenario_names_those_that_there_are() {
    let error = Scenario::load("nonsense").unwrap_err().to_string();
    assert!(error.contains("calm, stall, drill, storm, health, full"), "{error}");
}

/// Plays steps at once; what was told, and the states of the first spoke's servers after each step.
async fn play(company: &Company, steps: &[&str]) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let steps: String = steps.iter().map(|step| ["\n  - { at: 0s, ", step, " }"].concat()).collect();
    let scenario: Scenario = serde_yaml_ng::from_str(&format!("about: a test\nsteps:{steps}")).unwrap();
    let seen = std::cell::RefCell::new(Vec::new());
    let told = |what| seen.borrow_mut().push((what, states(company)));
    scenario.play(&company.fleet.estate, &company.fleet.world, told).await?;
    Ok(seen.into_inner())
}

fn servers(company: &Company) -> Vec<ServerView> {
    let plan = &company.fleet.estate.spokes[0].plan;
    let world = &company.fleet.world;
    world.drs.servers((&plan.account, &plan.region), world.clock.now())
}

fn states(company: &Company) -> Vec<String> {
    servers(company).into_iter().map(|server| server.state).collect()
}

#[tokio::test]
async fn trouble_of_each_kind_befalls_the_same_server_and_ends() {
    let company = company().await;
    let cases = [
        ("lag, seconds: 7200", "BACKLOG"),
        ("heal", "BACKLOG"),
        ("resync", "RESCAN"),
        ("backlog, gib: 20", "RESCAN"),
        ("leave", "DISCONNECTED"),
        ("reconnect", "RESCAN"),
        ("disconnect", "DISCONNECTED"),
        ("reconnect", "RESCAN"),
        ("silence, stalls_after: 600", "RESCAN"),
        ("silence", "RESCAN"),
        ("stuck_sync", "INITIAL_SYNC"),
        ("heal", "INITIAL_SYNC"),
    ];
    let step = |kind: &str| format!("trouble: {{ spoke: 1, server: 1, kind: {kind} }}");
    let mut steps: Vec<_> = cases.iter().map(|(kind, _)| step(kind)).collect();
    steps.push(step("delete"));
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let built = states(&company).len();
    let seen = play(&company, &steps).await.unwrap();
    for ((kind, state), (told, states)) in cases.iter().zip(&seen) {
        assert!(
            told.contains("Payments") && states.contains(&(*state).to_owned()),
            "{kind}: {told} {states:?}"
        );
    }
    assert_eq!(seen.last().unwrap().1.len(), built - 1);
}

#[tokio::test]
async fn an_account_is_filled_until_its_quota_refuses_and_is_relieved() {
    let company = company().await;
    let quota = format!("quota: {{ spoke: 1, code: {QUOTA}, value: 6 }}");
    let fill = |servers: u32| format!("replicating: {{ spoke: 1, servers: {servers} }}");
    let told = play(&company, &[&quota, &fill(5), &fill(7), &fill(3)]).await.unwrap();
    assert!(told[1].0.contains("5 servers replicate"), "{told:?}");
    assert!(told[2].0.contains("6 servers of Payments replicate; one more is refused"), "{told:?}");
    assert!(told[3].0.contains("3 servers of Payments are deleted"), "{told:?}");
    let built = &company.fleet.estate.spokes[0].servers;
    let left = servers(&company);
    assert_eq!(left.iter().filter(|server| server.counts).count(), 3);
    assert!(built.iter().all(|id| left.iter().any(|server| server.id == *id)), "the newest go first");
}

#[tokio::test]
async fn a_scenario_that_names_what_is_not_there_does_not_begin() {
    let company = company().await;
    let possible = "trouble: { spoke: 1, server: 1, kind: leave }";
    let cases = [
        ("trouble: { spoke: 1, server: 3, kind: leave }", "--servers"),
        ("replicating: { spoke: 5, servers: 1 }", "spokes 1 to 4"),
    ];
    for (impossible, why) in cases {
        let error = play(&company, &[possible, impossible]).await.unwrap_err();
        assert!(format!("{error:#}").contains(why), "{error:#}");
        assert!(!states(&company).contains(&"DISCONNECTED".to_owned()));
    }
}
