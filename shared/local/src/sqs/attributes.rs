//! The attributes of a queue, and purging it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Sqs;
use super::cell::{Cell, moment};
use super::queue::Moment;
use super::refuse::{invalid, refuse};
use super::settings::{Settings, unknown};
use crate::World;
use crate::call::Refusal;
use crate::world::lock;

/// How long a purge stands in the way of the next.
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Set {
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Get {
    #[serde(default)]
    attribute_names: Vec<String>,
}

impl Sqs {
    /// Sets attributes as `SetQueueAttributes` does, such as the policy that a template keeps apart.
    ///
    /// # Errors
    /// What `SetQueueAttributes` refuses.
    pub fn set_attributes(
        &self,
        world: &World,
        queue_arn: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let set = Set { attributes: attributes.clone() };
        self.set_queue_attributes(queue_arn, moment(&world.clock), &set).map(drop)
    }

    pub(super) fn set_queue_attributes(&self, arn: &str, now: Moment, set: &Set) -> Result<Value, Refusal> {
        let cell = self.find(arn)?;
        let mut settings = lock(&cell.inside).settings.clone();
        for (name, value) in &set.attributes {
            settings.set(name, value)?;
        }
        self.check_redrive(arn, &settings)?;
        cell.step(now, |inside| {
            inside.settings = settings;
            inside.modified = now.stamp;
        });
        Ok(json!({}))
    }

    /// The dead-letter queue must exist, in the same account and Region, and admit this queue.
    pub(super) fn check_redrive(&self, arn: &str, settings: &Settings) -> Result<(), Refusal> {
        let Some(redrive) = settings.redrive() else { return Ok(()) };
        let place = |arn: &str| arn.rsplit_once(':').map(|(place, _)| place.to_owned());
        let refused = |reason: &str| Err(invalid(&redrive.target, "RedrivePolicy", reason));
        if place(arn) != place(&redrive.target) {
            return refused("Dead-letter target owner and Region should be those of the source.");
        }
        match self.find(&redrive.target) {
            Err(_) => refused("Dead letter target does not exist."),
            Ok(dlq) if lock(&dlq.inside).settings.admits_redrive_from(arn) => Ok(()),
            Ok(_) => refused("The dead letter target does not allow this source queue."),
        }
    }
}

impl Cell {
    pub(super) fn attributes(&self, now: Moment, get: &Get) -> Result<Value, Refusal> {
        let (mut all, modified) = {
            let inside = lock(&self.inside);
            (inside.settings.all(), inside.modified)
        };
        let (visible, in_flight, delayed) = self.depth(now);
        let computed = [
            ("QueueArn", self.arn.clone()),
            ("CreatedTimestamp", (self.created / 1_000).to_string()),
            ("LastModifiedTimestamp", (modified / 1_000).to_string()),
            ("ApproximateNumberOfMessages", visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
        ];
        all.extend(computed.map(|(name, value)| (name.to_owned(), value)));
        let wanted = |name: &str| get.attribute_names.iter().any(|w| w == "All" || w == name);
        let optional = ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"];
        let known = |name: &str| {
            name == "All"
                || all.contains_key(name)
                || optional.contains(&name)
                || name == "KmsDataKeyReusePeriodSeconds"
        };
        if let Some(name) = get.attribute_names.iter().find(|name| !known(name)) {
            return Err(unknown(name));
        }
        all.retain(|name, _| wanted(name));
        Ok(json!({ "Attributes": all }))
    }

    pub(super) fn purge(&self, now: Moment) -> Result<Value, Refusal> {
        self.step(now, |inside| {
            if inside.purged.is_some_and(|at| now.real < at + PAUSE) {
                let text =
                    format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", self.arn);
                return Err(refuse("PurgeQueueInProgress", text));
            }
            inside.purged = Some(now.real);
            inside.queue.purge();
            Ok(json!({}))
        })
    }
}
