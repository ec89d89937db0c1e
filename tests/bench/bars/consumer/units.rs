//! What `DynamoDB` bills a call with, by the size of the items in it.

use serde_json::Value;

const WRITE_UNIT: usize = 1024;
const READ_UNIT: usize = 4096;

/// A whole item that is put, or an update as if it had set all that the item holds: what it does not name is not
/// there, for these workers write whole rows. What moves in the index of due items is a write of its own.
pub fn of_write(request: &Value) -> f64 {
    let (size, is_due) = if request["Item"].is_object() {
        (map(&request["Item"]), request["Item"]["due_at"].is_object())
    } else {
        let names = request["ExpressionAttributeNames"].as_object().into_iter().flatten();
        let names: usize = names.filter_map(|(_, name)| name.as_str()).map(str::len).sum();
        let values = request["ExpressionAttributeValues"].as_object().into_iter().flatten();
        let values: usize = values.map(|(_, value)| attribute(value)).sum();
        (map(&request["Key"]) + names + values, sets_due(request))
    };
    (to_write(size) + usize::from(is_due)) as f64
}

/// What a write of an item of so many bytes takes.
pub fn to_write(size: usize) -> usize {
    size.div_ceil(WRITE_UNIT).max(1)
}

/// What is not due names the attribute too, to remove it.
fn sets_due(request: &Value) -> bool {
    let names = request["ExpressionAttributeNames"].as_object();
    let alias = names.and_then(|names| names.iter().find(|(_, name)| *name == "due_at"));
    let text = request["UpdateExpression"].as_str().unwrap_or_default();
    alias.is_some_and(|(alias, _)| text.contains(&format!("{alias} = ")))
}

/// Half a unit for each item, found or not; where they are read strongly consistent, a whole one.
pub fn of_batch_get(request: &Value, answer: &Value) -> f64 {
    let tables = || request["RequestItems"].as_object().into_iter().flatten().map(|(_, wanted)| wanted);
    let asked: usize = tables().map(|wanted| wanted["Keys"].as_array().map_or(0, Vec::len)).sum();
    let found = answer["Responses"].as_object().into_iter().flatten();
    let further = |item| map(item).div_ceil(READ_UNIT).max(1) - 1;
    let further: usize =
        found.flat_map(|(_, items)| items.as_array().into_iter().flatten()).map(further).sum();
    (asked + further) as f64 * share(tables().any(|wanted| wanted["ConsistentRead"] == true))
}

/// Half a unit for all items together; where it is strongly consistent, a whole one.
pub fn of_query(request: &Value, answer: &Value) -> f64 {
    let size: usize = answer["Items"].as_array().into_iter().flatten().map(map).sum();
    size.div_ceil(READ_UNIT).max(1) as f64 * share(request["ConsistentRead"] == true)
}

fn share(is_consistent: bool) -> f64 {
    if is_consistent { 1.0 } else { 0.5 }
}

/// Bytes of an item in the words of `DynamoDB`.
pub fn map(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + attribute(value)).sum()
}

/// Of a value in the words of `DynamoDB`.
fn attribute(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|one| one.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        // Three bytes for the collection and one for each element.
        ("L", Value::Array(values)) => 3 + values.iter().map(|value| 1 + attribute(value)).sum::<usize>(),
        ("M", Value::Object(values)) => {
            3 + values.iter().map(|(name, value)| 1 + name.len() + attribute(value)).sum::<usize>()
        }
        _ => 1,
    }
}
