//! The answers of EC2, which are XML.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::Builder;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

/// A page of `DescribeInstances`, reduced to ids and types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) types: Vec<(String, String)>,
    pub(super) next: Option<String>,
}

/// Reads a page: reservations, each with instances.
pub(super) fn described(body: &[u8]) -> Result<Described, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    if !root.start_el().matches("DescribeInstancesResponse") {
        return Err(XmlDecodeError::custom("this is no answer of DescribeInstances"));
    }
    let mut page = Described::default();
    while let Some(mut part) = root.next_tag() {
        match part.start_el().local() {
            "reservationSet" => each(&mut part, &["item", "instancesSet", "item"], &mut |instance| {
                page.types.extend(instance_type(instance)?);
                Ok(())
            })?,
            "nextToken" => page.next = Some(text(&mut part)?).filter(|token| !token.is_empty()),
            _ => {}
        }
    }
    Ok(page)
}

type Found<'a> = dyn FnMut(&mut ScopedDecoder<'_, '_>) -> Result<(), XmlDecodeError> + 'a;

/// Goes through all elements on a path.
fn each(
    element: &mut ScopedDecoder<'_, '_>,
    path: &[&str],
    found: &mut Found<'_>,
) -> Result<(), XmlDecodeError> {
    let [name, rest @ ..] = path else { return found(element) };
    while let Some(mut part) = element.next_tag() {
        if part.start_el().matches(name) {
            each(&mut part, rest, found)?;
        }
    }
    Ok(())
}

fn instance_type(instance: &mut ScopedDecoder<'_, '_>) -> Result<Option<(String, String)>, XmlDecodeError> {
    let (mut id, mut name) = (None, None);
    while let Some(mut part) = instance.next_tag() {
        match part.start_el().local() {
            "instanceId" => id = Some(text(&mut part)?),
            "instanceType" => name = Some(text(&mut part)?),
            _ => {}
        }
    }
    Ok(id.zip(name))
}

/// Reads a refusal. One that cannot be read has neither code nor message, and is judged by its status.
pub(super) fn refusal(body: &[u8]) -> ErrorMetadata {
    // What was read before it broke off is good enough.
    let mut words = BTreeMap::new();
    let _ = read_refusal(body, &mut words);
    let refusal = ErrorMetadata::builder();
    let refusal = words.remove("Code").into_iter().fold(refusal, Builder::code);
    words.remove("Message").into_iter().fold(refusal, Builder::message).build()
}

fn read_refusal(body: &[u8], words: &mut BTreeMap<String, String>) -> Result<(), XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    each(&mut document.root_element()?, &["Errors", "Error"], &mut |error| {
        while let Some(mut part) = error.next_tag() {
            words.insert(part.start_el().local().to_owned(), text(&mut part)?);
        }
        Ok(())
    })
}

fn text(element: &mut ScopedDecoder<'_, '_>) -> Result<String, XmlDecodeError> {
    try_data(element).map(Cow::into_owned)
}
