//! What is told of a job to whoever subscribes to own events.

use std::time::Duration;

use jiff::Timestamp;

use super::{Context, Counts, JobRow, JobServerRow};
use crate::incident::IncidentKind;
use crate::launch_remedy;
use crate::own_event::{FailedServer, Happened, IncidentEvent, JobEvent, JobHappened, OwnEvent};
use crate::sweep::after;

/// What began or ended longer ago is history, not news: of a place that is swept for the first time, say.
const NEWS: Duration = Duration::from_hours(24);

/// So many failed servers an event names.
const NAMED: usize = 20;

/// The events of a job that are due, and notes in the row that they are told.
pub(super) fn events(row: &mut JobRow, told: &[IncidentEvent], context: &Context<'_>) -> Vec<OwnEvent> {
    let mut events = Vec::new();
    let is_known = row.initiated_by.is_some() || row.call.is_some();
    let is_news = |at: Timestamp| context.now < after(at, NEWS);
    if row.is_active() && is_known && !row.told_start && row.started_at().is_some_and(is_news) {
        row.told_start = true;
        events.push(event(row, JobHappened::Started, row.started_at(), context));
    }
    // Nobody is told the beginning of what is over, so that the row is the same whatever came first.
    row.told_start |= !row.is_active();
    if let Some(stuck) =
        told.iter().find(|e| e.kind == IncidentKind::JobStuck && e.happened == Happened::Opened)
    {
        events.push(event(row, JobHappened::Stuck, Some(stuck.opened_at), context));
    }
    // Of a job of which nothing but its deletion was heard there is nothing to tell.
    let is_heard_of = is_known || row.status != "PENDING";
    if let Some(over) = row.over_at().filter(|_| is_heard_of && !row.told_end) {
        row.told_end = true;
        events.extend(is_news(over).then(|| event(row, JobHappened::Completed, Some(over), context)));
    }
    events
}

fn event(row: &JobRow, happened: JobHappened, at: Option<Timestamp>, context: &Context<'_>) -> OwnEvent {
    let Counts { servers, failed, .. } = row.counts.unwrap_or_default();
    let at = at.unwrap_or(context.now);
    let mut event_id = format!("{happened}/{}/{}", row.place, row.id);
    if happened == JobHappened::Stuck {
        event_id = format!("{event_id}@{at}");
    }
    let late = context.servers.iter().filter(|server| server.is_late(row) == Some(true)).count();
    OwnEvent::Job(Box::new(JobEvent {
        event_id,
        happened,
        account_id: row.place.account.clone(),
        account_name: context.account_name.to_owned(),
        region: row.place.region.clone(),
        job_id: row.id.clone(),
        purpose: row.purpose(),
        drill: row.drill,
        plan_name: row.plan.clone(),
        drill_tag: row.drill_tag.clone(),
        job_type: row.kind.clone(),
        initiated_by: row.initiated_by.clone(),
        principal: row.call.as_ref().and_then(|call| call.by.principal.clone()),
        status: row.status.clone(),
        outcome: row.outcome(),
        servers,
        succeeded: row.succeeded(),
        failed,
        started_at: row.started_at(),
        ended_at: row.over_at(),
        expected_end: row.expected_end(context.usual).filter(|end| context.now < *end),
        recovery_seconds: row.recovery_time().map(|time| time.as_secs()),
        late_servers: u32::try_from(late).unwrap_or(u32::MAX),
        failed_servers: context
            .servers
            .iter()
            .filter(|s| s.launch_status == "FAILED")
            .take(NAMED)
            .map(named)
            .collect(),
        at,
    }))
}

fn named(server: &JobServerRow) -> FailedServer {
    FailedServer {
        server_id: server.server.clone(),
        name: server.label().to_owned(),
        reason: launch_remedy::reason(server.failure.as_ref()),
    }
}

impl JobRow {
    /// When it ends, if it takes as long as such jobs usually do.
    pub fn expected_end(&self, usual: Option<Duration>) -> Option<Timestamp> {
        let started = self.started_at().filter(|_| self.is_active())?;
        Some(after(started, usual?))
    }
}
