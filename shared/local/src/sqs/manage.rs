//! Operations on queues themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::Sqs;
use super::cell::{Cell, Inside, moment};
use super::queue::Moment;
use super::refuse::{invalid, no_queue, refuse};
use super::settings::Settings;
use crate::World;
use crate::call::{Call, Refusal};
use crate::world::lock;

/// How long the name of a deleted queue cannot be used.
const PAUSE: Duration = Duration::from_mins(1);

/// The queues by ARN.
#[derive(Debug, Default)]
pub struct Registry {
    queues: BTreeMap<String, Arc<Cell>>,
    deleted: HashMap<String, Instant>,
}

impl Registry {
    pub fn get(&self, arn: &str) -> Option<Arc<Cell>> {
        self.queues.get(arn).cloned()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default, rename = "tags")]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    #[serde(default)]
    queue_name_prefix: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Sqs {
    /// Creates a queue as `CreateQueue` does, for the interpreter of templates, and returns its URL.
    ///
    /// # Errors
    /// What `CreateQueue` refuses.
    pub fn create(
        &self,
        world: &World,
        (account, region, name): (&str, &str, &str),
        attributes: &BTreeMap<String, String>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let wanted =
            Create { queue_name: name.to_owned(), attributes: attributes.clone(), tags: tags.clone() };
        self.create_cell((account, region), moment(&world.clock), wanted).map(|cell| cell.url.clone())
    }

    pub(super) fn create_queue(&self, call: &Call, now: Moment, wanted: Create) -> Result<Value, Refusal> {
        let cell = self.create_cell((&call.account, &call.region), now, wanted)?;
        Ok(json!({ "QueueUrl": cell.url }))
    }

    fn create_cell(
        &self,
        (account, region): (&str, &str),
        now: Moment,
        wanted: Create,
    ) -> Result<Arc<Cell>, Refusal> {
        let name = wanted.queue_name;
        check_name(&name)?;
        let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
        let mut settings = Settings::default();
        for (attribute, value) in &wanted.attributes {
            settings.set(attribute, value)?;
        }
        self.check_redrive(&arn, &settings)?;
        let mut registry = lock(&self.registry);
        if let Some(cell) = registry.queues.get(&arn) {
            return existing(cell, &settings);
        }
        if registry.deleted.get(&arn).is_some_and(|at| now.real < *at + PAUSE) {
            let text = "You must wait 60 seconds after deleting a queue before you can create another with the \
                        same name.";
            return Err(refuse("QueueDeletedRecently", text));
        }
        let cell = Arc::new(Cell {
            owner: account.to_owned(),
            url: format!("https://sqs.{region}.amazonaws.com/{account}/{name}"),
            created: now.stamp,
            tags: wanted.tags,
            inside: Mutex::new(Inside { settings, modified: now.stamp, ..Inside::default() }),
            bell: Notify::new(),
            arn: arn.clone(),
        });
        registry.queues.insert(arn, cell.clone());
        Ok(cell)
    }

    pub(super) fn list_queues(&self, call: &Call, wanted: &List) -> Result<Value, Refusal> {
        let from = format!("arn:aws:sqs:{}:{}:{}", call.region, call.account, wanted.queue_name_prefix);
        let max = wanted.max_results.unwrap_or(1_000);
        if !(1..=1_000).contains(&max) {
            return Err(invalid(max, "MaxResults", "Must be between 1 and 1000."));
        }
        let registry = lock(&self.registry);
        let mut found = registry
            .queues
            .range(from.clone()..)
            .take_while(|(arn, _)| arn.starts_with(&from))
            .filter(|(arn, _)| wanted.next_token.as_ref().is_none_or(|token| *arn > token))
            .map(|(_, cell)| cell);
        let page: Vec<_> = found.by_ref().take(max).collect();
        let urls: Vec<_> = page.iter().map(|cell| &cell.url).collect();
        // AWS pages only for callers that name a page size.
        let more = wanted.max_results.is_some() && found.next().is_some();
        let token = page.last().filter(|_| more).map(|cell| &cell.arn);
        Ok(token
            .map_or_else(|| json!({ "QueueUrls": urls }), |t| json!({ "QueueUrls": urls, "NextToken": t })))
    }

    pub(super) fn remove(&self, arn: &str) -> Result<Value, Refusal> {
        let mut registry = lock(&self.registry);
        let cell = registry.queues.remove(arn).ok_or_else(no_queue)?;
        registry.deleted.insert(arn.to_owned(), Instant::now());
        cell.bell.notify_waiters();
        Ok(json!({}))
    }
}

/// Creating a queue that exists is a success if nothing that was named differs.
fn existing(cell: &Arc<Cell>, wanted: &Settings) -> Result<Arc<Cell>, Refusal> {
    let difference = lock(&cell.inside).settings.first_difference(wanted);
    difference.map_or_else(
        || Ok(cell.clone()),
        |name| {
            let text = format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            );
            Err(refuse("QueueNameExists", text))
        },
    )
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=80).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.";
    Err(invalid(name, "QueueName", reason))
}
