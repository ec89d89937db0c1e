//! Who somebody is to AWS.

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// Whose name is only noted need not wait long for it.
const LIMIT: Duration = Duration::from_secs(5);

/// Whoever the credentials of this process are of.
#[derive(Clone, Debug)]
pub struct Caller(aws_sdk_sts::Client);

impl Caller {
    /// Makes a client, and no call.
    pub fn new(config: &SdkConfig) -> Self {
        let limit = TimeoutConfig::builder().operation_timeout(LIMIT).build();
        Self(aws_sdk_sts::Client::new(&config.to_builder().timeout_config(limit).build()))
    }

    /// The ARN by `GetCallerIdentity`, which needs no right; `None` when AWS does not tell.
    pub async fn arn(&self) -> Option<String> {
        self.0.get_caller_identity().send().await.ok()?.arn
    }
}
