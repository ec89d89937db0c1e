//! Lists and maps of the query protocol: `Name.member.1.…` and `Name.entry.1.…`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::call::Refusal;
use crate::sqs::message::{Attribute, Attributes, check_attribute};

/// Entries of a list that are looked at; no request of this API has more.
const MAX_LISTED: usize = 1_000;

/// Parameters by name.
pub type Form = BTreeMap<String, String>;

/// The parameters below each of `prefix.1`, `prefix.2`, …, without that prefix.
pub fn items(form: &Form, prefix: &str) -> Vec<Form> {
    let item = |number: usize| -> Form {
        let start = format!("{prefix}.{number}.");
        let below = form.range(start.clone()..).take_while(|(name, _)| name.starts_with(&start));
        below.map(|(name, value)| (name[start.len()..].to_owned(), value.clone())).collect()
    };
    (1..=MAX_LISTED).map(item).take_while(|item| !item.is_empty()).collect()
}

/// A map of strings: `prefix.N.key` and `prefix.N.value`.
pub fn map(form: &Form, prefix: &str) -> BTreeMap<String, String> {
    let pair = |item: Form| Some((item.get("key")?.clone(), item.get("value")?.clone()));
    items(form, prefix).into_iter().filter_map(pair).collect()
}

/// A required parameter.
///
/// # Errors
/// `InvalidParameter`.
pub fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, Refusal> {
    form.get(name).map(String::as_str).filter(|v| !v.is_empty()).ok_or_else(|| invalid(name))
}

/// `InvalidParameter` in the words of SNS.
pub fn invalid(what: &str) -> Refusal {
    Refusal::new(400, "InvalidParameter", format!("Invalid parameter: {what}"))
}

/// The message attributes of a publish.
///
/// # Errors
/// `ParameterValueInvalid`.
pub fn attributes(form: &Form) -> Result<Attributes, Refusal> {
    let mut attributes = Attributes::new();
    for item in items(form, "MessageAttributes.entry") {
        let text = |name: &str| item.get(name).cloned();
        let name = text("Name").unwrap_or_default();
        let attribute = Attribute {
            data_type: text("Value.DataType").unwrap_or_default(),
            string_value: text("Value.StringValue"),
            binary_value: text("Value.BinaryValue").filter(|v| STANDARD.decode(v).is_ok()),
        };
        check_attribute(&name, &attribute)
            .map_err(|refusal| Refusal::new(400, "ParameterValueInvalid", refusal.message))?;
        attributes.insert(name, attribute);
    }
    Ok(attributes)
}
