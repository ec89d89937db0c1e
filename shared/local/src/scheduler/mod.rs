//! EventBridge Scheduler without its API: schedules come from templates and send to queues and buses.
//!
//! [`run`] fires on the cloud's clock, so a fast clock fires faster. After a stall each schedule fires once,
//! not once for each time that it missed. A target that refuses gets no second attempt, where AWS would try
//! for a day: the input goes to the schedule's dead-letter queue at once.

mod expression;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::World;
use crate::call::{Principal, Refusal};
use crate::events::ServiceEvent;
use crate::world::lock;
pub use expression::{Expression, next_after};

/// Schedules that send to queues and buses.
#[derive(Debug, Default)]
pub struct Scheduler {
    entries: Mutex<BTreeMap<String, Entry>>,
    changed: Notify,
}

/// A schedule as a template describes it.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Unique in its account and Region.
    pub name: String,
    /// `rate(…)` or `cron(…)`.
    pub expression: String,
    /// What it sends, and where.
    pub target: Target,
}

/// What a schedule sends, and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// A queue or an event bus.
    pub arn: String,
    /// The role that sends.
    pub role_arn: String,
    /// The message, or the event's detail. `<aws.scheduler.schedule-arn>`, `<aws.scheduler.scheduled-time>`,
    /// `<aws.scheduler.execution-id>` and `<aws.scheduler.attempt-number>` are filled in.
    pub input: String,
    /// For a bus: the event's `detail-type` and `source`.
    pub event: Option<EventParameters>,
    /// The queue for what the target refused; the same role sends to it.
    pub dead_letter_arn: Option<String>,
}

/// `EventBridgeParameters`.
#[derive(Clone, Debug)]
pub struct EventParameters {
    /// `detail-type`.
    pub detail_type: String,
    /// `source`.
    pub source: String,
}

#[derive(Clone, Debug)]
struct Entry {
    arn: String,
    target: Target,
    expression: Expression,
    created: Timestamp,
    next: Option<Timestamp>,
}

impl Scheduler {
    /// Creates or replaces a schedule. A rate fires at once for the first time, as on AWS without a start date.
    ///
    /// # Errors
    /// `ValidationException` naming the schedule.
    pub fn create(
        &self,
        world: &World,
        account: &str,
        region: &str,
        schedule: Schedule,
    ) -> Result<String, Refusal> {
        let arn = arn(account, region, &schedule.name);
        let refused = |why: &str| Refusal::new(400, "ValidationException", format!("{arn}: {why}"));
        let expression = Expression::parse(&schedule.expression).map_err(|why| refused(&why))?;
        check_target(&schedule.target, account).map_err(refused)?;
        let created = world.clock.now();
        let next = match expression {
            Expression::Rate(_) => Some(created),
            Expression::Cron(_) => next_after(&expression, created, created),
        };
        let entry = Entry { arn: arn.clone(), target: schedule.target, expression, created, next };
        lock(&self.entries).insert(arn.clone(), entry);
        self.changed.notify_one();
        Ok(arn)
    }

    /// Deletes a schedule; one that does not exist is no error.
    pub fn delete(&self, account: &str, region: &str, name: &str) {
        lock(&self.entries).remove(&arn(account, region, name));
    }

    /// Fires a schedule now, besides its own times.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and what the target refused; then the input is on the dead-letter queue if
    /// there is one.
    pub fn fire(&self, world: &Arc<World>, account: &str, region: &str, name: &str) -> Result<(), Refusal> {
        let arn = arn(account, region, name);
        let entry = lock(&self.entries).get(&arn).cloned();
        let missing = || Refusal::new(404, "ResourceNotFoundException", format!("{arn} does not exist"));
        entry.ok_or_else(missing)?.fire(world, world.clock.now())
    }

    /// Takes out what is due, and moves each of it on to its next time after `now`.
    fn take_due(&self, now: Timestamp) -> Vec<(Entry, Timestamp)> {
        let mut entries = lock(&self.entries);
        let mut due = Vec::new();
        for entry in entries.values_mut() {
            if let Some(at) = entry.next.filter(|at| *at <= now) {
                due.push((entry.clone(), at));
                entry.next = next_after(&entry.expression, entry.created, now);
            }
        }
        due
    }

