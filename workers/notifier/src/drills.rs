//! Drills: their jobs are told as a start, a line for each, and a summary.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::bulletin::HeldBack;
use drs_fleet_domain::notify::drill::{self, Closing, Held, LONGEST, Which};
use drs_fleet_domain::notify::routes::DEFAULT;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{ChannelName, DrillRow, Labels, Routes, WindowRow};
use drs_fleet_domain::own_event::{IncidentEvent, JobEvent};
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::row::{Row, Stored};
use drs_fleet_domain::sweep::after;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::holding::READS;
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
    let Some(known) = worker.drills.known(io, key).await? else { return Ok(()) };
    let ends = known.row.by.is_some() && known.row.end_at().is_some_and(|at| at <= io.now());
    let window = if ends { closing(worker, io, &keys::window(&known.row.id)).await? } else { None };
    let outcome = worker.drills.wake(io, key, |row| drill::looked(row, window.as_ref(), io.now())).await?;
    match outcome.row().filter(|_| outcome.changed()) {
        Some(row) => hand_over(worker, io, row).await,
        None => Ok(()),
    }
}

/// A window opens or closes, and with it its drill.
pub(crate) async fn wake_window<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.windows.fresh(io, key).await? else { return Ok(()) };
    let (window, now) = (&stored.row, io.now());
    let closes_at = window.closes_at();
    if window.told == Told::Nothing && window.was_ever_open() {
        let which = of_window(window, expected(worker, io, window).await?);
        // It may have opened and closed while no notifier ran.
        let begun = |row: Option<&_>| drill::begun(&which, row, now.min(closes_at));
        worker.drills.change(io, &keys::drill(&window.id), begun).await?;
    }
    if closes_at <= now {
        let closing = closing(worker, io, key).await?;
        let over = |row: Option<&_>| drill::looked(row?, closing.as_ref(), now);
        worker.drills.change(io, &keys::drill(&window.id), over).await?;
    }
    if let Some(drill) = worker.drills.known(io, &keys::drill(&window.id)).await? {
        hand_over(worker, io, &drill.row).await?;
    }
    // Somebody may have closed it meanwhile: then it is due again.
    let told = |row: &WindowRow| if row.closes_at() == closes_at { row.told_at(now) } else { None };
    worker.windows.wake(io, key, told).await.map(drop)
}

/// When a window closes, and what it has held back: what began in it. Whose incidents these are hears of its end.
async fn closing<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<Option<Closing>, IoError> {
    let Some(stored) = worker.windows.fresh(io, key).await? else { return Ok(None) };
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let (window, registry, routes) = (&stored.row, registry.as_ref(), routes.as_ref());
    let held = stream::iter(registry.places()).map(|place| async move {
        let rows = io.query::<IncidentRow>(&keys::incidents(&place)).await?;
        Ok::<_, IoError>(held_back(&rows, window, registry, routes))
    });
    let held: Vec<_> = held.buffer_unordered(READS).try_collect().await?;
    let (held, taken): (Vec<_>, Vec<_>) = held.into_iter().unzip();
    let (held, routes) = (Held::of(held.concat()), taken.into_iter().flatten().collect());
    Ok(Some(Closing { at: window.closes_at(), held, routes }))
}

/// What a window has held back in one place, and the routes that it takes; not those for what is worse than LOW, for nothing
/// is to be done at once any more.
fn held_back(
    rows: &[Stored<IncidentRow>],
    window: &WindowRow,
    registry: &Registry,
    routes: &Routes,
) -> (Vec<HeldBack>, BTreeSet<String>) {
    let (mut held, mut taken) = (Vec::new(), BTreeSet::new());
    for event in rows.iter().map(|stored| &stored.row.latest) {
        let account = registry.account(&event.account_id);
        if window.covers(&Labels::of(event, account), event.opened_at) {
            held.push(HeldBack::from(event));
            let quietly = IncidentEvent { severity: Severity::Low, ..event.clone() };
            taken.extend(routes.taken(&Labels::of(&quietly, account)).into_iter().map(|taken| taken.route));
        }
    }
    (held, taken)
}

fn of_window(window: &WindowRow, routes: BTreeSet<String>) -> Which {
    let opened = Some((window.author.clone(), window.until));
    Which { id: window.id.clone(), name: window.name.clone(), window: opened, routes }
}

