//! Bar P9: how soon people are told, and what a storm costs: the notifier with the default routes, on a world in memory.

use std::time::{Duration, Instant};

use drs_fleet_aws::consume::{Options, consume};
use drs_fleet_aws::due::serve_due;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::Place;
use drs_fleet_testkit::bars::Bar;
use drs_fleet_testkit::company::place;
use notifier::Notifier;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::report::{Found, percentile};

/// How long each call takes until an alert is told.
const CALL: Duration = Duration::from_millis(10);
/// Critical alerts that are told one after the other, each of another group.
const ALERTS: u32 = 300;

/// What a storm came to, when all of it was told open.
struct Storm {
    /// Calls for each server.
    reads: f64,
    writes: f64,
    /// E-mails that told of it.
    digests: usize,
    /// Seconds until one notifier had taken all of it in.
    taken: i64,
}

/// In the storm, `servers` stall within a minute, and each call takes `call`.
pub fn measure(call: Duration, servers: u32) -> anyhow::Result<Found> {
    let runtime =
        |paused| tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    let alerts = runtime(false)?.block_on(alerts(CALL));
    let Storm { reads, writes, digests, taken } = runtime(true)?.block_on(storm(call, servers));
    let mut found = Found::default();
    let at = |percent| percentile(alerts.iter().copied(), percent);
    found.read(Bar::Alert, at(99), None);
    found.remark(format!(
        "P9, half of {ALERTS} alerts within {:.0} ms. A storm of {servers} servers within a minute costs {reads:.2} table \
         reads and {writes:.2} writes for each server, and {digests} e-mails in ten minutes; one notifier has taken it in \
         after {taken} s.",
        at(50)
    ));
    Ok(found)
}

fn works(world: &MemoryIo, call: Duration) -> MemoryIo {
    let io = world.restarted().with_latency(call);
    let worker = Notifier::new(true, RegistryCache::default(), &Metrics::default());
    let stop = CancellationToken::new();
    tokio::spawn(consume(io.clone(), worker.clone(), Options::default(), stop.clone()));
    tokio::spawn(serve_due(io.clone(), worker, stop));
    io
}

fn message(world: &MemoryIo, n: u32, kind: IncidentKind, severity: &str, place: &Place) -> Value {
    let subject = format!("s-{n:017}");
    let now = format!("{:.0}", world.now());
    json!({
        "version": "0", "id": format!("{n}"), "source": "drs-fleet", "detail-type": "Incident Opened",
        "account": "999900001111", "region": "eu-central-1", "time": now, "resources": [],
        "detail": {
            "eventId": format!("{kind}/{subject}"), "incident": format!("{kind}/{}/{}/{subject}", place.account, place.region),
            "happened": "OPENED", "kind": kind, "severity": severity, "accountId": place.account,
            "accountName": "erp-prod", "region": place.region, "subject": subject, "subjectName": subject,
            "openedAt": now, "at": now, "sequence": 1, "reason": "DRS does not hear the agent (AGENT_NOT_SEEN)",
        },
    })
}

/// Milliseconds from the queue to the channels. Each alert is the first of its group, one for each kind and Region.
async fn alerts(call: Duration) -> Vec<f64> {
    let world = MemoryIo::default();
    works(&world, call);
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
        world.put_message(
            message(&world, n, IncidentKind::ALL[index % kinds], "CRITICAL", &place).to_string(),
        );
        while world.notices().len() < told + 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took
}

async fn storm(call: Duration, servers: u32) -> Storm {
    let world = MemoryIo::default();
    let (io, began) = (works(&world, call), world.now());
    for second in 0..60 {
        for n in (second..servers).step_by(60) {
            let place = place(u64::from(n % 100));
            let kind = IncidentKind::ReplicationStalled;
            world.put_message(message(&world, n, kind, "HIGH", &place).to_string());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    while world.queued() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let taken = world.now().duration_since(began).as_secs();
    tokio::time::sleep(Duration::from_mins(9)).await;
    let points = io.points();
    let calls = |names: &[&str]| {
        let count = points.iter().filter(|point| names.contains(*point)).count();
        count as f64 / f64::from(servers)
    };
    Storm {
        reads: calls(&["read", "query"]),
        writes: calls(&["commit", "published"]),
        digests: world.notices().len() / 2,
        taken,
    }
}
