//! Drills: their jobs are told as a start, a line for each, and a summary.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::drill::{self, Which};
use drs_fleet_domain::notify::{DrillRow, Labels, WindowRow};
use drs_fleet_domain::own_event::JobEvent;
use drs_fleet_domain::row::Row;

use crate::{Notifier, deliver};

/// A job of a drill began or ended.
pub(crate) async fn job<I: Io>(worker: &Notifier, io: &I, event: &JobEvent) -> Result<(), IoError> {
    let which = which(worker, io, event).await?;
    let moved = |row: Option<&_>| drill::moved(&which, event, row, io.now());
    let outcome = worker.drills.change(io, &keys::drill(&which.id), moved).await?;
    // A redelivery of what was stored and not handed over yet ends here as well.
    match outcome.row() {
        Some(row) => hand_over(worker, io, row).await,
        None => Ok(()),
    }
}

/// A drill's timer rings.
pub(crate) async fn wake<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let windows = windows(io).await?;
    let closes_at = |row: &DrillRow| {
        windows.iter().find(|window| window.id == row.id).and_then(|window| window.closed_at)
    };
    let outcome = worker.drills.wake(io, key, |row| drill::looked(row, closes_at(row), io.now())).await?;
    match outcome.row().filter(|_| outcome.changed()) {
        Some(row) => hand_over(worker, io, row).await,
        None => Ok(()),
    }
}

/// The windows that people opened.
pub(crate) async fn windows<I: Io>(io: &I) -> Result<Vec<WindowRow>, IoError> {
    Ok(io.query::<WindowRow>(&keys::windows()).await?.into_iter().map(|stored| stored.row).collect())
}

async fn which<I: Io>(worker: &Notifier, io: &I, event: &JobEvent) -> Result<Which, IoError> {
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let incident = event.as_incident();
    let labels = Labels::of(&incident, registry.account(&event.account_id));
    let route = routes.taken(&labels).into_iter().next().map(|taken| taken.route).unwrap_or_default();
    let now = io.now();
    let window = windows(io).await?.into_iter().find(|window| window.covers(&labels, now));
    Ok(match window {
        Some(window) => Which {
            name: window.name.clone(),
            window: Some((window.author.clone(), window.until)),
            id: window.id,
            route,
        },
        None => Which::of_plan(event.plan_name.as_deref(), route),
    })
}

async fn hand_over<I: Io>(worker: &Notifier, io: &I, row: &DrillRow) -> Result<(), IoError> {
    let channels = worker.routes.current(io).await?.plan(&row.route).channels.into_iter().collect();
    let mut last = row.last.clone();
    let mut made = Vec::new();
    for (number, bulletin) in row.bulletins() {
        let new = deliver::make(worker, io, &row.group(), (number, &bulletin), (&channels, &last)).await?;
        last.extend(deliver::places(&new));
        made.extend(new);
    }
    let Some(number) = row.outgoing.keys().max() else { return Ok(()) };
    worker.drills.change(io, &row.key(), |row| drill::stored(row?, *number, &last)).await?;
    deliver::now(worker, io, &made).await
}