/// The routes that failed jobs would take, wherever the window covers one. What it covers besides by plan or server none
/// has told yet.
async fn expected<I: Io>(worker: &Notifier, io: &I, window: &WindowRow) -> Result<BTreeSet<String>, IoError> {
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let taken = registry.drs_places().into_iter().flat_map(|place| {
        let failed = drill::failure(&place, registry.account_name(&place.account), window.from);
        let labels = Labels::of(&failed, registry.account(&place.account));
        if window.covers(&labels, window.from) { routes.taken(&labels) } else { Vec::new() }
    });
    let taken: BTreeSet<_> = taken.map(|taken| taken.route).collect();
    Ok(if taken.is_empty() { BTreeSet::from([DEFAULT.to_owned()]) } else { taken })
}

/// All windows for drills.
pub(crate) async fn windows<I: Io>(io: &I) -> Result<Vec<WindowRow>, IoError> {
    Ok(io.query::<WindowRow>(&keys::windows()).await?.into_iter().map(|stored| stored.row).collect())
}

async fn which<I: Io>(worker: &Notifier, io: &I, event: &JobEvent) -> Result<Which, IoError> {
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let incident = event.as_incident();
    let labels = Labels::of(&incident, registry.account(&event.account_id));
    let taken: BTreeSet<_> = routes.taken(&labels).into_iter().map(|taken| taken.route).collect();
    let (now, windows) = (io.now(), windows(io).await?);
    let of_window = |window: &WindowRow| of_window(window, taken.clone());
    // Who is told of failures alone reads of this one in the drill's lines; not where somebody watches over its window.
    let failure = event.as_failure();
    let labels_of = |failure| Labels::of(failure, registry.account(&event.account_id));
    let alarmed = failure.iter().map(labels_of).flat_map(|labels| routes.taken(&labels)).map(|it| it.route);
    let of_plan = Which::of_plan(event.plan_name.as_deref(), taken.iter().cloned().chain(alarmed).collect());
    // A job stays with the drill that it began in, which it may outlast.
    let lately = |window: &&WindowRow| window.from <= now && now < after(window.closes_at(), LONGEST);
    for which in windows.iter().filter(lately).map(of_window).chain([of_plan.clone()]) {
        let drill = worker.drills.fresh(io, &keys::drill(&which.id)).await?;
        if drill.is_some_and(|drill| drill.row.waves.contains_key(&event.job_id)) {
            return Ok(which);
        }
    }
    let window = windows.iter().find(|window| window.covers(&labels, now));
    Ok(window.map_or(of_plan.clone(), of_window))
}

async fn hand_over<I: Io>(worker: &Notifier, io: &I, row: &DrillRow) -> Result<(), IoError> {
    let (routes, now) = (worker.routes.current(io).await?, io.now());
    // Whoever sleeps, or wants to read of everything together, does not follow a drill line by line, and reads then what
    // came of it.
    let (awake, asleep): (Vec<_>, Vec<_>) =
        told_at(row, &routes, now).into_iter().partition(|(_, at)| *at <= now);
    let awake: BTreeSet<ChannelName> = awake.into_iter().map(|(channel, _)| channel).collect();
    let mut last = row.last.clone();
    let (mut made, none) = (Vec::new(), deliver::Places::new());
    for (number, bulletin) in row.bulletins() {
        let new = deliver::make(worker, io, &row.group(), (number, &bulletin, None), (&awake, &last, &none))
            .await?;
        last.extend(deliver::places(&new));
        made.extend(new);
        // A job that outlasts the drill is not in its summary.
        let is_for_all =
            bulletin.is_end_of_drill() || (row.ended_at.is_some() && !bulletin.is_start_of_drill());
        for (channel, at) in asleep.iter().filter(|_| is_for_all) {
            let later = (number, &bulletin, Some(*at));
            let to = BTreeSet::from([channel.clone()]);
            made.extend(deliver::make(worker, io, &row.group(), later, (&to, &last, &none)).await?);
        }
    }
    if made.is_empty() && row.outgoing.is_empty() {
        return Ok(());
    }
    let number = row.outgoing.keys().max().copied().unwrap_or_default();
    worker.drills.change(io, &row.key(), |row| drill::stored(row?, number, &last)).await?;
    deliver::now(worker, io, &made).await
}

/// Over which channels a drill is told, and when at the earliest.
fn told_at(row: &DrillRow, routes: &Routes, now: Timestamp) -> BTreeMap<ChannelName, Timestamp> {
    let mut channels = BTreeMap::<ChannelName, Timestamp>::new();
    for plan in row.routes().map(|route| routes.plan(route)) {
        let at = plan.tells_at(now, Severity::Low);
        for channel in plan.channels {
            channels.entry(channel).and_modify(|known| *known = at.min(*known)).or_insert(at);
        }
    }
    channels
}
