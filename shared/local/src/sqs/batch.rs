//! What the three batch operations share: the rules for entries, and the answer with its two lists.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::refuse::{query_code, refuse};
use crate::call::Refusal;

/// Entries in one request, and for sending also their bytes in all.
const MAX_ENTRIES: usize = 10;
const MAX_BYTES: usize = 1_048_576;

/// A batch request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Batch<T> {
    #[serde(default = "Vec::new")]
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
struct Entry<T> {
    #[serde(rename = "Id")]
    id: String,
    #[serde(flatten)]
    content: T,
}

impl<T> Batch<T> {
    /// Refuses what makes a batch as a whole unacceptable.
    ///
    /// # Errors
    /// `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`, `BatchEntryIdsNotDistinct`.
    pub fn checked(self) -> Result<Self, Refusal> {
        let count = self.entries.len();
        if count == 0 {
            return Err(refuse("EmptyBatchRequest", "There should be at least one entry in the request."));
        }
        if count > MAX_ENTRIES {
            let text = format!("Maximum number of entries per request are 10. You have sent {count}.");
            return Err(refuse("TooManyEntriesInBatchRequest", text));
        }
        let mut ids = BTreeSet::new();
        for Entry { id, .. } in &self.entries {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !(1..=80).contains(&id.len()) || !id.chars().all(fits) {
                let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be \
                            at most 80 letters long.";
                return Err(refuse("InvalidBatchEntryId", text));
            }
            if !ids.insert(id) {
                return Err(refuse("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
            }
        }
        Ok(self)
    }

    /// Refuses a batch whose entries are too long together.
    ///
    /// # Errors
    /// `BatchRequestTooLong`.
    pub fn limited(self, size: impl Fn(&T) -> usize) -> Result<Self, Refusal> {
        let sent: usize = self.entries.iter().map(|entry| size(&entry.content)).sum();
        if sent > MAX_BYTES {
            let text = format!(
                "Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {sent} bytes."
            );
            return Err(refuse("BatchRequestTooLong", text));
        }
        Ok(self)
    }

    /// Does each entry; one that is refused fails alone.
    pub fn each(self, mut action: impl FnMut(T) -> Result<Value, Refusal>) -> Value {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for Entry { id, content } in self.entries {
            match action(content) {
                Ok(mut value) => {
                    value["Id"] = json!(id);
                    successful.push(value);
                }
                Err(refusal) => failed.push(json!({
                    "Id": id,
                    "SenderFault": refusal.status < 500,
                    "Code": query_code(&refusal.code),
                    "Message": refusal.message,
                })),
            }
        }
        json!({ "Successful": successful, "Failed": failed })
    }
}
