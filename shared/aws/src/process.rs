//! A worker as a process: its command line, its settings, its tasks, its end.

use std::future::Future;
use std::pin::Pin;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser};
use futures::future::join_all;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::consume::{Options, Pulse, consume};
use crate::due::serve_due;
use crate::health::{self, Watched};
use crate::io::Io;
use crate::limiter::Limiter;
use crate::metrics::{self, Metrics, Snapshot};
use crate::registry::RegistryCache;
use crate::sdk::SdkIo;
use crate::time::{SystemTime, Time};
use crate::worker::Worker;
use crate::{connect, telemetry};

/// What every worker's command line takes.
#[derive(Clone, Copy, Debug, Default, Parser)]
#[command(
    after_help = "Settings are environment variables; started without them, a worker lists all that it \
needs.\nExample: DRS_FLEET_TABLE=drs-fleet DRS_FLEET_BUS_NAME=drs-fleet DRS_FLEET_QUEUE_URL=https://… \
DRS_FLEET_DLQ_URL=https://… capacity-tracker --once"
)]
pub struct Arguments {
    /// Handle what is on the queue, then stop.
    #[arg(long)]
    pub once: bool,
    /// Write no metrics lines.
    #[arg(long)]
    pub no_metrics: bool,
}

/// A worker that is ready to be run.
pub struct Runnable {
    /// Its name.
    pub name: &'static str,
    io: SdkIo,
    pulse: Pulse,
    run: Pin<Box<dyn Future<Output = Snapshot> + Send>>,
}

/// What a worker is made with.
pub struct Setup {
    /// The registry of accounts.
    pub registry: RegistryCache,
    /// What it counts into.
    pub metrics: Metrics,
}

/// Makes a worker ready: it consumes its queue and serves what is due until `stop`.
pub fn prepare<W: Worker>(
    io: SdkIo,
    arguments: Arguments,
    stop: &CancellationToken,
    make: impl FnOnce(Setup) -> W,
) -> Runnable {
    let metrics = Metrics::default();
    let worker = make(Setup { registry: RegistryCache::default(), metrics: metrics.clone() });
    let options = Options { once: arguments.once, metrics, ..Options::default() };
    let (report, pulse) = (!arguments.no_metrics, options.pulse.clone());
    let run = Box::pin(work(io.clone(), worker, options, report, stop.clone()));
    Runnable { name: W::NAME, io, pulse, run }
}

/// What is due is begun until `stop`, and no longer than messages are consumed. Upon `stop` it may take as long to end as these;
/// a worker that ends by itself lets it end.
pub(crate) async fn work<I: Io, W: Worker>(
    io: I,
    worker: W,
    options: Options,
    report: bool,
    stop: CancellationToken,
) -> Snapshot {
    let metrics = options.metrics.clone();
    let consuming = stop.child_token();
    let serving = serve_due(io.clone(), worker.clone(), consuming.clone());
    let due = tokio::spawn(unless_late(serving, io.clone(), stop.clone(), options.drain));
    let reporting = report
        .then(|| tokio::spawn(metrics::report(io.clone(), W::NAME, metrics.clone(), std::io::stdout())));
    let counted = consume(io.clone(), worker, options, stop).await;
    consuming.cancel();
    // A panic in there was logged where it happened; what is due is due for the next process.
    let _ = due.await;
    if let Some(reporting) = reporting {
        reporting.abort();
        let last = metrics::emf(W::NAME, &metrics.take(), io.now());
        let _ = metrics::write_line(&mut std::io::stdout(), &last);
    }
    counted
}

/// Drops what has not ended so long after `stop`.
async fn unless_late<I: Io>(
    serving: impl Future<Output = ()>,
    io: I,
    stop: CancellationToken,
    drain: Duration,
) {
    let late = async {
        stop.cancelled().await;
        io.sleep(drain).await;
    };
    tokio::select! {
        () = serving => {}
        () = late => tracing::warn!("what is being served takes long, and is left to the next process"),
    }
}

/// Runs workers side by side until each has ended, with the health endpoint where one is asked for.
///
/// # Errors
/// When the health endpoint cannot be opened.
pub async fn run(workers: Vec<Runnable>, settings: &Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let since = SystemTime.now();
    if let Some(address) = settings.health {
        let watch =
            |w: &Runnable| Watched { worker: w.name, since, pulse: w.pulse.clone(), io: w.io.clone() };
        let (bound, _) = health::serve(address, workers.iter().map(watch).collect(), stop.clone())
            .await
            .with_context(|| format!("the health endpoint cannot listen on {address}"))?;
        tracing::info!(address = %bound, "health endpoint is up");
    }
    join_all(workers.into_iter().map(|worker| async move {
        tracing::info!(worker = worker.name, "worker starts");
        let counted = worker.run.await;
        tracing::info!(worker = worker.name, ?counted, "worker stopped");
    }))
    .await;
    Ok(())
}

/// Reads the settings of `names` and connects a worker for each, with [`prepare`].
///
/// # Errors
/// Every setting that is missing or wrong.
pub async fn from_env(
    names: &[&str],
    stop: &CancellationToken,
    prepare: impl Fn(&str, SdkIo, &Settings) -> Option<Runnable>,
) -> anyhow::Result<()> {
    telemetry::init().context("logging cannot be started")?;
    let settings = Settings::from_env(names)?;
    let config = connect::from_env().await;
    let limiter = Limiter::default();
    let workers = names
        .iter()
        .filter_map(|name| {
            let io = SdkIo::sharing(limiter.clone(), &config, settings.io(name), Arc::new(SystemTime));
            prepare(name, io, &settings)
        })
        .collect();
    tokio::spawn(stop_on_signal(stop.clone()));
    run(workers, &settings, stop.clone()).await
}

/// The whole `main` of a worker's own binary; `about` is the first line of its `--help`.
pub fn main<W: Worker>(about: &'static str, make: impl Fn(Setup, &Settings) -> W) -> ExitCode {
    let command = Arguments::command().name(W::NAME).bin_name(W::NAME).about(about);
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let ended = on_one_thread(async {
        let stop = CancellationToken::new();
        let prepare_one = |_: &str, io: SdkIo, settings: &Settings| {
            Some(prepare(io, arguments, &stop, |setup| make(setup, settings)))
        };
        from_env(&[W::NAME], &stop, prepare_one).await
    });
    ended.unwrap_or_else(|error| fail(&error))
}

/// Runs a process's future to its end, on all cores. The process ends with the code that it answers, if any.
///
/// # Errors
/// Of the future, and when no runtime can be started.
pub fn in_runtime<T: Termination>(run: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.context("the runtime cannot be started")?.block_on(run)?.report())
}

/// Runs a worker's future to its end on this thread: it waits for others nearly all the time, and handing tasks
/// from thread to thread costs it more than a second core brings.
///
/// # Errors
/// Of the future, and when no runtime can be started.
pub fn on_one_thread(run: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime cannot be started")?.block_on(run)?;
    Ok(ExitCode::SUCCESS)
}

/// Tells a person why the process ends.
#[expect(clippy::print_stderr, reason = "the last word of a process goes to the person who started it")]
pub fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Cancels `stop` upon SIGTERM or SIGINT. A second signal ends the process at once.
pub async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals cannot be heard; the process will be killed and its messages come back");
        return;
    };
    for round in 0..2 {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        if round == 0 {
            tracing::info!("stopping: what is in hand is finished first");
            stop.cancel();
        }
    }
    std::process::exit(130);
}
