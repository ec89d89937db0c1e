//! What observations of a recovery instance mean.

use jiff::Timestamp;

use super::{COMPLETED, FAILED, Failback, Machine, Observation, RESUMES_WITHIN, RecoveryRow, Resumption};
use crate::failback_remedy;
use crate::ids::RecoveryInstanceId;
use crate::incident::{self, Condition, IncidentKind, JobLabel, Severity, Subject, reconcile};
use crate::keys::Place;
use crate::own_event::{FailbackEvent, OwnEvent};
use crate::policy::Limits;
use crate::row::Change;
use crate::seen::RecoveryInstanceSeen;
use crate::span;
use crate::stamp::{Origin, Stamp};
use crate::sweep::after;

/// The state before anybody began to fail back.
const NOT_STARTED: &str = "FAILBACK_NOT_STARTED";

/// What a decision on a recovery instance may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The thresholds of the account.
    pub limits: &'a Limits,
    /// The last complete sweep of the place's recovery instances, in AWS's time: it confirmed every row that it left
    /// alone. Never the sweep that is still being applied.
    pub swept_at: Option<Timestamp>,
    /// Whether the account is watched: nothing is wrong in one that is not.
    pub watched: bool,
    /// Our time.
    pub now: Timestamp,
}

/// Decides what observations of a recovery instance mean; without observations, what the time means.
pub fn decide(
    (place, id): (&Place, &RecoveryInstanceId),
    observations: &[Observation],
    stored: Option<&RecoveryRow>,
    context: &Context<'_>,
) -> Option<Change<RecoveryRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| RecoveryRow::unknown((place, id)));
    let mut told = Vec::new();
    for observation in observations {
        let before = row.failback.as_ref().map(|failback| failback.state.clone());
        row.take(observation, context);
        told.extend(changed(&row, before, context));
    }
    let holding = [failed(&row), not_resumed(&row, context.limits)].into_iter().flatten();
    let holding: Vec<_> = holding.filter(|_| context.watched).collect();
    let label = row.job.as_ref().map(|id| JobLabel { id, plan: row.plan.as_deref(), drill: row.drill });
    let subject = Subject {
        place,
        account_name: context.account_name,
        id: id.as_str(),
        name: row.label(),
        job: label,
        application: None,
        drill_tag: None,
    };
    let mut incidents = row.incidents.clone();
    told.extend(reconcile(&mut incidents, &holding, &subject, context.now).into_iter().map(Into::into));
    row.incidents = incidents;
    row.look_at = incident::look_again(&row.incidents, row.look_at, context.now);
    Change::between(stored, row, told)
}

/// A failback that nobody began is no news.
fn changed(row: &RecoveryRow, before: Option<String>, context: &Context<'_>) -> Option<OwnEvent> {
    let failback = row.failback.as_ref().filter(|failback| before.as_ref() != Some(&failback.state))?;
    if before.is_none() && failback.state == NOT_STARTED {
        return None;
    }
    let place = &row.place;
    Some(OwnEvent::Failback(Box::new(FailbackEvent {
        event_id: format!("FAILBACK/{place}/{}@{}#{}", row.id, failback.since, failback.state),
        account_id: place.account.clone(),
        account_name: context.account_name.to_owned(),
        region: place.region.clone(),
        recovery_instance_id: row.id.clone(),
        server_id: row.server.clone(),
        server_name: row.name.clone(),
        job_id: row.job.clone(),
        before,
        state: failback.state.clone(),
        at: failback.since,
    })))
}

impl RecoveryRow {
    fn take(&mut self, observation: &Observation, context: &Context<'_>) {
        let swept_at = context.swept_at;
        match observation {
            Observation::Failback { state, at } => {
                // A sweep that is older than the event may have missed it.
                self.gone_since.take_if(|gone| *gone <= *at && swept_at <= Some(*at));
                self.fail_back(state, None, Stamp::new(*at, Origin::Event, worse(state), state), swept_at);
            }
            Observation::Seen { seen, at } => self.see(seen, *at, swept_at),
            Observation::Gone { at } => {
                let seen = self.machine.as_ref().map(|machine| machine.seen_at);
                let told = self.failback.as_ref().map(|failback| failback.stamp.time());
                if swept_at.is_none_or(|swept| swept <= *at) && seen.max(told) < Some(*at) {
                    self.gone_since = Some(self.gone_since.map_or(*at, |known| known.min(*at)));
                }
            }
            Observation::Known { name, plan, launched_at } => {
                self.name = self.name.take().or_else(|| name.clone());
                self.plan = self.plan.take().or_else(|| plan.clone());
                self.launched_at = self.launched_at.or(*launched_at);
            }
            Observation::Resumption(resumption) => self.resume(resumption, context.limits),
        }
    }

