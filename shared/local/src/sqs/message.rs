//! What a message is, and which ones SQS takes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::refuse::{invalid, missing, refuse};
use crate::call::Refusal;

/// Attributes allowed on one message.
const MAX_ATTRIBUTES: usize = 10;

/// One message attribute, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, perhaps with a label after a dot.
    pub data_type: String,
    /// The value of a string or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a binary attribute, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// Message attributes by name.
pub type Attributes = BTreeMap<String, Attribute>;

impl Attribute {
    /// A string attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.into()), binary_value: None }
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(text)) => STANDARD.decode(text).ok(),
            _ => None,
        }
    }

    fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }
}

/// What was sent; never changes afterwards.
#[derive(Clone, Debug)]
pub struct Message {
    /// Given by the queue that took it first; a redrive keeps it.
    pub id: String,
    /// The body.
    pub body: String,
    /// User attributes.
    pub attributes: Attributes,
    /// MD5 of the body, hexadecimal.
    pub body_md5: String,
    /// Who sent it (`SenderId`).
    pub sender: String,
    /// When, milliseconds since 1970 on the cloud's clock.
    pub sent_at: i64,
    /// `MessageGroupId`, which asks a standard queue for fair treatment. Kept, without effect.
    pub group: Option<String>,
    /// The queue that it was dead-lettered from.
    pub redriven_from: Option<String>,
}

/// Checks what `SendMessage` refuses in a body and its attributes; returns the size in bytes.
///
/// # Errors
/// `InvalidMessageContents`, `InvalidParameterValue`, `MissingParameter`.
pub fn check(body: &str, attributes: &Attributes, max_size: usize) -> Result<usize, Refusal> {
    if body.is_empty() {
        return Err(missing("MessageBody"));
    }
    if let Some(bad) = body.chars().find(|c| !is_allowed(*c)) {
        let text = format!(
            "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is #x9 | #xA | \
             #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            u32::from(bad)
        );
        return Err(refuse("InvalidMessageContents", text));
    }
    if attributes.len() > MAX_ATTRIBUTES {
        let text =
            format!("Number of message attributes [{}] exceeds the allowed maximum [10].", attributes.len());
        return Err(refuse("InvalidParameterValue", text));
    }
    for (name, attribute) in attributes {
        check_attribute(name, attribute)?;
    }
    let size = size(body, attributes);
    if size > max_size {
        let text = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {max_size} bytes."
        );
        return Err(refuse("InvalidParameterValue", text));
    }
    Ok(size)
}

/// What counts against the size limits: body, attribute names, types and values.
pub fn size(body: &str, attributes: &Attributes) -> usize {
    let of_attributes = attributes
        .iter()
        .map(|(name, a)| name.len() + a.data_type.len() + a.bytes().map_or(0, |value| value.len()));
    body.len() + of_attributes.sum::<usize>()
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Checks one attribute: name, type and value.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), Refusal> {
    let refused = |why: &str| {
        let text = format!("The message attribute '{name}' is invalid. Reason: {why}");
        Err(refuse("InvalidParameterValue", text))
    };
    let lower = name.to_ascii_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > 256 || !name.chars().all(fits) {
        return refused("names have 1 to 256 letters, digits, underscores, hyphens and periods.");
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return refused("periods stand alone and inside the name.");
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return refused("names that start with 'AWS.' or 'Amazon.' are reserved.");
    }
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    if !matches!(kind, "String" | "Number" | "Binary") || attribute.data_type.len() > 256 {
        return refused("the type must start with String, Number or Binary.");
    }
    let Some(value) = attribute.bytes().filter(|v| !v.is_empty()) else {
        return refused("it must contain exactly one non-empty value.");
    };
    if attribute.is_binary() != attribute.binary_value.is_some() {
        return refused("the value is not of the attribute's type.");
    }
    let text = String::from_utf8_lossy(&value);
    if kind == "Number" && !text.parse::<f64>().is_ok_and(f64::is_finite) {
        return refused("the value is not a number.");
    }
    if kind == "String" && !text.chars().all(is_allowed) {
        return refused("the value has characters that are not allowed.");
    }
    Ok(())
}

/// Seconds of `DelaySeconds`.
///
/// # Errors
/// `InvalidParameterValue` outside 0 to 900.
pub fn check_delay(seconds: i64) -> Result<u64, Refusal> {
    u64::try_from(seconds)
        .ok()
        .filter(|s| *s <= 900)
        .ok_or_else(|| invalid(seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."))
}

/// MD5 in hexadecimal, as clients verify it.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// `MD5OfMessageAttributes`: by name, each part preceded by its length, values by their transport type.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub fn attributes_md5(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        for part in [name.as_bytes(), attribute.data_type.as_bytes()] {
            update_sized(&mut digest, part);
        }
        digest.update([if attribute.is_binary() { 2 } else { 1 }]);
        update_sized(&mut digest, &attribute.bytes().unwrap_or_default());
    }
    Some(hex(&digest.finalize()))
}

fn update_sized(digest: &mut Md5, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(part);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
