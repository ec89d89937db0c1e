//! Bar P9: how soon people are told, by the notifier with the default routes, on a world in memory.

use std::time::{Duration, Instant};

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::Place;
use drs_fleet_testkit::bars::Bar;
use drs_fleet_testkit::company::place;
use drs_fleet_testkit::work::work;
use notifier::Notifier;
use serde_json::{Value, json};

use crate::report::{Found, percentile};
use crate::storm::Storm;

/// How long each call takes until an alert is told.
const CALL: Duration = Duration::from_millis(10);
/// Critical alerts that are told one after the other, each of another group.
const ALERTS: u32 = 300;

pub fn measure(storm: &Storm) -> anyhow::Result<Found> {
    let runtime =
        |paused| tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    let alerts = runtime(false)?.block_on(alerts());
    let mut found = Found::default();
    let at = |percent| percentile(alerts.iter().copied(), percent);
    found.read(Bar::Alert, at(99), None);
    let came = runtime(true)?.block_on(storm.run());
    found.remark(format!("P9, half of {ALERTS} alerts within {:.0} ms. {came}", at(50)));
    Ok(found)
}

fn message(world: &MemoryIo, n: u32, kind: IncidentKind, place: &Place) -> Value {
    let subject = format!("s-{n:017}");
    let now = format!("{:.0}", world.now());
    json!({
        "version": "0", "id": format!("{n}"), "source": "drs-fleet", "detail-type": "Incident Opened",
        "account": "999900001111", "region": "eu-central-1", "time": now, "resources": [],
        "detail": {
            "eventId": format!("{kind}/{subject}"), "incident": format!("{kind}/{}/{}/{subject}", place.account, place.region),
            "happened": "OPENED", "kind": kind, "severity": "CRITICAL", "accountId": place.account,
            "accountName": "erp-prod", "region": place.region, "subject": subject, "subjectName": subject,
            "openedAt": now, "at": now, "sequence": 1, "reason": "DRS does not hear the agent (AGENT_NOT_SEEN)",
        },
    })
}

/// Milliseconds from the queue to the channels. Each alert is the first of its group, one for each kind and Region.
async fn alerts() -> Vec<f64> {
    let world = MemoryIo::default();
    let notifier = Notifier::new(true, RegistryCache::default(), &Metrics::default());
    tokio::spawn(work(world.restarted().with_latency(CALL), notifier));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for n in 0..ALERTS {
        let kinds = IncidentKind::ALL.len();
        let index = usize::try_from(n).unwrap_or_default();
        let region = format!("us-west-{}", index / kinds);
        let Ok(region) = region.parse() else { break };
        let place = Place { region, ..place(1) };
        let told = world.notices().len();
        let began = Instant::now();
        world.put_message(message(&world, n, IncidentKind::ALL[index % kinds], &place).to_string());
        while world.notices().len() < told + 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took
}
