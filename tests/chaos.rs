//! A small kill storm with real processes, which this binary starts itself as. The whole one, of the workers as they are
//! shipped, is the benchmark `chaos`.

use std::io::Read;
use std::process::Command;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::process::{Arguments, from_env, on_one_thread, prepare};
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::chaos::{Role, Storm, storm};
use tokio_util::sync::CancellationToken;

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
        be_the_tracker().unwrap();
    }
}

/// Until SIGTERM, or until whoever started it is gone.
fn be_the_tracker() -> anyhow::Result<()> {
    std::thread::spawn(|| {
        // Nothing is ever written there.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1)
    });
    on_one_thread(async {
        let stop = CancellationToken::new();
        from_env(&[CapacityTracker::NAME], &stop, |_, io, _| {
            let make =
                |setup: drs_fleet_aws::process::Setup| CapacityTracker::new(setup.registry, &setup.metrics);
            Some(prepare(io, Arguments::default(), &stop, make))
        })
        .await
    })?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_and_invent_nothing() {
    storm(Storm { seed: 1, events: 1_000, kills: 5, visibility: 3, people: false }, again).await.unwrap();
}
