//! SNS topics, for e-mail and whatever else subscribes.

use std::collections::BTreeMap;

use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::types::MessageAttributeValue;

use super::{Channels, failure, unset};
use crate::sdk::Answer;
use crate::verdict::{Neighbour, Verdict, classify};

const PUBLISH: &str = "Publish";

impl Channels {
    /// Publishes to a topic; to that of the settings where none is given.
    pub(super) async fn publish(
        &self,
        arn: Option<&str>,
        subject: &str,
        body: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Answer<()> {
        let arn = arn.or(self.topic_arn.as_deref()).ok_or_else(|| unset(PUBLISH, "DRS_FLEET_TOPIC_ARN"))?;
        let mut request = self.topic.publish().topic_arn(arn).subject(subject).message(body);
        // SNS refuses empty values.
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let bad = |e: BuildError| failure(PUBLISH, Verdict::Permanent, e.to_string());
            request = request.message_attributes(name, value.map_err(bad)?);
        }
        request.send().await.map_err(|e| classify(Neighbour::Channel, PUBLISH, &e))?;
        Ok(())
    }
}
