//! Instances, their types and tags, and the tagging API.
//!
//! An instance is an id with a type, tags and a version that rises with each change of them: all that the workers
//! ever see of EC2.

mod describe;
mod resources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::json;

use crate::World;
use crate::call::{Call, Refusal, Reply};
use crate::events::ServiceEvent;
use crate::world::lock;

/// Instances, their tags and the tagging API.
#[derive(Debug, Default)]
pub struct Ec2 {
    places: Mutex<BTreeMap<(String, String), Instances>>,
}

/// The instances of one account and Region by id.
type Instances = BTreeMap<String, Instance>;

/// An instance as EC2 and the tagging API see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Such as `m6i.large`.
    pub instance_type: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How often the tags have been changed; 0 for an instance that was never tagged.
    pub version: u64,
}

impl Ec2 {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let action = match (call.service.as_str(), call.operation.as_str()) {
            ("tagging", "GetResources") => "tag:GetResources",
            ("ec2", "DescribeInstances") => "ec2:DescribeInstances",
            (service, operation) => return Err(Refusal::unknown(service, operation)),
        };
        let target = (call.account.as_str(), "*");
        world.iam.authorize(&world.clock, &call.principal, action, target, None, &[])?;
        let place = (call.account.as_str(), call.region.as_str());
        let instances = self.instances(place);
        if call.service == "ec2" {
            return describe::describe(&instances, &call.account, &call.form());
        }
        let answer = resources::get(&instances, place, &call.json()?, world.clock.now())?;
        Ok(Reply::json(&answer))
    }

    /// Adds an instance of a type with the tags that it was launched with; no event tells of those.
    pub fn add(
        &self,
        (account, region): (&str, &str),
        (id, instance_type): (&str, &str),
        tags: BTreeMap<String, String>,
    ) {
        let version = u64::from(!tags.is_empty());
        let mut places = lock(&self.places);
        let instances = places.entry((account.to_owned(), region.to_owned())).or_default();
        instances.insert(id.to_owned(), Instance { instance_type: instance_type.to_owned(), tags, version });
    }

    /// The instances of an account and Region.
    pub fn instances(&self, (account, region): (&str, &str)) -> BTreeMap<String, Instance> {
        let places = lock(&self.places);
        places.get(&(account.to_owned(), region.to_owned())).cloned().unwrap_or_default()
    }

    /// Sets (`Some`) and deletes (`None`) tags of an instance and emits `Tag Change on Resource` there, unless
    /// nothing changes.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound` for an unknown instance, `TagLimitExceeded` for more than 50 tags.
    pub fn set_tags(
        &self,
        world: &Arc<World>,
        (account, region): (&str, &str),
        instance: &str,
        changes: &[(String, Option<String>)],
    ) -> Result<(), Refusal> {
        let event = self.change_tags((account, region), instance, changes, world.clock.now())?;
        if let Some(event) = event {
            world.events.emit(world, account, region, &event);
        }
        Ok(())
    }

    /// [`Ec2::set_tags`] without its effect on others: the event, if there is one to emit.
    fn change_tags(
        &self,
        (account, region): (&str, &str),
        id: &str,
        changes: &[(String, Option<String>)],
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let mut places = lock(&self.places);
        let instances = places.entry((account.to_owned(), region.to_owned())).or_default();
        let instance = instances.get_mut(id).ok_or_else(|| missing(id))?;
        let mut tags = instance.tags.clone();
        for (key, value) in changes {
            match value {
                Some(value) => tags.insert(key.clone(), value.clone()),
                None => tags.remove(key),
            };
        }
        if tags.len() > 50 {
            let text = format!("instance {id} would have {} tags, at most 50 are allowed", tags.len());
            return Err(Refusal::new(400, "TagLimitExceeded", text));
        }
        let keys: BTreeSet<&String> = changes.iter().map(|(key, _)| key).collect();
        let changed: Vec<_> =
            keys.into_iter().filter(|key| tags.get(*key) != instance.tags.get(*key)).collect();
        if changed.is_empty() {
            return Ok(None);
        }
        instance.version += 1;
        let detail = json!({
            "changed-tag-keys": changed,
            "tags": tags,
            "service": "ec2",
            "resource-type": "instance",
            "version": instance.version,
        });
        instance.tags = tags;
        Ok(Some(ServiceEvent {
            source: "aws.tag".to_owned(),
            detail_type: "Tag Change on Resource".to_owned(),
            time: Some(now),
            resources: vec![arn((account, region), id)],
            detail,
        }))
    }
}

fn missing(id: &str) -> Refusal {
    Refusal::new(400, "InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
}

fn arn((account, region): (&str, &str), id: &str) -> String {
    format!("arn:aws:ec2:{region}:{account}:instance/{id}")
}
