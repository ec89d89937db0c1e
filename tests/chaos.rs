//! A small kill storm with real processes, which this binary starts itself as. The whole one is the benchmark `chaos`.

use std::process::Command;

use drs_fleet_tests::chaos::{Role, Storm, be, storm};

/// This binary as the capacity-tracker: the test below, alone.
fn again(_: Role) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["chaos::a_worker_of_a_storm", "--exact", "--ignored", "--nocapture"]);
    Ok(command)
}

#[test]
#[ignore = "is a process that the storm starts, and waits to be killed"]
fn a_worker_of_a_storm() {
    // Somebody who runs all ignored tests has set none of its settings.
    if std::env::var_os("DRS_FLEET_QUEUE_URL").is_some() {
        be(Role::CapacityTracker).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_and_invent_nothing() {
    storm(Storm { seed: 1, events: 1_000, kills: 5, visibility: 3, people: false }, again).await.unwrap();
}
