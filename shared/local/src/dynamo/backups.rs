//! Point-in-time recovery: a switch that is kept and shown. Nothing is backed up.

use std::collections::HashMap;
use std::sync::Mutex;

use dynoxide::Database;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::engine;
use crate::call::{Call, Refusal, Reply};
use crate::world::lock;

/// Since when each table (account, Region, name) can be recovered.
#[derive(Debug, Default)]
pub(super) struct Backups(Mutex<HashMap<(String, String, String), Timestamp>>);

impl Backups {
    pub fn update(&self, database: &Database, call: &Call, now: Timestamp) -> Result<Reply, Refusal> {
        let request = call.json()?;
        let enabled = request["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
            .as_bool()
            .ok_or_else(|| {
                let text = "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled must be given";
                Refusal::new(400, "ValidationException", text)
            })?;
        let table = table(database, call, &request)?;
        if enabled {
            lock(&self.0).entry(table).or_insert(now);
        } else {
            lock(&self.0).remove(&table);
        }
        self.describe(database, call, now)
    }

    pub fn describe(&self, database: &Database, call: &Call, now: Timestamp) -> Result<Reply, Refusal> {
        let table = table(database, call, &call.json()?)?;
        let since = lock(&self.0).get(&table).copied();
        let recovery = match since {
            None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
            Some(since) => json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": 35,
                "EarliestRestorableDateTime": since.as_second(),
                "LatestRestorableDateTime": now.saturating_sub(5.minutes()).unwrap_or(now).max(since).as_second(),
            }),
        };
        Ok(Reply::json(&json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }})))
    }
}

/// The key of the table that a request names, which must exist.
fn table(database: &Database, call: &Call, request: &Value) -> Result<(String, String, String), Refusal> {
    let name = request["TableName"].as_str().unwrap_or_default();
    match database.get_table_metadata(name) {
        Ok(Some(_)) => Ok((call.account.clone(), call.region.clone(), name.to_owned())),
        Ok(None) => Err(Refusal::new(400, "TableNotFoundException", format!("Table not found: {name}"))),
        Err(error) => Err(engine::refusal(&call.operation, &error)),
    }
}
