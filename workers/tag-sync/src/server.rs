//! One source server: what it has is compared with what it should have, the difference is written, and that is written down.

use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::{Change, Row};
use drs_fleet_domain::seen::ServerSeen;
use drs_fleet_domain::tags::{
    self, About, Cause, CopyTags, Doing, InstanceTagsRow, Plan, Rules, ServerTagsRow, TagHistoryRow,
};

use crate::TagSync;
use crate::sweep::is_swept;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing had to be written.
    InLine,
    /// It was brought in line.
    Written,
    /// Nothing is copied to it, for a reason that is written down; or DRS does not have it any more.
    Skipped,
    /// The change was refused, in AWS's words, and is tried again later.
    Refused(String),
    /// Another worker changes its tags.
    Busy,
}

/// How often tags that change meanwhile are written anew before others get their turn.
const ROUNDS: usize = 4;

/// Brings a source server in line with the tags of its machine: those in `told`, else those that the table has.
pub(crate) async fn bring<I: Io>(
    worker: &TagSync,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    cause: &Cause,
    told: Option<&InstanceTagsRow>,
) -> Result<Done, IoError> {
    let (mut told, mut done) = (told.cloned(), Done::InLine);
    for _ in 0..ROUNDS {
        let Some(seen) = describe(io, place, id).await? else {
            gone(worker, io, (place, id)).await?;
            return Ok(Done::Skipped);
        };
        if told.is_none() {
            told = tags_of(worker, io, place, &seen).await?;
        }
        match write(worker, io, place, (&seen, told.as_ref()), cause).await? {
            Done::Busy => return Ok(Done::Busy),
            // What an earlier round wrote was written all the same.
            Done::InLine => {}
            other => done = other,
        }
        // Whoever was told newer tags meanwhile found this change under way, and left it to us.
        match newer_than(worker, io, place, (&seen, told.as_ref())).await? {
            Some(newer) => told = Some(newer),
            None => return Ok(done),
        }
    }
    Ok(Done::Busy)
}

/// DRS does not have the server any more.
pub(crate) async fn gone<I: Io>(
    worker: &TagSync,
    io: &I,
    (place, id): (&Place, &SourceServerId),
) -> Result<(), IoError> {
    let registry = worker.registry.current(io).await?;
    let gone = |row: Option<&_>| tags::gone(registry.account_name(&place.account), row, io.now());
    worker.servers.change(io, &keys::server_tags(place, id), gone).await.map(drop)
}

async fn describe<I: Io>(io: &I, place: &Place, id: &SourceServerId) -> Result<Option<ServerSeen>, IoError> {
    let found = find(io, place, &ServerFilter::Ids(vec![id.clone()])).await?;
    Ok(found.into_iter().find(|seen| seen.id == *id))
}

/// All pages of what DRS finds; a filtered page may be empty and not the last.
pub(crate) async fn find<I: Io>(
    io: &I,
    place: &Place,
    filter: &ServerFilter,
) -> Result<Vec<ServerSeen>, IoError> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = io.source_servers(place, filter, next).await?;
        found.extend(page.items);
        next = page.next;
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// The machine is the one that DRS shows, else the one whose event found the server: `awsInstanceID` is often absent.
async fn tags_of<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    seen: &ServerSeen,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let learnt = match &seen.instance {
        Some(_) => None,
        None => worker.servers.fresh(io, &keys::server_tags(place, &seen.id)).await?,
    };
    let learnt = learnt.as_ref().and_then(|stored| stored.row.instance.as_ref());
    let Some(instance) = seen.instance.as_ref().or(learnt) else { return Ok(None) };
    let stored = worker.instances.fresh(io, &keys::instance_tags(instance)).await?;
    Ok(stored.map(|stored| stored.row.clone()))
}

/// What the table has of the machine, where that asks for other tags than those in `told`.
async fn newer_than<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    (seen, told): (&ServerSeen, Option<&InstanceTagsRow>),
) -> Result<Option<InstanceTagsRow>, IoError> {
    let newest = tags_of(worker, io, place, seen).await?;
    Ok(newest.filter(|newest| told.is_none_or(|told| !told.asks_for_the_same(newest))))
}

/// One comparison, and the change that it asks for. In line, too, is what was not touched because newer tags are known.
async fn write<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    (seen, told): (&ServerSeen, Option<&InstanceTagsRow>),
    cause: &Cause,
) -> Result<Done, IoError> {
    let (registry, policy) = (worker.registry.current(io).await?, worker.rules.current(io).await?);
    let rules = policy.of(&place.account);
    let name = seen.tags.get("Name").or(seen.hostname.as_ref()).map_or(seen.id.as_str(), String::as_str);
    let instance = seen.instance.as_ref().or(told.map(|row| &row.instance));
    let about = About {
        place,
        server: &seen.id,
        name,
        instance,
        account_name: registry.account_name(&place.account),
    };
    let key = keys::server_tags(place, &seen.id);
    let is_disconnected = seen.state.as_deref() == Some("DISCONNECTED");
    if let Some(why) = tags::reason_to_skip(seen.instance.as_ref(), is_disconnected, told, &rules) {
        worker.servers.change(io, &key, |row| tags::skipped(&about, why, row, io.now())).await?;
        return Ok(Done::Skipped);
    }
    let mut planned = Plan::default();
    let compared = |row: Option<&ServerTagsRow>| {
        let owned = row.map(|row| row.owned(&seen.tags)).unwrap_or_default();
        planned = told.map(|told| told.plan(&seen.tags, &owned, &rules)).unwrap_or_default();
        tags::compared(&about, (&planned, &seen.tags), cause, row, io.now())
    };
    let outcome = worker.servers.change_now(io, &key, compared).await?;
    let mut done = Done::InLine;
    if let Some(doing) = outcome.row().and_then(|row| row.doing.clone()) {
        if !outcome.changed() {
            return Ok(Done::Busy);
        }
        // Only now: who is told newer tags from here on finds the claim, and comes back. What was told before it may have
        // been made by another already, and must not be undone by what this process remembers.
        let newer = newer_than(worker, io, place, (seen, told)).await;
        if !matches!(newer, Ok(None)) {
            worker.servers.change(io, &key, |row| tags::released(doing.since, row)).await?;
            return newer.map(|_| Done::InLine);
        }
        done = make(worker, io, (&about, &seen.arn), &doing).await?;
    }
    if outcome.changed() && outcome.row().is_some_and(|row| lacks_copy_tags(row, &rules)) {
        copy_tags(worker, io, &about, &rules).await?;
    }
    Ok(done)
}

