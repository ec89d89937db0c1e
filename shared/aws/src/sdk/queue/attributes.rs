//! The attributes of a dead letter: why it is there.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::MessageAttributeValue;

/// Attributes of a message.
const ATTRIBUTES_LIMIT: usize = 10;
/// Enough of a reason to understand it.
const VALUE_LIMIT: usize = 256;

/// As many attributes as SQS takes and as fit into `room` bytes, with values cut and cleaned.
pub(super) fn fitting(
    attributes: &BTreeMap<String, String>,
    mut room: usize,
) -> HashMap<String, MessageAttributeValue> {
    const TYPE: &str = "String";
    let mut fitting = HashMap::new();
    for (name, value) in attributes {
        let value: String =
            value.chars().take(VALUE_LIMIT).map(|c| if is_allowed(c) { c } else { '?' }).collect();
        // SQS refuses empty values.
        let value = if value.is_empty() { "-".to_owned() } else { value };
        let size = name.len() + TYPE.len() + value.len();
        let built = MessageAttributeValue::builder().data_type(TYPE).string_value(value).build();
        if let (Ok(built), true) = (built, size <= room && fitting.len() < ATTRIBUTES_LIMIT) {
            room -= size;
            fitting.insert(name.clone(), built);
        }
    }
    fitting
}

/// The characters that SQS takes: those of XML 1.0.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn values_of_attributes_are_cut_and_cleaned() {
        let long = "ä".repeat(1000);
        let fitting = fitting(&map([("a", "x\u{0}y\n"), ("b", long.as_str()), ("c", "")]), 10_000);
        assert_eq!(fitting["a"].string_value.as_deref(), Some("x?y\n"));
        assert_eq!(fitting["b"].string_value.as_ref().map(|v| v.chars().count()), Some(256));
        assert_eq!(fitting["c"].string_value.as_deref(), Some("-"));
    }

    #[test]
    fn attributes_that_do_not_fit_beside_the_body_are_left_out() {
        let attributes = map([("a", "0123456789"), ("b", "1")]);
        assert_eq!(fitting(&attributes, 0).len(), 0);
        assert!(fitting(&attributes, 8).contains_key("b"), "the smaller one fits");
        let many: BTreeMap<_, _> = (0..12).map(|n| (n.to_string(), "v".to_owned())).collect();
        assert_eq!(fitting(&many, 10_000).len(), 10);
    }
}
