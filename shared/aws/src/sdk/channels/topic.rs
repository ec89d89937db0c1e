//! SNS topics, for e-mail and whatever else subscribes.

use std::collections::BTreeSet;

use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::types::MessageAttributeValue;
use drs_fleet_domain::message::Attributes;
use serde_json::json;

use super::{Channels, failure, unset};
use crate::sdk::Answer;
use crate::verdict::{IoError, Neighbour, Verdict, classify};

const PUBLISH: &str = "Publish";

/// What SNS says where the message is at fault, and not the topic.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors>
const OF_THE_MESSAGE: [&str; 3] = ["InvalidParameter", "ParameterValueInvalid", "ValidationException"];

impl Channels {
    /// Publishes to a topic; to that of the settings where none is given.
    pub(super) async fn publish(
        &self,
        arn: Option<&str>,
        subject: &str,
        body: &str,
        attributes: &Attributes,
    ) -> Answer<()> {
        let arn = arn.or(self.topic_arn.as_deref()).ok_or_else(|| unset(PUBLISH, "DRS_FLEET_TOPIC_ARN"))?;
        let mut request = self.topic.publish().topic_arn(arn).subject(subject).message(body);
        for (name, values) in attributes {
            if let Some(value) = attribute(values)? {
                request = request.message_attributes(name, value);
            }
        }
        request.send().await.map_err(|e| of_the_topic(classify(Neighbour::Channel, PUBLISH, &e)))?;
        Ok(())
    }
}

/// A topic that is not there, or whose key is disabled, is mended by a person, as a lost permission is: the message may go
/// through then.
fn of_the_topic(error: IoError) -> IoError {
    let is_of_message = OF_THE_MESSAGE.iter().any(|code| error.message.starts_with(code));
    match error.verdict {
        Verdict::Permanent if !is_of_message => IoError { verdict: Verdict::Denied, ..error },
        _ => error,
    }
}

/// One value as a `String`, several as a `String.Array`, of which a filter policy has to name one. SNS refuses an empty value;
/// there is nothing to filter by in it.
fn attribute(values: &BTreeSet<String>) -> Answer<Option<MessageAttributeValue>> {
    let values: Vec<&String> = values.iter().filter(|value| !value.is_empty()).collect();
    let (kind, value) = match values.as_slice() {
        [] => return Ok(None),
        [value] => ("String", (*value).clone()),
        several => ("String.Array", json!(several).to_string()),
    };
    let value = MessageAttributeValue::builder().data_type(kind).string_value(value).build();
    value.map(Some).map_err(|e: BuildError| failure(PUBLISH, Verdict::Permanent, e.to_string()))
}
