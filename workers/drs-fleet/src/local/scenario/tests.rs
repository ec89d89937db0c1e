use std::collections::BTreeSet;

use drs_fleet::fleet::Fleet;
use drs_fleet_local::drs::{JobView, ServerView};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::local::testing::{Company, company};
use crate::local::{Arguments, plan};

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
    assert!(error.contains("calm, stall, drill, storm, health, full, jobs"), "{error}");
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

fn job_of(company: &Company, spoke: usize) -> JobView {
    let plan = &company.fleet.estate.spokes[spoke].plan;
    company.fleet.world.drs.jobs((&plan.account, &plan.region)).pop().unwrap()
}

#[tokio::test]
async fn drills_and_recoveries_carry_their_tags_and_the_newest_job_gets_stuck_and_goes_on() {
    let company = company().await;
    let drill = "drill: { spoke: 1, servers: 2, tags: { \"drs-fleet:plan\": q1 } }";
    let recovery = "recovery: { spoke: 2, servers: 1 }";
    let stick = "job: { spoke: 1, kind: stick }";
    let told = play(&company, &[drill, recovery, stick]).await.unwrap();
    assert!(told[0].0.contains("a drill of 2 servers in Payments"), "{told:?}");
    let (drill, recovery) = (job_of(&company, 0), job_of(&company, 1));
    assert_eq!(
        (drill.initiated_by.as_str(), recovery.initiated_by.as_str()),
        ("START_DRILL", "START_RECOVERY")
    );
    assert_eq!((drill.tags["drs-fleet:plan"].as_str(), recovery.tags.len()), ("q1", 0));
    assert_eq!((drill.stuck, recovery.stuck), (true, false));
    play(&company, &["job: { spoke: 1, kind: release }"]).await.unwrap();
    assert!(!job_of(&company, 0).stuck);
}

#[tokio::test]
async fn what_a_job_must_have_left_behind_is_named_when_it_is_missing() {
    let company = company().await;
    let cases = [
        ("job: { spoke: 3, kind: stick }", "there is no job in Web shop"),
        ("job: { spoke: 1, kind: failback, server: 1 }", "has no recovery instance"),
        ("job: { spoke: 1, kind: failback_error, server: 9, error: AGENT_NOT_SEEN }", "--servers"),
    ];
    for (step, why) in cases {
        let error = format!("{:#}", play(&company, &[step]).await.unwrap_err());
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn the_jobs_scenario_is_played_to_its_end_and_leaves_one_drill_running() {
    // An hour and a half, in a few seconds.
    let clock = Clock::starting(Timestamp::now(), 1_000.0);
    let cloud = LocalCloud::start(clock, Faults::none()).await.unwrap();
    let scenario = "jobs".to_owned();
    let arguments = Arguments { scenario, speed: 1, servers: 60, seed: 1, until_played: true };
    let fleet = Fleet::build(&cloud, plan(&arguments), "http://127.0.0.1:9").await.unwrap();
    let stop = CancellationToken::new();
    let ticks = tokio::spawn(drs_fleet_local::drs::run(Arc::clone(&fleet.world), stop.clone()));
    let scenario = Scenario::load("jobs").unwrap();
    scenario.play(&fleet.estate, &fleet.world, |_| ()).await.unwrap();
    fleet.world.clock.sleep(Duration::from_mins(10)).await;
    stop.cancel();
    ticks.await.unwrap();
    let jobs = fleet.estate.spokes.iter().flat_map(|spoke| {
        let jobs = fleet.world.drs.jobs((&spoke.plan.account, &spoke.plan.region));
        jobs.into_iter().filter(|job| job.initiated_by == "START_DRILL")
    });
    let launches: Vec<_> = jobs.flat_map(|job| job.servers).collect();
    let errors: BTreeSet<_> = launches.iter().filter_map(|launch| launch.error.clone()).collect();
    let failed = launches.iter().filter(|launch| launch.status == "FAILED").count();
    assert_eq!((launches.len(), failed, errors.len()), (100, 7, 4));
    let left = fleet.estate.spokes.iter().map(|spoke| {
        let servers =
            fleet.world.drs.servers((&spoke.plan.account, &spoke.plan.region), fleet.world.clock.now());
        servers.into_iter().filter(|server| server.recovery_instance.is_some()).count()
    });
    assert_eq!(left.collect::<Vec<_>>(), [0, 0, 28, 1]);
}
