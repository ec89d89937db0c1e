//! What each worker would decide about an event if nothing were stored, and why: for `drs-fleet explain` and
//! the golden tests over `events/`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::envelope::{Envelope, Rejected};
use crate::event::{self, ApiCall, Event};
use crate::ids::{JobId, SourceServerId};
use crate::job_sweep::JobSweepRow;
use crate::keys::Place;
use crate::message::{self, Links};
use crate::notification;
use crate::notify::drill::{self, Which};
use crate::notify::{Digest, Labels, Routes};
use crate::own_event::{self, OwnEvent};
use crate::policy::{Limits, Policy};
use crate::routing::{WorkerName, taker_of, worker_of};
use crate::row::{Change, Row};
use crate::tags::TagRequestRow;
use crate::{job, place, recovery, server, tags};

/// What one worker would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Which worker.
    pub worker: &'static str,
    /// Why, in plain words.
    pub because: String,
    /// The rows that it would write, with their keys and the own events that go with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Value>,
    /// What people would be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Value>,
}

/// Explains a message body.
///
/// # Errors
/// [`Rejected`], where a worker would send the message to its dead-letter queue.
pub fn explain(body: &str) -> Result<Vec<Explanation>, Rejected> {
    let envelope = Envelope::parse(body)?;
    let event = event::read(&envelope)?;
    let taker = taker_of(&envelope, &event);
    let because = if taker.is_none() && envelope.source == own_event::SOURCE {
        "it is for subscribers: no rule brings it to a worker"
    } else {
        "no rule brings it such events"
    };
    let each = WorkerName::ALL.map(|worker| {
        let mut explanation = Explanation {
            worker: worker.as_str(),
            because: because.to_owned(),
            writes: Vec::new(),
            messages: Vec::new(),
        };
        if taker == Some(worker)
            || (envelope.source == event::SCHEDULE_SOURCE && is_on_queue_of(worker, &event))
        {
            decide(&envelope, &event, &mut explanation);
        }
        explanation
    });
    Ok(each.into())
}

/// Whether such a message is put on the queue of this worker, past all rules.
fn is_on_queue_of(worker: WorkerName, event: &Event) -> bool {
    match event {
        Event::SyncTags(_) => worker == WorkerName::Tags,
        _ => matches!(worker, WorkerName::Capacity | WorkerName::Jobs | WorkerName::Tags),
    }
}

fn decide(envelope: &Envelope, event: &Event, to: &mut Explanation) {
    let place = Place { account: envelope.account.clone(), region: envelope.region.clone() };
    let at = envelope.time;
    match event {
        Event::StalledChange { server, stalled } => {
            to.because = "the server's replication facet takes what is newer than it knows".into();
            to.observe_server((&place, server), server::Observation::Stalled { stalled: *stalled, at });
        }
        Event::SnapshotTaken { server, .. } => {
            to.because = "the server's newest recovery point is kept, to ten minutes".into();
            to.observe_server((&place, server), server::Observation::Snapshot { at });
        }
        Event::Heartbeat => {
            to.because = "the spoke was heard".into();
            to.observe(&place, place::Observation::Heard { at }, at);
        }
        Event::ApiCall(call) => explain_call(&place, envelope, call, to),
        Event::LaunchResult { server, job: id, launched, drill } => {
            let (launched, drill) = (*launched, *drill);
            to.because = "the result is joined to its job by job-id, and the job is looked at closely".into();
            to.observe_job((&place, id), job::Observation::Result { drill, launched, at }, at);
            let result = [job::ServerObservation::Result { launched, at }];
            to.write(job::decide_server((&place, id, server), &result, None).as_ref());
        }
        Event::FailbackChange { instance, state } => {
            to.because = format!(
                "the instance's failback takes what is newer than it knows, and {place} is swept soon"
            );
            let (name, limits) = (format!("account {}", place.account), Limits::default());
            let context = recovery::Context {
                account_name: &name,
                limits: &limits,
                swept_at: None,
                watched: true,
                now: at,
            };
            let observed = [recovery::Observation::Failback { state: state.clone(), at }];
            to.write(recovery::decide((&place, instance), &observed, None, &context).as_ref());
            to.write(JobSweepRow::wished(&place, None, at).as_ref());
        }
        Event::TagsChanged(change) => {
            to.because = "the highest version of the tag set wins".into();
            let name = format!("account {}", place.account);
            to.write(tags::changed((&place, &name), (change, at), None, at).as_ref());
        }
        Event::Own(own) => {
            let taken = |event: &_| Routes::default().taken(&Labels::of(event, None));
            let told = notification::decide(std::slice::from_ref(own), None, taken);
            to.because = match told.as_ref().map(|change| change.row.is_open()) {
                Some(true) => "it joins its groups, which are told together; alone it would read as below",
                _ => "nobody is told the end of what nobody was told",
            }
            .into();
            if told.as_ref().is_some_and(|change| change.row.is_open()) {
                let (bulletin, links) = (Digest::of_one(own).into(), Links::default());
                let mail = message::email(&bulletin, &links);
                let slack = message::slack(&bulletin, &links);
                to.messages = vec![json!({"subject": mail.subject, "body": mail.body}), slack];
            }
            to.write(told.as_ref());
        }
        Event::DrillJob(job) => {
            to.because =
                "it is a wave of its drill, which is told as a start, a line per wave and a summary".into();
            let which = Which::of_plan(job.plan_name.as_deref(), ["default".to_owned()].into());
            to.write(drill::moved(&which, job, None, at).as_ref());
        }
        Event::Sample(asked) => {
            to.because = format!("a sample goes to the channel {}, marked as a test", asked.channel);
            let sample = asked.delivery();
            to.write(Some(&Change { row: sample, tell: Vec::new() }));
        }
        Event::SweepTick => to.because = "one message per account and Region is put on the queue".into(),
        Event::SweepPlace { scheduled: true } => {
            to.because = format!("{place} is swept unless a sweep is under way or its interval is not over");
        }
        Event::SweepPlace { scheduled: false } => {
            to.because = format!("{place} is swept unless a sweep is under way");
        }
        Event::SyncTags(asked) => {
            let which = asked.servers.as_ref().map_or("all", |_| "some");
            to.because = format!(
                "{} asks to have the tags of {which} source servers of {place} compared and brought in line",
                asked.by
            );
            to.write(TagRequestRow::claim(&place, asked, None, (at, at)).as_ref());
        }
        Event::SourceNetwork => to.because = "recorded as not acted on".into(),
        Event::Unknown => to.because = "recorded as of an unknown type, and not acted on".into(),
    }
}

