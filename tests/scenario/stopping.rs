//! A stopped worker finishes what it has in hand and leaves the rest to the next.

use std::time::Duration;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn stopped_workers_end_in_time_and_nothing_that_was_handled_comes_back() {
    let mut hub = Hub::start(Plan { speed: 1.0, ..Plan::default() }).await;
    let stalled = 3;
    for server in &hub.servers(0)[..stalled] {
        hub.world().drs.stall(hub.world(), hub.site(0), server, "AGENT_NOT_SEEN").unwrap();
    }
    until("the first message", async || hub.slack.texts().into_iter().next()).await;
    // A platform kills after ten seconds or more; the longest poll is eight.
    hub.stop(Duration::from_secs(20)).await;
    let in_flight = ["capacity", "jobs", "tags", "notifications"].map(|queue| {
        let arn = format!("arn:aws:sqs:eu-central-1:999900001111:drs-fleet-{queue}");
        hub.world().sqs.depth(hub.world(), &arn).1
    });
    assert_eq!(in_flight, [0; 4], "a message that nobody holds is hidden from the next worker");

    hub.restart();
    until("all incidents, told", async || {
        let incidents = hub.incidents(0).await;
        let mut told = 0;
        for row in &incidents {
            told += usize::from(hub.is_told(row).await);
        }
        (told == stalled).then_some(())
    })
    .await;
    assert_eq!((hub.slack.texts().len(), hub.mails().len()), (stalled, stalled), "each told once");
}
