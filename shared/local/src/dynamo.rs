//! Tables, by the embedded dynoxide: one database in memory for each account and Region.
//!
//! Its calls block, for microseconds and on no file, so they are made directly and not on a thread of
//! their own.

mod access;
mod backups;
mod engine;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use dynoxide::Database;

use crate::call::{Call, Refusal, Reply};
use crate::world::lock;
use crate::{Clock, World};
use backups::Backups;

/// Tables.
#[derive(Default)]
pub struct Dynamo {
    databases: Mutex<HashMap<(String, String), Database>>,
    backups: Backups,
}

impl fmt::Debug for Dynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamo").field("databases", &lock(&self.databases).len()).finish_non_exhaustive()
    }
}

impl Dynamo {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    #[expect(clippy::unused_async, reason = "one shape for all services that may have to wait")]
    pub async fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let body = std::str::from_utf8(&call.body)
            .map_err(|_| Refusal::new(400, "SerializationException", "body is not UTF-8"))?;
        access::check(world, call, body)?;
        let database = self.database(world, &call.account, &call.region)?;
        match call.operation.as_str() {
            "UpdateContinuousBackups" => self.backups.update(&database, call, world.clock.now()),
            "DescribeContinuousBackups" => self.backups.describe(&database, call, world.clock.now()),
            operation => {
                let answer = engine::perform(&database, operation, body)?;
                Ok(Reply { status: 200, body: at_home(answer, call).into_bytes() })
            }
        }
    }

    /// Deletes the items whose time to live is over on the cloud's clock, and says how many there were.
    pub fn expire_items(&self) -> usize {
        let databases: Vec<Database> = lock(&self.databases).values().cloned().collect();
        let sweep = |database: &Database| {
            database.sweep_ttl().unwrap_or_else(|error| {
                tracing::warn!(%error, "sweep of expired items failed");
                0
            })
        };
        databases.iter().map(sweep).sum()
    }

    fn database(&self, world: &World, account: &str, region: &str) -> Result<Database, Refusal> {
        let mut databases = lock(&self.databases);
        let place = (account.to_owned(), region.to_owned());
        if let Some(database) = databases.get(&place) {
            return Ok(database.clone());
        }
        let clock = Arc::new(EngineClock(world.clock.clone()));
        let database = Database::memory_with_clock(clock).map_err(|e| engine::refusal("", &e))?;
        databases.insert(place, database.clone());
        Ok(database)
    }
}

/// The engine has one account and Region of its own, which shows in the ARNs that describe tables.
fn at_home(answer: String, call: &Call) -> String {
    const FOREIGN: &str = "\"arn:aws:dynamodb:dynoxide:000000000000:";
    if !call.operation.ends_with("Table") {
        return answer;
    }
    answer.replace(FOREIGN, &format!("\"arn:aws:dynamodb:{}:{}:", call.region, call.account))
}

struct EngineClock(Clock);

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().as_second()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_millisecond() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests;
