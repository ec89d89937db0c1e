//! The cloud's whole state, and the way from a call to its service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::apigateway::Apis;
use crate::call::{Call, Refusal, Reply};
use crate::cloudformation::Stacks;
use crate::drs::Drs;
use crate::dynamo::Dynamo;
use crate::ec2::Ec2;
use crate::events::Events;
use crate::faults::{Fault, Faults};
use crate::iam::Iam;
use crate::scheduler::Scheduler;
use crate::secrets::Secrets;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::{Clock, quotas, sts};

/// Code of a call that gets no answer: its connection is closed.
pub(crate) const NO_ANSWER: &str = "NoAnswer";

/// Everything that exists in the local cloud. Services reach one another through it.
#[derive(Debug)]
pub struct World {
    /// What every stamp comes from.
    pub clock: Clock,
    /// What goes wrong, and when.
    pub faults: Faults,
    /// Accounts, roles, access keys and policy decisions.
    pub iam: Iam,
    /// Queues.
    pub sqs: Sqs,
    /// Topics, and the mailbox of their e-mail subscribers.
    pub sns: Sns,
    /// Event buses, rules and targets.
    pub events: Events,
    /// Schedules that send to queues and buses.
    pub scheduler: Scheduler,
    /// Secrets and their versions.
    pub secrets: Secrets,
    /// Tables.
    pub dynamo: Dynamo,
    /// Instances and their tags, with the tagging API.
    pub ec2: Ec2,
    /// Simulated Elastic Disaster Recovery.
    pub drs: Drs,
    /// REST APIs.
    pub apis: Apis,
    /// What was created from templates.
    pub stacks: Stacks,
}

impl World {
    /// An empty cloud.
    pub fn new(clock: Clock, faults: Faults) -> Arc<Self> {
        Arc::new(Self {
            clock,
            faults,
            iam: Iam::default(),
            sqs: Sqs::default(),
            sns: Sns::default(),
            events: Events::default(),
            scheduler: Scheduler::default(),
            secrets: Secrets::default(),
            dynamo: Dynamo::default(),
            ec2: Ec2::default(),
            drs: Drs::default(),
            apis: Apis::default(),
            stacks: Stacks::default(),
        })
    }

    /// Performs an authenticated call, with what the fault plan has in store for it.
    ///
    /// # Errors
    /// What the service refuses, and injected faults. `ReplyLost` and `Reset` come back as the code `NO_ANSWER`,
    /// upon which `http.rs` closes the connection.
    pub async fn perform(self: &Arc<Self>, call: &Call) -> Result<Reply, Refusal> {
        let subject = (call.service.as_str(), call.operation.as_str(), call.account.as_str());
        match self.faults.strike(subject, Fault::is_of_call) {
            Some(Fault::Throttle) => Err(Refusal::throttled(&call.service)),
            Some(Fault::ServerError) => {
                Err(Refusal::new(500, "InternalServerException", "injected server error"))
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.dispatch(call).await
            }
            Some(Fault::ReplyLost) => {
                self.dispatch(call).await?;
                Err(Refusal::new(500, NO_ANSWER, "injected: done, but the answer is lost"))
            }
            Some(Fault::Reset) => {
                Err(Refusal::new(500, NO_ANSWER, "injected: the connection is closed and nothing is done"))
            }
            _ => self.dispatch(call).await,
        }
    }

    async fn dispatch(self: &Arc<Self>, call: &Call) -> Result<Reply, Refusal> {
        match call.service.as_str() {
            "sqs" => self.sqs.handle(self, call).await,
            "sns" => self.sns.handle(self, call),
            "events" => self.events.handle(self, call),
            "secretsmanager" => self.secrets.handle(self, call),
            "dynamodb" => self.dynamo.handle(self, call).await,
            "ec2" | "tagging" => self.ec2.handle(self, call),
            "drs" => self.drs.handle(self, call),
            "servicequotas" => quotas::handle(self, call),
            "sts" => sts::handle(self, call),
            other => Err(Refusal::unknown(other, &call.operation)),
        }
    }
}

/// Locks, and goes on with the data as it is should a holder have panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
