//! The fault plan: seeded, so that a run that failed can be run again.
//!
//! A plan is a list of rules; the first rule that fits a call and whose dice say so is applied. Rules on
//! messages (duplicate, reorder, drop) are asked by the services that deliver: SQS and EventBridge.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answered with the service's throttling error; nothing is done.
    Throttle,
    /// Answered with HTTP 500; nothing is done.
    ServerError,
    /// Done and answered after this much real time.
    Delay(Duration),
    /// Done, but the connection is closed before the answer.
    ReplyLost,
    /// The connection is closed before anything is done.
    Reset,
    /// A message that is delivered is delivered once more.
    Duplicate,
    /// A message is handed out in another order than it came.
    Reorder,
    /// An event is lost between bus and target.
    Drop,
}

/// One rule of the plan. An empty name matches everything.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// Signing name of the service: `sqs`, `dynamodb`, `drs`, ….
    pub service: String,
    /// Operation, such as `UpdateItem`; for message faults `ReceiveMessage` or `Deliver`.
    pub operation: String,
    /// Account of the resource.
    pub account: String,
    /// Share of calls hit, 0 to 1.
    pub probability: f64,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// Hits this share of the calls, or deliveries, of an operation in every account.
    pub fn of((service, operation): (&str, &str), probability: f64, fault: Fault) -> Self {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Self { service, operation, account: String::new(), probability, fault }
    }

    /// The same in one account alone.
    #[must_use]
    pub fn in_account(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    fn fits(&self, service: &str, operation: &str, account: &str) -> bool {
        let fits = |want: &str, is: &str| want.is_empty() || want == is;
        fits(&self.service, service) && fits(&self.operation, operation) && fits(&self.account, account)
    }
}

/// The plan in force. Rules may be exchanged while the cloud runs.
#[derive(Debug)]
pub struct Faults(Mutex<(StdRng, Vec<FaultRule>)>);

impl Faults {
    /// A plan whose dice are seeded with `seed`.
    pub fn seeded(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self(Mutex::new((StdRng::seed_from_u64(seed), rules)))
    }

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::seeded(0, Vec::new())
    }

    /// Exchanges the rules; the dice go on.
    pub fn set(&self, rules: Vec<FaultRule>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = rules;
    }

    /// What goes wrong with a call or a delivery, if anything. Only faults for which `wanted` is true are
    /// considered: a call asks for call faults, a delivery for message faults.
    pub fn strike(
        &self,
        (service, operation, account): (&str, &str, &str),
        wanted: impl Fn(&Fault) -> bool,
    ) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (dice, rules) = &mut *plan;
        for rule in rules.iter() {
            let fits = wanted(&rule.fault) && rule.fits(service, operation, account);
            if fits && dice.random::<f64>() < rule.probability {
                return Some(rule.fault.clone());
            }
        }
        None
    }

    /// A roll of the plan's dice, for a fault that has something to choose.
    pub fn roll(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.random()
    }
}

impl Fault {
    /// Whether the fault concerns a call as a whole, not a message on its way.
    pub fn is_of_call(&self) -> bool {
        matches!(self, Self::Throttle | Self::ServerError | Self::Delay(_) | Self::ReplyLost | Self::Reset)
    }
}
