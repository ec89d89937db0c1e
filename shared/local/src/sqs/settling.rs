//! Deleting messages and changing their visibility.

use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::Batch;
use super::cell::Cell;
use super::handle::Handle;
use super::queue::Moment;
use super::refuse::missing;
use super::seconds;
use crate::call::Refusal;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Settle {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl Settle {
    fn handle(&self) -> Result<Handle, Refusal> {
        Handle::decode(self.receipt_handle.as_deref().ok_or_else(|| missing("ReceiptHandle"))?)
    }
}

impl Cell {
    pub(super) fn delete_message(&self, now: Moment, settle: &Settle) -> Result<Value, Refusal> {
        let handle = settle.handle()?;
        self.step(now, |inside| inside.queue.delete(handle));
        Ok(json!({}))
    }

    pub(super) fn delete_batch(&self, now: Moment, batch: Batch<Settle>) -> Result<Value, Refusal> {
        Ok(batch.checked()?.each(|settle| self.delete_message(now, &settle)))
    }

    pub(super) fn change_visibility(&self, now: Moment, settle: &Settle) -> Result<Value, Refusal> {
        let time = settle.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
        let time = seconds(time, "VisibilityTimeout", 43_200)?;
        let handle = settle.handle()?;
        self.step(now, |inside| inside.queue.change_visibility(handle, time, now))?;
        Ok(json!({}))
    }

    pub(super) fn change_visibility_batch(
        &self,
        now: Moment,
        batch: Batch<Settle>,
    ) -> Result<Value, Refusal> {
        Ok(batch.checked()?.each(|settle| self.change_visibility(now, &settle)))
    }
}
