//! How soon people are told (bar P9), and what a storm costs: the notifier with the default routes, on a world in memory.
//! `cargo bench -p drs-fleet-tests --bench people -- --help`

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use drs_fleet_aws::consume::{Options, consume};
use drs_fleet_aws::due::serve_due;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::Place;
use drs_fleet_tests::company::place;
use notifier::Notifier;
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Bar P9, at the 99th percentile.
const BAR: Duration = Duration::from_secs(1);

/// Measures how soon a critical alert is handed to its channels, and how many calls each incident of a storm costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long each call takes, in milliseconds.
    #[arg(long, default_value_t = 10)]
    call_ms: u64,
    /// How many critical alerts are told one after the other, each of another group.
    #[arg(long, default_value_t = 300)]
    alerts: u32,
    /// How many servers stall within a minute.
    #[arg(long, default_value_t = 30_000)]
    storm: u32,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Serialize)]
struct Measured {
    /// From the message in the queue to the channel, in milliseconds.
    alert_p50_ms: u128,
    alert_p99_ms: u128,
    /// Of the storm, in calls for each incident, when all of it was told open.
    storm_servers: u32,
    table_reads: f64,
    table_writes: f64,
    /// E-mails that told of it.
    digests: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(ended) => ended,
        Err(error) => drs_fleet_aws::process::fail(&error),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime =
        |paused| tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    let alerts = runtime(false)?.block_on(alerts(arguments));
    let measured = runtime(true)?.block_on(storm(arguments, &alerts));
    Ok(print(arguments, &measured))
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn print(arguments: &Arguments, measured: &Measured) -> ExitCode {
    let is_reached = measured.alert_p99_ms <= BAR.as_millis();
    if arguments.json {
        println!("{:#}", json!({ "measured": measured, "bar_ms": BAR.as_millis(), "reached": is_reached }));
    } else {
        let verdict = if is_reached { "reached" } else { "missed" };
        let Measured { alert_p50_ms, alert_p99_ms, storm_servers, table_reads, table_writes, digests } =
            measured;
        println!("critical alert, {} ms a call: from the queue to its channels", arguments.call_ms);
        println!(
            "  p50 {alert_p50_ms} ms, p99 {alert_p99_ms} ms (bar P9: {} ms, {verdict})",
            BAR.as_millis()
        );
        println!("storm of {storm_servers} servers within a minute: {digests} e-mails in ten minutes");
        println!("  {table_reads:.2} table reads and {table_writes:.2} writes for each server");
    }
    if is_reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Each alert is the first of its group, one for each kind and Region.
async fn alerts(arguments: &Arguments) -> Vec<Duration> {
    let world = MemoryIo::default();
    let call = Duration::from_millis(arguments.call_ms);
    works(&world, call);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for n in 0..arguments.alerts {
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
        took.push(began.elapsed());
    }
    took.sort();
    took
}

async fn storm(arguments: &Arguments, alerts: &[Duration]) -> Measured {
    let world = MemoryIo::default();
    let io = works(&world, Duration::from_millis(arguments.call_ms));
    for second in 0..60 {
        for n in (second..arguments.storm).step_by(60) {
            let place = place(u64::from(n % 100));
            let kind = IncidentKind::ReplicationStalled;
            world.put_message(message(&world, n, kind, "HIGH", &place).to_string());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_mins(9)).await;
    let points = io.points();
    let calls = |names: &[&str]| {
        let count = points.iter().filter(|point| names.contains(*point)).count();
        ratio(count, arguments.storm)
    };
    let at = |percent: usize| alerts.get((alerts.len() * percent / 100).min(alerts.len().saturating_sub(1)));
    let ms = |percent| at(percent).map_or(0, Duration::as_millis);
    Measured {
        alert_p50_ms: ms(50),
        alert_p99_ms: ms(99),
        storm_servers: arguments.storm,
        table_reads: calls(&["read", "query"]),
        table_writes: calls(&["commit", "published"]),
        digests: world.notices().len() / 2,
    }
}

fn ratio(count: usize, of: u32) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(of.max(1))
}