/// Makes a change that is claimed. What was removed comes first, for it makes room.
async fn make<I: Io>(
    worker: &TagSync,
    io: &I,
    (about, arn): (&About<'_>, &str),
    doing: &Doing,
) -> Result<Done, IoError> {
    let Doing { since, plan, .. } = doing;
    let key = keys::server_tags(about.place, about.server);
    let made = async {
        if !plan.remove.is_empty() {
            io.untag(about.place, arn, &plan.remove).await?;
        }
        if !plan.set.is_empty() {
            io.tag(about.place, arn, &plan.set).await?;
        }
        Ok(())
    };
    let refused = match made.await {
        Ok(()) => None,
        Err(_) if is_planted(Bug::FailedTagsTakenForMade) => None,
        Err(error) if sweeps::is_vain(&error) => Some(error),
        Err(error) => {
            worker.servers.change(io, &key, |row| tags::released(*since, row)).await?;
            return Err(error);
        }
    };
    let reason = refused.as_ref().map(|error: &IoError| error.message.as_str());
    tracing::info!(place = %about.place, server = %about.server, set = plan.set.len(), removed = plan.remove.len(), reason, "tags");
    keep(worker, io, TagHistoryRow::of((about.place, about.server, about.instance), doing, reason)).await?;
    let Some(error) = refused else {
        worker.servers.change(io, &key, |row| tags::made(about, *since, row, io.now())).await?;
        return Ok(Done::Written);
    };
    if sweeps::is_refusal(&error) {
        io.evict(&about.place.account);
    }
    let refused = (*since, error.message.as_str());
    worker.servers.change(io, &key, |row| tags::not_made(about, refused, row, io.now())).await?;
    Ok(Done::Refused(error.message))
}

async fn keep<I: Io>(worker: &TagSync, io: &I, row: TagHistoryRow) -> Result<(), IoError> {
    let key = row.key();
    let once = |known: Option<&TagHistoryRow>| {
        known.is_none().then(|| Change { row: row.clone(), tell: Vec::new() })
    };
    worker.history.change(io, &key, once).await?;
    worker.history.release(&key);
    Ok(())
}

/// Whether its tags reach its recovery instances; where the rules say so, sees to it.
async fn copy_tags<I: Io>(worker: &TagSync, io: &I, about: &About<'_>, rules: &Rules) -> Result<(), IoError> {
    let looked = async {
        let seen = io.launch_configuration(about.place, about.server).await?;
        Ok(match (seen.copy_tags, seen.launches_into_instance) {
            (_, true) => CopyTags::IntoInstance,
            (true, false) => CopyTags::On,
            (false, false) if rules.copy_tags => {
                io.copy_tags(about.place, about.server).await?;
                CopyTags::On
            }
            (false, false) => CopyTags::Off,
        })
    };
    let known = match looked.await {
        Err(error) if sweeps::is_vain(&error) => {
            let (place, server) = (about.place, about.server);
            tracing::warn!(%place, %server, %error, "whether tags reach recovery instances is not known");
            CopyTags::Unknown
        }
        looked => looked?,
    };
    let key = keys::server_tags(about.place, about.server);
    worker.servers.change(io, &key, |row| tags::copies(known, row)).await.map(drop)
}

/// Whether it is to be looked whether its tags reach its recovery instances.
fn lacks_copy_tags(row: &ServerTagsRow, rules: &Rules) -> bool {
    match row.copy_tags {
        None => true,
        Some(CopyTags::Off | CopyTags::Unknown) => rules.copy_tags,
        Some(CopyTags::On | CopyTags::IntoInstance) => false,
    }
}

/// A change that nobody finished, or that was refused, is made anew.
pub(crate) async fn wake<I: Io>(worker: &TagSync, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.servers.fresh(io, key).await? else { return Ok(()) };
    let row = &stored.row;
    if !is_swept(worker, io, &row.place).await? {
        let registry = worker.registry.current(io).await?;
        let name = registry.account_name(&row.place.account);
        worker.servers.change(io, key, |row| tags::unwatched(name, row, io.now())).await?;
    } else if row.doing.is_some() || row.refused.is_some() {
        // Its claim keeps others away; when nothing is left to do, that is noted in its place.
        match bring(worker, io, (&row.place, &row.server), &Cause::Retry, None).await {
            Err(error) if sweeps::is_vain(&error) => {
                let registry = worker.registry.current(io).await?;
                let name = registry.account_name(&row.place.account);
                let later = |row: Option<&_>| tags::put_off(name, &error.message, row, io.now());
                worker.servers.change(io, key, later).await?;
            }
            done => drop(done?),
        }
    }
    let registry = worker.registry.current(io).await?;
    let name = registry.account_name(&row.place.account);
    worker.servers.wake(io, key, |row| tags::rung(name, row, io.now())).await.map(drop)
}
