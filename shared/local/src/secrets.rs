//! Secrets and their versions. No value is ever printed: nothing here that holds one is `Debug`.

mod versions;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};

use crate::World;
use crate::call::{Call, Refusal, Reply};
use crate::iam::{account_of, random_text};
use crate::world::lock;
use versions::Versions;

/// Secrets by account, Region and name.
#[derive(Default)]
pub struct Secrets(Mutex<HashMap<(String, String, String), Secret>>);

struct Secret {
    arn: String,
    name: String,
    description: String,
    created: Timestamp,
    /// When the secret ceases to exist. Until then it cannot be read.
    deletion: Option<Timestamp>,
    versions: Versions,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("secrets", &lock(&self.0).len()).finish()
    }
}

impl Secrets {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let request = call.json()?;
        let now = world.clock.now();
        lock(&self.0).retain(|_, secret| secret.deletion.is_none_or(|end| end > now));
        let answer = match call.operation.as_str() {
            "CreateSecret" => self.create(world, call, &request)?,
            "GetSecretValue" => self.on_secret(world, call, &request, |secret| {
                secret.in_use()?;
                secret.versions.find(&request).map(|version| secret.shown(version))
            })?,
            "PutSecretValue" => self.on_secret(world, call, &request, |secret| {
                secret.in_use()?;
                let (id, stages) = secret.versions.put(&request, now)?;
                Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": stages}))
            })?,
            "DescribeSecret" => self.on_secret(world, call, &request, |secret| Ok(secret.described()))?,
            "DeleteSecret" => self.delete(world, call, &request)?,
            other => return Err(Refusal::unknown("secretsmanager", other)),
        };
        Ok(Reply::json(&answer))
    }

    fn create(&self, world: &World, call: &Call, request: &Value) -> Result<Value, Refusal> {
        let name = request["Name"].as_str().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if !(1..=512).contains(&name.len()) || !name.chars().all(plain) {
            let text = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
                        following: -/_+=.@!";
            return Err(Refusal::new(400, "ValidationException", text));
        }
        let arn = arn(call, &format!("{name}-{}", random_text(6)));
        allow(world, call, &arn)?;
        let mut secrets = lock(&self.0);
        let place = place(call, name);
        if let Some(secret) = secrets.get(&place) {
            secret.in_use()?;
            let text = format!("The operation failed because the secret {name} already exists.");
            return Err(Refusal::new(400, "ResourceExistsException", text));
        }
        let now = world.clock.now();
        let mut versions = Versions::default();
        let mut answer = json!({"ARN": arn, "Name": name});
        if Versions::has_value(request) {
            let (id, _) = versions.put(request, now)?;
            answer["VersionId"] = Value::from(id);
        }
        let description = request["Description"].as_str().unwrap_or_default().to_owned();
        let name = name.to_owned();
        secrets.insert(place, Secret { arn, name, description, created: now, deletion: None, versions });
        Ok(answer)
    }

    /// Runs `act` on the secret that the request names, if the caller may.
    fn on_secret(
        &self,
        world: &World,
        call: &Call,
        request: &Value,
        act: impl FnOnce(&mut Secret) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let id = request["SecretId"].as_str().unwrap_or_default();
        let mut secrets = lock(&self.0);
        let found = secrets.iter_mut().find_map(|((account, region, _), secret)| {
            let here = *account == call.account && *region == call.region;
            (here && secret.is(id)).then_some(secret)
        });
        // Permission comes first, so that nobody learns which secrets exist.
        let resource = match &found {
            Some(secret) => secret.arn.clone(),
            None if id.starts_with("arn:") => id.to_owned(),
            None => arn(call, id),
        };
        allow(world, call, &resource)?;
        act(found.ok_or_else(not_found)?)
    }

    fn delete(&self, world: &World, call: &Call, request: &Value) -> Result<Value, Refusal> {
        let at_once = request["ForceDeleteWithoutRecovery"].as_bool().unwrap_or_default();
        let days = request["RecoveryWindowInDays"].as_i64();
        if at_once && days.is_some() {
            let text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
            return Err(Refusal::new(400, "InvalidParameterException", text));
        }
        let hours = days.filter(|days| (7..=30).contains(days)).unwrap_or(30) * 24;
        let end = if at_once { 0.hours() } else { hours.hours() };
        let deletion = world.clock.now().checked_add(end).unwrap_or(Timestamp::MAX);
        self.on_secret(world, call, request, |secret| {
            secret.in_use()?;
            secret.deletion = Some(deletion);
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": seconds(deletion)}))
        })
    }
}

impl Secret {
    /// Whether `id` is the name, the ARN, or the ARN without its random end.
    fn is(&self, id: &str) -> bool {
        id == self.name
            || id == self.arn
            || self
                .arn
                .strip_prefix(id)
                .is_some_and(|end| id.starts_with("arn:") && end.len() == 7 && end.starts_with('-'))
    }

    fn in_use(&self) -> Result<(), Refusal> {
        if self.deletion.is_none() {
            return Ok(());
        }
        let text = "You can't perform this operation on the secret because it was marked for deletion.";
        Err(Refusal::new(400, "InvalidRequestException", text))
    }

    fn shown(&self, version: &versions::Version) -> Value {
        let mut answer = json!({
            "ARN": self.arn,
            "Name": self.name,
            "VersionId": version.id,
            "VersionStages": version.stages,
            "CreatedDate": seconds(version.created),
        });
        answer[version.member] = Value::from(version.value.as_str());
        answer
    }

    fn described(&self) -> Value {
        let mut answer = json!({
            "ARN": self.arn,
            "Name": self.name,
            "CreatedDate": seconds(self.created),
            "LastChangedDate": seconds(self.versions.changed().unwrap_or(self.created)),
            "VersionIdsToStages": self.versions.staged().collect::<Map<_, _>>(),
        });
        if !self.description.is_empty() {
            answer["Description"] = Value::from(self.description.as_str());
        }
        if let Some(deletion) = self.deletion {
            answer["DeletedDate"] = seconds(deletion);
        }
        answer
    }
}

fn allow(world: &World, call: &Call, resource: &str) -> Result<(), Refusal> {
    let action = format!("secretsmanager:{}", call.operation);
    let subject = (account_of(resource), resource);
    world.iam.authorize(&world.clock, &call.principal, &action, subject, None, &[])
}

fn not_found() -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn arn(call: &Call, name: &str) -> String {
    format!("arn:aws:secretsmanager:{}:{}:secret:{name}", call.region, call.account)
}

fn place(call: &Call, name: &str) -> (String, String, String) {
    (call.account.clone(), call.region.clone(), name.to_owned())
}

/// A time as the JSON protocol writes it.
fn seconds(time: Timestamp) -> Value {
    Value::from(time.as_millisecond() as f64 / 1000.0)
}

#[cfg(test)]
mod tests;