    /// When it was looked at matters until it is clear what came of the failback; from then on, only what changes does.
    fn resume(&mut self, seen: &Resumption, limits: &Limits) {
        let clear =
            self.failback.as_ref().map(|f| after(f.since, limits.not_resumed_after.max(RESUMES_WITHIN)));
        let is_news = |known: &Resumption| {
            let differs = (&known.state, known.replicates) != (&seen.state, seen.replicates);
            known.at < seen.at && (differs || clear.is_none_or(|clear| known.at < clear))
        };
        if self.resumption.as_ref().is_none_or(is_news) {
            self.resumption = Some(seen.clone());
        }
    }

    fn see(&mut self, seen: &RecoveryInstanceSeen, at: Timestamp, swept_at: Option<Timestamp>) {
        self.server = self.server.take().or_else(|| seen.server.clone());
        self.job = self.job.take().or_else(|| seen.job.clone());
        self.drill = self.drill.or(seen.drill);
        self.first_seen = Some(self.first_seen.map_or(at, |known| known.min(at)));
        // A sweep that is older than the one that missed it says nothing.
        self.gone_since.take_if(|gone| *gone < at && swept_at <= Some(at));
        let told = Machine { seen_at: at, state: seen.state.clone().unwrap_or_default(), size: seen.size };
        let confirmed =
            self.machine.as_ref().map(|known| known.seen_at.max(swept_at.unwrap_or(known.seen_at)));
        let differs =
            self.machine.as_ref().is_none_or(|known| (&known.state, known.size) != (&told.state, told.size));
        if differs && confirmed.is_none_or(|confirmed| confirmed <= at) {
            self.machine = Some(told);
        }
        if let Some(state) = &seen.failback {
            let content = format!("{state} {}", seen.failback_error.as_deref().unwrap_or_default());
            let stamp = Stamp::new(at, Origin::Sweep, worse(state), &content);
            self.fail_back(state, seen.failback_error.clone(), stamp, swept_at);
        }
    }

    /// The facet takes what is newer than it knows, and than the sweep that confirmed it.
    fn fail_back(&mut self, state: &str, error: Option<String>, stamp: Stamp, swept_at: Option<Timestamp>) {
        let known = self.failback.as_ref();
        // A sweep that missed it confirms nothing of it.
        let swept_at = swept_at.filter(|_| self.gone_since.is_none());
        let believed =
            known.map(|known| swept_at.map_or(known.stamp, |at| known.stamp.max(Stamp::swept(at))));
        let is_news = known.is_none_or(|known| {
            (known.state.as_str(), &known.error) != (state, &error) || stamp.is_of(Origin::Event)
        });
        if !is_news || believed.is_some_and(|believed| stamp <= believed) {
            return;
        }
        let same = known.filter(|known| known.state == state);
        // An event says nothing of the error behind it, a sweep also that there is none any more.
        let error = error.or_else(|| same.filter(|_| stamp.is_of(Origin::Event))?.error.clone());
        let since = same.map_or_else(|| stamp.time(), |known| known.since);
        self.failback = Some(Failback { state: state.to_owned(), since, stamp, error });
    }
}

fn worse(state: &str) -> u8 {
    match state {
        FAILED => 3,
        COMPLETED => 2,
        NOT_STARTED => 0,
        _ => 1,
    }
}

fn failed(row: &RecoveryRow) -> Option<Condition> {
    let failback = row.failback.as_ref().filter(|f| f.state == FAILED && row.gone_since.is_none())?;
    Some(Condition {
        kind: IncidentKind::FailbackFailed,
        since: failback.since,
        severity: Severity::Critical,
        reason: failback
            .error
            .as_deref()
            .map_or_else(|| format!("DRS reports {FAILED} and gives no reason"), failback_remedy::words),
    })
}

/// An agent stops after a failback from an extended server, as AWS documents; the row of the server that replicates in
/// the other account tells whether somebody saw to it.
fn not_resumed(row: &RecoveryRow, limits: &Limits) -> Option<Condition> {
    let failback = row.failback.as_ref().filter(|failback| failback.state == COMPLETED)?;
    let resumption = row.resumption.as_ref().filter(|resumption| !resumption.replicates)?;
    let since = after(failback.since, limits.not_resumed_after);
    (since <= resumption.at).then(|| Condition {
        kind: IncidentKind::ReplicationNotResumed,
        since,
        severity: Severity::High,
        reason: format!(
            "more than {} after the failback, its extended source server is still {}",
            span::show(limits.not_resumed_after),
            resumption.state
        ),
    })
}