fn explain_call(place: &Place, envelope: &Envelope, call: &ApiCall, to: &mut Explanation) {
    if let Some(error) = &call.error {
        to.because = format!("{} was refused ({error}), so nothing happened", call.name);
        return;
    }
    match (worker_of(&Event::ApiCall(call.clone())), &call.job) {
        (Some(WorkerName::Jobs), Some(id)) => {
            let observed = job::Observation::called(call, envelope.time);
            to.because = match observed {
                job::Observation::Deleted { .. } => {
                    format!("{} deleted the job {id}, so it is over", call.name)
                }
                _ => format!("{} started the job {id}, which is looked at closely", call.name),
            };
            to.observe_job((place, id), observed, envelope.time);
        }
        (Some(WorkerName::Tags), _) => to.because = "tags of DRS resources are ours to write".into(),
        (Some(WorkerName::Capacity), _) => {
            to.because = format!("{} changes servers, so {place} is swept soon", call.name);
            to.observe(place, place::Observation::LookSooner { at: envelope.time }, envelope.time);
            if let Some(observation) = server::Observation::called(call, envelope.time) {
                call.servers.iter().for_each(|id| to.observe_server((place, id), observation.clone()));
            }
        }
        _ => {
            to.because = format!("{} names no job, so {place} is swept soon", call.name);
            to.write(JobSweepRow::wished(place, None, envelope.time).as_ref());
        }
    }
}

impl Explanation {
    fn observe(&mut self, place: &Place, observation: place::Observation, at: Timestamp) {
        let context = place::Context::new(place.account.as_str(), at);
        self.write(place::decide(place, &[observation], None, &context).as_ref());
    }

    fn observe_server(&mut self, (place, id): (&Place, &SourceServerId), observation: server::Observation) {
        let (account_name, policy) = (format!("account {}", place.account), Policy::default());
        let now = observation.time();
        let context = server::Context::new(&account_name, &policy, now);
        self.write(server::decide((place, id), &[observation], None, &context).as_ref());
    }

    fn observe_job(&mut self, (place, id): (&Place, &JobId), observation: job::Observation, now: Timestamp) {
        let (account_name, limits) = (format!("account {}", place.account), Limits::default());
        let context = job::Context::new(&account_name, &limits, now);
        self.write(job::decide((place, id), &[observation], None, &context).as_ref());
    }

    fn write<R: Row>(&mut self, change: Option<&Change<R>>) {
        if let Some(change) = change {
            let Change { row, tell } = change;
            let tell: Vec<Value> = tell.iter().map(published).collect();
            self.writes.push(json!({"key": row.key(), "kind": R::KIND, "row": row, "tell": tell}));
        }
    }
}

/// An own event as subscribers see it.
fn published(event: &OwnEvent) -> Value {
    json!({"detail-type": event.detail_type(), "about": event.about(), "detail": event.detail().unwrap_or_default()})
}
