//! The versions of one secret, and the stages that move between them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::Refusal;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// One value that a secret has or had.
pub(super) struct Version {
    pub id: String,
    /// `SecretString`, or `SecretBinary` for a value in Base64.
    pub member: &'static str,
    pub value: String,
    pub stages: Vec<String>,
    pub created: Timestamp,
}

/// All versions of a secret, the oldest first. A version without a stage is forgotten.
#[derive(Default)]
pub(super) struct Versions(Vec<Version>);

impl Versions {
    /// Whether a request brings a value.
    pub fn has_value(request: &Value) -> bool {
        value(request).is_some()
    }

    /// Adds the request's value and moves the stages to it; returns the version's id and stages. The same
    /// token with the same value again changes nothing.
    pub fn put(&mut self, request: &Value, now: Timestamp) -> Result<(String, Vec<String>), Refusal> {
        let (member, value) = value(request).ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidRequestException",
                "You must provide either SecretString or SecretBinary.",
            )
        })?;
        let token = request["ClientRequestToken"].as_str();
        let id = token.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        if let Some(known) = self.0.iter().find(|version| version.id == id) {
            if known.value == value {
                return Ok((id, known.stages.clone()));
            }
            let text = "You can't use ClientRequestToken because that value is already in use for a version.";
            return Err(Refusal::new(400, "ResourceExistsException", format!("{text} {id}")));
        }
        let stages = match request["VersionStages"].as_array() {
            Some(given) => given.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => vec![CURRENT.to_owned()],
        };
        self.make_room(&stages);
        let value = value.to_owned();
        self.0.push(Version { id: id.clone(), member, value, stages: stages.clone(), created: now });
        self.0.retain(|version| !version.stages.is_empty());
        Ok((id, stages))
    }

    /// Takes `stages` from the versions that have them; what was current becomes the previous one.
    fn make_room(&mut self, stages: &[String]) {
        let current_moves = stages.iter().any(|stage| stage == CURRENT);
        for version in &mut self.0 {
            let was_current = version.stages.iter().any(|stage| stage == CURRENT);
            version.stages.retain(|stage| !(stages.contains(stage) || current_moves && stage == PREVIOUS));
            if was_current && current_moves {
                version.stages.push(PREVIOUS.to_owned());
            }
        }
    }

    /// The version that a request names by id or stage, else the current one.
    pub fn find(&self, request: &Value) -> Result<&Version, Refusal> {
        let id = request["VersionId"].as_str();
        let stage = request["VersionStage"].as_str().or(id.is_none().then_some(CURRENT));
        let wanted = |version: &&Version| {
            id.is_none_or(|id| version.id == id)
                && stage.is_none_or(|stage| version.stages.iter().any(|have| have == stage))
        };
        self.0.iter().find(wanted).ok_or_else(|| {
            let which = match (id, stage) {
                (Some(id), _) => format!("VersionId: {id}"),
                (None, stage) => format!("staging label: {}", stage.unwrap_or_default()),
            };
            let text = format!("Secrets Manager can't find the specified secret value for {which}");
            Refusal::new(400, "ResourceNotFoundException", text)
        })
    }

    /// When the newest version came.
    pub fn changed(&self) -> Option<Timestamp> {
        self.0.last().map(|version| version.created)
    }

    /// The stages of each version by its id.
    pub fn staged(&self) -> impl Iterator<Item = (String, Value)> {
        self.0.iter().map(|version| (version.id.clone(), json!(version.stages)))
    }
}

fn value(request: &Value) -> Option<(&'static str, &str)> {
    ["SecretString", "SecretBinary"].into_iter().find_map(|member| Some((member, request[member].as_str()?)))
}
