//! Who starts a job makes no difference to whether it is known.

use std::collections::BTreeMap;

use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{Outcome, Purpose};
use drs_fleet_local::drs::{EventRule, InitiatedBy, Mishap, Settings};
use serde_json::json;

use super::{assert_true, drill, healthy, over, servers_of};
use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_no_event_tells_of_are_found_and_followed() {
    let hub = Hub::start(Plan { speed: 150.0, servers: 8, ..Plan::default() }).await;
    let (world, site) = (hub.world(), hub.site(0));
    world.drs.configure(site, Settings { trail: false, ..Settings::default() });
    world.drs.disturb(site, vec![EventRule::share("", 1.0, Mishap::Lost)], 3);
    let servers = healthy(&hub, 0);
    let start = |by, ids: &[String]| -> JobId {
        world.drs.start_job(world, site, by, ids, &BTreeMap::new()).unwrap().parse().unwrap()
    };
    let jobs = [
        (start(InitiatedBy::StartDrill, &servers[..2]), Purpose::Drill),
        (start(InitiatedBy::StartRecovery, &servers[2..3]), Purpose::Recovery),
        (start(InitiatedBy::Diagnostic, &servers[3..4]), Purpose::Diagnostic),
        (start(InitiatedBy::TargetAccount, &servers[4..5]), Purpose::ConvertedSnapshot),
    ];
    hub.sweep_jobs(0).await;
    for (id, purpose) in &jobs {
        let job = over(&hub, 0, id).await;
        assert_eq!((job.purpose(), job.outcome()), (*purpose, Some(Outcome::Succeeded)), "{job:?}");
        assert!(job.call.is_none(), "nobody told who began it");
        assert_true(&hub, 0, id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_ended_by_a_job_of_its_own() {
    let hub = Hub::start(Plan { speed: 150.0, ..Plan::default() }).await;
    let ids = &healthy(&hub, 0)[..2];
    let launched = drill(&hub, 0, ids, "wave-1").await;
    over(&hub, 0, &launched).await;
    let rows = servers_of(&hub, 0, &launched).await;
    let instances: Vec<_> = rows.iter().map(|row| row.recovery_instance.clone().unwrap()).collect();
    let body = json!({ "recoveryInstanceIDs": instances });
    hub.call(hub.site(0), ("drs", "TerminateRecoveryInstances"), &body).await.unwrap();
    let job = until("the job that ends them", async || {
        let jobs: Vec<drs_fleet_domain::job::JobRow> =
            hub.rows(&drs_fleet_domain::keys::jobs(&hub.place(0))).await;
        jobs.into_iter().find(|job| job.purpose() == Purpose::Terminate && !job.is_active())
    })
    .await;
    assert_eq!((job.outcome(), job.recovery_time()), (Some(Outcome::Succeeded), None));
    let before = over(&hub, 0, &launched).await;
    assert_eq!(before.outcome(), Some(Outcome::Succeeded), "what it launched was launched");
}
