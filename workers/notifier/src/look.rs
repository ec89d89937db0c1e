//! A look at a group: what is new in it is marked, put together, and handed to the deliveries.

use std::collections::BTreeSet;

use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::patience::persistently;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::group::{self, Outgoing, Round};
use drs_fleet_domain::notify::{Acks, GroupRow, Hours, Looked, MemberRow, Plan, compose, member};
use drs_fleet_domain::row::{Row, Stored};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::holding::Holding;
use crate::{Notifier, deliver};

/// So many members of each part of a group are marked at once: one partition of the table takes 1,000 writes a second.
const WRITES: usize = 8;

/// So many calls read at once who acknowledged what.
const READS: usize = 8;

/// Looks at the group if it is due and nobody else does.
pub(crate) async fn look<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let now = io.now();
    let begun = worker.groups.wake(io, key, |row| group::begin(row, now)).await?;
    let Some(row) = begun.row().filter(|_| begun.changed()) else { return Ok(()) };
    let Some(round) = &row.round else { return Ok(()) };
    if let Some(outgoing) = &round.outgoing {
        return hand_over(worker, io, (row, round), outgoing).await;
    }
    // A look that gave up at the first failure of a call would keep all others waiting until its claim runs out.
    let plan = persistently(io, round.until, key, || worker.routes.current(io)).await?.plan(&row.route);
    let found = persistently(io, round.until, key, || find(worker, io, (row, round), &plan)).await?;
    let Some((until, found)) = found else { return Ok(()) };
    let ended = |row: Option<&GroupRow>| group::ended(row?, until, found.clone(), &plan, io.now());
    let ended = persistently(io, until, key, || worker.groups.change(io, key, ended)).await?;
    let Some(row) = ended.row().filter(|_| ended.changed()) else { return Ok(()) };
    match row.round.as_ref().and_then(|round| Some((round, round.outgoing.as_ref()?))) {
        Some((round, outgoing)) => hand_over(worker, io, (row, round), outgoing).await,
        None => Ok(()),
    }
}

/// Reads all members and marks what is new of those that are not held back. Answers until when the look is ours; `None` where
/// it is another's meanwhile, who finds what is marked.
async fn find<I: Io>(
    worker: &Notifier,
    io: &I,
    (row, round): (&GroupRow, &Round),
    plan: &Plan,
) -> Result<Option<(Timestamp, group::Found)>, IoError> {
    let ranges: Vec<_> = keys::members(&row.id).collect();
    let parts = try_join_all(ranges.iter().map(|range| io.query::<MemberRow>(range))).await?;
    // Of what people know to be open, it matters to whether they are told again.
    let matters = |member: &&MemberRow| member.news().is_some() || member.is_told_open();
    let matter = parts.iter().flatten().map(|stored| &stored.row).filter(matters).map(|member| &member.event);
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let holding = Holding::of(io, registry, (&row.route, &routes), matter).await?;
    let Some(round) = &still_ours(worker, io, row, round).await? else { return Ok(None) };
    let Sifted { mut members, fresh, held, untold, undone } =
        sift(worker, io, parts, (&holding, &plan.hours), round).await?;
    // All parts at the same time, each at its own pace: one whose partition is busy holds up no other.
    let marked = try_join_all(fresh.into_iter().map(|part| mark(worker, io, part, round))).await?;
    // What was not written any more is another's.
    if undone || marked.iter().flatten().any(|member| member.changes_in(round.number)) {
        return Ok(None);
    }
    let Some(round) = &still_ours(worker, io, row, round).await? else { return Ok(None) };
    members.extend(marked.into_iter().flatten());
    let is_silenced = |member: &&MemberRow| member.is_told_open() && holding.holds(member).is_some();
    let silenced = members.iter().filter(is_silenced).map(|member| member.event.incident.clone());
    let mut seen_to: BTreeSet<String> = silenced.collect();
    let now = io.now();
    let acks =
        if row.asks_for_acks(&members, plan, now) { acks(io, &members, &mut seen_to).await? } else { None };
    let looked = Looked { members: &members, held, untold, seen_to: &seen_to, acks, plan, now };
    Ok(Some((round.until, compose(row, round.number, &looked))))
}

/// The members of a group, apart by what is to be done with them.
#[derive(Default)]
struct Sifted {
    /// Those that stay as they are.
    members: Vec<MemberRow>,
    /// Those that have something new to be marked, by the parts of the group.
    fresh: Vec<Vec<Stored<MemberRow>>>,
    /// How many are open and held back.
    held: u32,
    /// The worst of what is not told yet: held back, or kept until quiet hours are over.
    untold: Option<Severity>,
    /// Whether any is still marked that must not be: the look is not ours any more.
    undone: bool,
}

