//! From a bus to the targets of the rules that take an event.

use std::collections::BTreeMap;

use crate::World;
use crate::call::{Principal, Refusal};
use crate::faults::Fault;
use crate::world::lock;

use super::arn::BusId;
use super::envelope::Travelling;
use super::targets::Target;
use super::{Events, rules};

/// One rule's will to send to one target, and the account of its bus.
struct Parcel<'a> {
    bus: &'a BusId,
    rule_arn: &'a str,
    target: &'a Target,
}

/// Why a copy did not arrive: an error code of the dead-letter attributes and a text.
struct Failure {
    code: &'static str,
    message: String,
}

impl Events {
    /// Sends an event from `bus` wherever its rules want it.
    pub(super) fn route(&self, world: &World, bus: &BusId, travelling: &Travelling) {
        let destinations = lock(&self.state).destinations(bus, &travelling.event);
        for (rule_arn, target) in &destinations {
            self.count(|counts| counts.matched += 1);
            self.hand_over(world, &Parcel { bus, rule_arn, target }, travelling);
        }
    }

    fn hand_over(&self, world: &World, parcel: &Parcel<'_>, travelling: &Travelling) {
        let subject = ("events", "Deliver", parcel.bus.account.as_str());
        let fault = world.faults.strike(subject, |fault| matches!(fault, Fault::Drop | Fault::Duplicate));
        let copies = match fault {
            Some(Fault::Drop) => {
                self.count(|counts| counts.dropped += 1);
                0
            }
            Some(_) => 2,
            None => 1,
        };
        for _ in 0..copies {
            match self.send(world, parcel, travelling) {
                Ok(()) => self.count(|counts| counts.delivered += 1),
                Err(failure) => self.dead_letter(world, parcel, travelling, failure),
            }
        }
    }

    fn send(&self, world: &World, parcel: &Parcel<'_>, travelling: &Travelling) -> Result<(), Failure> {
        let target = parcel.target;
        let principal = acting_for(world, parcel)?;
        if target.is_bus() {
            return self.forward(world, parcel, &principal, travelling);
        }
        let body = target.form.render(&travelling.event);
        world.sqs.deliver(world, &principal, &target.arn, &body, &BTreeMap::new()).map_err(Failure::from)
    }

    /// An event goes from one bus to another once: what was forwarded is not forwarded again.
    fn forward(
        &self,
        world: &World,
        parcel: &Parcel<'_>,
        principal: &Principal,
        travelling: &Travelling,
    ) -> Result<(), Failure> {
        let next = BusId::parse(&parcel.target.arn).map_err(Failure::from)?;
        if travelling.hopped {
            let other_region = next.account == parcel.bus.account && next.region != parcel.bus.region;
            let code = if other_region { "THIRD_REGION_HOP_DETECTED" } else { "THIRD_ACCOUNT_HOP_DETECTED" };
            let message = format!("the event has already crossed to {}", parcel.bus.arn());
            return Err(Failure { code, message });
        }
        if !self.knows(&next) {
            return Err(Failure::from(rules::no_such_bus(&next)));
        }
        self.authorize_put(world, principal, &next)?;
        self.route(world, &next, &Travelling { hopped: true, ..travelling.clone() });
        Ok(())
    }

    fn dead_letter(&self, world: &World, parcel: &Parcel<'_>, travelling: &Travelling, failure: Failure) {
        let Failure { code, message } = failure;
        tracing::debug!(rule = parcel.rule_arn, target = parcel.target.arn, code, message, "not delivered");
        let sent = parcel.target.dead_letters.as_ref().is_some_and(|queue| {
            let attributes = attributes(parcel, code, &message);
            let body = travelling.event.to_string();
            world.sqs.deliver(world, &service(parcel), queue, &body, &attributes).is_ok()
        });
        self.count(|counts| if sent { counts.failed += 1 } else { counts.dropped += 1 });
    }
}

/// The attributes of a dead letter. What fails for want of a permission or a target is not retried.
fn attributes(parcel: &Parcel<'_>, code: &str, message: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("RULE_ARN", parcel.rule_arn),
        ("TARGET_ARN", &parcel.target.arn),
        ("ERROR_CODE", code),
        ("ERROR_MESSAGE", message),
        ("RETRY_ATTEMPTS", "0"),
        ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The role of the target, or the service itself on behalf of the rule.
fn acting_for(world: &World, parcel: &Parcel<'_>) -> Result<Principal, Failure> {
    let service = service(parcel);
    let Some(role_arn) = &parcel.target.role else { return Ok(service) };
    let assumed = world.iam.act_as(&world.clock, &service, role_arn, "events");
    assumed.map_err(|refusal| Failure { code: "FAILED_TO_ASSUME_ROLE", message: refusal.message })
}

fn service(parcel: &Parcel<'_>) -> Principal {
    Principal::Service {
        name: "events.amazonaws.com".to_owned(),
        source_arn: parcel.rule_arn.to_owned(),
        source_account: parcel.bus.account.clone(),
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let is_missing = ["QueueDoesNotExist", "NonExistentQueue", "ResourceNotFoundException"];
        let code = match refusal.code.as_str() {
            code if is_missing.iter().any(|missing| code.ends_with(missing)) => "NO_RESOURCE",
            code if code.starts_with("AccessDenied") => "NO_PERMISSIONS",
            _ => "ERROR_FROM_TARGET",
        };
        Self { code, message: refusal.message }
    }
}
