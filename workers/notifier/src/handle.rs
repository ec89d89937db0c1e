//! An incident's event: it joins its groups, and these are looked at in time.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification;
use drs_fleet_domain::notify::group::Joined;
use drs_fleet_domain::notify::{Labels, Taken, group, member};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_domain::unhandled::Reason;

use crate::{Notifier, deliver, drills, look};

/// Handles what waits in one lane: one incident's events.
pub(crate) async fn handle<I: Io>(worker: &Notifier, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let mut events = Vec::new();
    for received in worker.inbox.admit(io, work).await? {
        match received.event {
            Event::Own(event) => events.push(*event),
            Event::DrillJob(event) => drills::job(worker, io, &event).await?,
            Event::Sample(asked) => deliver::sample(worker, io, &asked).await?,
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    let Some(first) = events.first() else { return Ok(()) };
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let taken = |event: &IncidentEvent| routes.taken(&Labels::of(event, registry.account(&event.account_id)));
    let decide = |row: Option<&_>| notification::decide(&events, row, taken);
    let outcome = worker.incidents.change(io, &notification::key(first), decide).await?;
    // A redelivery of what was stored and has not joined yet ends here as well.
    let Some(row) = outcome.row() else { return Ok(()) };
    for (taken, event) in row.joins() {
        join(worker, io, taken, event).await?;
    }
    Ok(())
}

/// A message of an earlier release, which kept them in the incident's row, is due: the incident joins its groups, which
/// tell it, and asks for nothing more.
pub(crate) async fn adopt<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let taken = |event: &IncidentEvent| routes.taken(&Labels::of(event, registry.account(&event.account_id)));
    let adopted = |row: Option<&_>| notification::adopted(row?, taken);
    let outcome = worker.incidents.change_now(io, key, adopted).await?;
    if let Some(row) = outcome.row() {
        for (taken, event) in row.joins() {
            join(worker, io, taken, event).await?;
        }
    }
    worker.incidents.wake(io, key, |_| None).await.map(drop)
}

async fn join<I: Io>(worker: &Notifier, io: &I, taken: &Taken, event: &IncidentEvent) -> Result<(), IoError> {
    let key = keys::member(&taken.group, &event.incident);
    let plan = worker.routes.current(io).await?.plan(&taken.route);
    let asleep = plan.oversleeps(event.severity, io.now());
    let joined = |row: Option<&_>| member::joined(&taken.group, event, row, asleep);
    let outcome = worker.members.change(io, &key, joined).await?;
    match outcome.row() {
        Some(member) if member.news().is_some() => {
            // The end of something is not urgent, however bad it was.
            let severity = if member.standing().open { event.severity } else { Severity::Low };
            let is_back = event.happened == Happened::Reopened;
            poke(worker, io, taken, Joined { severity, is_back }).await
        }
        _ => Ok(()),
    }
}

/// Has the group looked at in time. What is urgent is looked at by whoever brings it.
async fn poke<I: Io>(worker: &Notifier, io: &I, taken: &Taken, joined: Joined) -> Result<(), IoError> {
    let key = keys::group(&taken.group);
    let plan = worker.routes.current(io).await?.plan(&taken.route);
    let mut urgent = false;
    let write = async |joined: Vec<Joined>| {
        let now = io.now();
        let decide = |row: Option<&_>| group::poke(taken, &joined, row, &plan, now);
        // Another instance may have put the group to sleep since this one last saw it.
        let outcome = worker.groups.change_now(io, &key, decide).await?;
        urgent = outcome.changed() && outcome.row().is_some_and(|row| row.is_urgent(now));
        Ok(())
    };
    worker.pokes.bring(key.clone(), vec![joined], write).await?;
    if urgent { look::look(worker, io, &key).await } else { Ok(()) }
}