async fn sift<I: Io>(
    worker: &Notifier,
    io: &I,
    parts: Vec<Vec<Stored<MemberRow>>>,
    (holding, hours): (&Holding, &Hours),
    round: &Round,
) -> Result<Sifted, IoError> {
    let (mut sifted, now) = (Sifted::default(), io.now());
    for part in parts {
        let mut new = Vec::new();
        for stored in part {
            if !stored.row.changes_in(round.number) {
                sifted.members.push(stored.row);
            } else if holding.holds(&stored.row).is_some() && stored.row.came_and_went() {
                let key = stored.row.key();
                let passed_over =
                    |row: Option<&MemberRow>| member::passed_over(row?).filter(|_| round.is_ours(io.now()));
                worker.members.change_now(io, &key, passed_over).await?;
            } else if holding.holds(&stored.row).is_some() {
                let member = unmark(worker, io, stored.row, round).await?;
                sifted.undone |= member.news_in(round.number).is_some();
                sifted.held += u32::from(!member.is_told_open());
                sifted.untold = sifted.untold.max(Some(member.event.severity));
                sifted.members.push(member);
            } else if stored.row.sleeps(hours, now) {
                sifted.untold = sifted.untold.max(Some(stored.row.event.severity));
                sifted.members.push(stored.row);
            } else if round.acks_only {
                sifted.members.push(stored.row);
            } else {
                new.push(stored);
            }
        }
        sifted.fresh.push(new);
    }
    Ok(sifted)
}

/// The look, claimed anew where it has taken long; `None` where another has taken it over.
async fn still_ours<I: Io>(
    worker: &Notifier,
    io: &I,
    row: &GroupRow,
    round: &Round,
) -> Result<Option<Round>, IoError> {
    let now = io.now();
    if !round.is_old(now) {
        return Ok(Some(round.clone()));
    }
    let renewed = |row: Option<&GroupRow>| group::renewed(row?, round.until, now);
    let outcome = worker.groups.change_now(io, &row.key(), renewed).await?;
    Ok(outcome.row().filter(|_| outcome.changed()).and_then(|row| row.round.clone()))
}

/// Whoever began this bulletin and died may have marked what is held back now.
async fn unmark<I: Io>(
    worker: &Notifier,
    io: &I,
    member: MemberRow,
    round: &Round,
) -> Result<MemberRow, IoError> {
    if member.news_in(round.number).is_none() {
        return Ok(member);
    }
    let key = member.key();
    let untold =
        |row: Option<&MemberRow>| member::untold(row?, round.number).filter(|_| round.is_ours(io.now()));
    let change = || worker.members.change_now(io, &key, untold);
    let outcome = persistently(io, round.until, &key, change).await?;
    Ok(outcome.row().cloned().unwrap_or(member))
}

/// Marks what is new in one part. What the table throttles is tried again while the look is ours, for whoever goes on with
/// it reads all members again.
async fn mark<I: Io>(
    worker: &Notifier,
    io: &I,
    fresh: Vec<Stored<MemberRow>>,
    round: &Round,
) -> Result<Vec<MemberRow>, IoError> {
    let marked = stream::iter(fresh).map(|stored| async move {
        let key = stored.row.key();
        // So that marking it needs no read.
        worker.members.remember([stored]);
        let told = |row: Option<&MemberRow>| {
            member::told(row?, round.number, io.now()).filter(|_| round.is_ours(io.now()))
        };
        let change = || worker.members.change(io, &key, told);
        let outcome = persistently(io, round.until, &key, change).await?;
        Ok::<_, IoError>(outcome.row().cloned())
    });
    let rows: Vec<Option<MemberRow>> = marked.buffer_unordered(WRITES).try_collect().await?;
    Ok(rows.into_iter().flatten().collect())
}

/// Who sees to what people know to be open; these incidents are added to `seen_to`.
async fn acks<I: Io>(
    io: &I,
    members: &[MemberRow],
    seen_to: &mut BTreeSet<String>,
) -> Result<Option<Acks>, IoError> {
    let open: Vec<Key> = members
        .iter()
        .filter(|member| member.is_told_open())
        .map(|member| notification::key(&member.event))
        .collect();
    let chunks: Vec<Vec<Key>> = open.chunks(READ_AT_ONCE).map(<[Key]>::to_vec).collect();
    let parts = stream::iter(chunks).map(|keys| async move { io.read::<IncidentRow>(&keys).await });
    let rows: Vec<Vec<Option<Stored<IncidentRow>>>> = parts.buffered(READS).try_collect().await?;
    let acked = rows.iter().flatten().flatten().filter(|stored| stored.row.ack.is_some());
    seen_to.extend(acked.map(|stored| stored.row.latest.incident.clone()));
    Ok(Acks::of(rows.iter().flatten().flatten().filter_map(|stored| stored.row.ack.as_ref())))
}

/// Hands the bulletin to its channels.
async fn hand_over<I: Io>(
    worker: &Notifier,
    io: &I,
    (row, round): (&GroupRow, &Round),
    outgoing: &Outgoing,
) -> Result<(), IoError> {
    let mut last = row.episode.as_ref().map(|episode| episode.last.clone()).unwrap_or_default();
    let mut past = row.past.clone();
    let key = row.key();
    let routes = persistently(io, round.until, &key, || worker.routes.current(io)).await?;
    if matches!(routes.plan(&row.route).hours, Hours::Digest { .. }) && outgoing.bulletin.is_news() {
        // Who reads once a day reads each in the channel, and does not look for replies to that of last week.
        past.append(&mut last);
    }
    let bulletin = (round.number, &outgoing.bulletin, None);
    let channels = (&outgoing.channels, &last, &past);
    let make = || deliver::make(worker, io, &row.id, bulletin, channels);
    let made = persistently(io, round.until, &key, make).await?;
    let places = deliver::places(&made);
    let stored = |row: Option<&GroupRow>| group::stored(row?, round.until, &places);
    persistently(io, round.until, &key, || worker.groups.change(io, &key, stored)).await?;
    deliver::now(worker, io, &made).await
}
