//! Reads of single items, gathered into one `BatchGetItem`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use drs_fleet_domain::keys::Key;

use super::{Answer, Item, expression, key_of};
use crate::verdict::{IoError, Neighbour, Verdict, classify};

const OPERATION: &str = "BatchGetItem";
/// How often keys that the table did not get round to are asked for again, the wait doubling from
/// [`FIRST_WAIT`]. Longer waits are the lanes' business.
const ROUNDS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(25);

/// Asks for at most a hundred keys; each may be asked for more than once. What is `seen_at_once` shows every write before it.
pub(super) async fn batch(
    client: Client,
    table: Arc<str>,
    seen_at_once: bool,
    keys: Vec<Key>,
) -> Vec<Answer<Option<Arc<Item>>>> {
    let mut found: HashMap<Key, Answer<Option<Arc<Item>>>> = HashMap::new();
    let mut left: Vec<Key> = keys.clone();
    left.sort();
    left.dedup();
    for round in 0..ROUNDS {
        if round > 0 {
            tokio::time::sleep(FIRST_WAIT * 2_u32.pow(round - 1)).await;
        }
        match get(&client, &table, seen_at_once, &left).await {
            Ok((items, unprocessed)) => {
                let missing = left.iter().filter(|key| !unprocessed.contains(key));
                found.extend(missing.map(|key| (key.clone(), Ok(None))));
                found.extend(items.into_iter().map(|(key, item)| (key, Ok(Some(Arc::new(item))))));
                left = unprocessed;
            }
            Err(error) => found.extend(left.drain(..).map(|key| (key, Err(error.clone())))),
        }
        if left.is_empty() {
            break;
        }
    }
    let slow = || IoError::new(Neighbour::Table, OPERATION, Verdict::Throttled, "keys stay unprocessed");
    keys.iter().map(|key| found.get(key).cloned().unwrap_or_else(|| Err(slow()))).collect()
}

/// The items that are there, and the keys that the table did not get round to.
async fn get(
    client: &Client,
    table: &str,
    seen_at_once: bool,
    keys: &[Key],
) -> Answer<(HashMap<Key, Item>, Vec<Key>)> {
    let wanted = KeysAndAttributes::builder()
        .consistent_read(seen_at_once)
        .set_keys(Some(keys.iter().map(expression::key).collect()));
    let wanted = wanted
        .build()
        .map_err(|e| IoError::new(Neighbour::Table, OPERATION, Verdict::Permanent, e.to_string()))?;
    let answer = client
        .batch_get_item()
        .request_items(table, wanted)
        .send()
        .await
        .map_err(|e| classify(Neighbour::Table, OPERATION, &e))?;
    // A table named by its ARN is answered by that name; there is only one either way.
    let items = answer.responses.into_iter().flatten().flat_map(|(_, items)| items);
    let items = items.filter_map(|item| Some((key_of(&item)?, item))).collect();
    let unprocessed = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys);
    Ok((items, unprocessed.filter_map(|key| key_of(&key)).collect()))
}