    fn next_due(&self) -> Option<Timestamp> {
        lock(&self.entries).values().filter_map(|entry| entry.next).min()
    }
}

/// Fires schedules until `stop`.
pub async fn run(world: Arc<World>, stop: CancellationToken) {
    loop {
        for (entry, at) in world.scheduler.take_due(world.clock.now()) {
            if let Err(refusal) = entry.fire(&world, at) {
                tracing::warn!(schedule = entry.arn, code = refusal.code, "schedule not delivered");
            }
        }
        let wait = match world.scheduler.next_due() {
            Some(at) => Duration::try_from(at.duration_since(world.clock.now())).unwrap_or(Duration::ZERO),
            None => Duration::from_hours(1),
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = world.clock.sleep(wait) => {}
            () = world.scheduler.changed.notified() => {}
        }
    }
}

impl Entry {
    fn fire(&self, world: &Arc<World>, at: Timestamp) -> Result<(), Refusal> {
        let input = self.input(at);
        let principal = self.principal(world)?;
        let Err(refusal) = self.send(world, &principal, &input) else { return Ok(()) };
        if let Some(queue) = &self.target.dead_letter_arn {
            let why = self.dead_letter_attributes(&refusal, at);
            world.sqs.deliver(world, &principal, queue, &input, &why)?;
        }
        Err(refusal)
    }

    fn send(&self, world: &Arc<World>, principal: &Principal, input: &str) -> Result<(), Refusal> {
        let target = &self.target;
        let Some(parameters) = &target.event else {
            return world.sqs.deliver(world, principal, &target.arn, input, &BTreeMap::new());
        };
        let detail = serde_json::from_str(input).unwrap_or_default();
        let event = ServiceEvent {
            source: parameters.source.clone(),
            detail_type: parameters.detail_type.clone(),
            time: None,
            resources: vec![self.arn.clone()],
            detail,
        };
        world.events.put(world, principal, &target.arn, &event)
    }

    /// The service in the schedule's role, which must trust it.
    fn principal(&self, world: &World) -> Result<Principal, Refusal> {
        let service = Principal::Service {
            name: "scheduler.amazonaws.com".to_owned(),
            source_arn: self.arn.clone(),
            source_account: self.arn.split(':').nth(4).unwrap_or_default().to_owned(),
        };
        world.iam.act_as(&world.clock, &service, &self.target.role_arn, "scheduler")
    }

    fn input(&self, at: Timestamp) -> String {
        self.target
            .input
            .replace("<aws.scheduler.schedule-arn>", &self.arn)
            .replace("<aws.scheduler.scheduled-time>", &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            .replace("<aws.scheduler.execution-id>", &uuid::Uuid::new_v4().to_string())
            .replace("<aws.scheduler.attempt-number>", "1")
    }

    fn dead_letter_attributes(&self, refusal: &Refusal, at: Timestamp) -> BTreeMap<String, String> {
        let attributes = [
            ("ERROR_CODE", refusal.code.clone()),
            ("ERROR_MESSAGE", refusal.message.clone()),
            ("RETRY_ATTEMPTS", "0".to_owned()),
            ("SCHEDULED_TIME", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("SCHEDULE_ARN", self.arn.clone()),
            ("TARGET_ARN", self.target.arn.clone()),
        ];
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{region}:{account}:schedule/default/{name}")
}

fn check_target(target: &Target, account: &str) -> Result<(), &'static str> {
    let is_bus = target.arn.starts_with("arn:aws:events:");
    if !is_bus && !target.arn.starts_with("arn:aws:sqs:") {
        return Err("the target is neither a queue nor an event bus");
    }
    if !target.role_arn.starts_with(&format!("arn:aws:iam::{account}:role/")) {
        return Err("the role must be one of the schedule's own account");
    }
    if is_bus != target.event.is_some() {
        return Err("a bus target needs EventBridgeParameters, a queue has none");
    }
    if target.input.is_empty() {
        return Err("the target needs an input");
    }
    if is_bus && !matches!(serde_json::from_str(&target.input), Ok(Value::Object(_))) {
        return Err("the input for a bus must be a JSON object");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
