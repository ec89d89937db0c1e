//! Tables and secrets.

use serde_json::{Value, json};

use super::StackError;
use super::intrinsics::Made;
use super::properties::Properties;
use super::resources::{Builder, made, member};

/// Those that `CreateTable` takes as they stand.
const TABLE_MEMBERS: [&str; 6] = [
    "TableName",
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "DeletionProtectionEnabled",
];

impl Builder<'_> {
    pub(super) async fn table(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let table = properties.pick(&TABLE_MEMBERS);
        let lifetime = properties.take("TimeToLiveSpecification");
        let recovery = properties.take("PointInTimeRecoverySpecification");
        properties.finish()?;
        let name = table.get("TableName").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.call(&id, ("dynamodb", "CreateTable"), table.into()).await?;
        if let Some(lifetime) = lifetime {
            let request = json!({ "TableName": name, "TimeToLiveSpecification": lifetime });
            self.call(&id, ("dynamodb", "UpdateTimeToLive"), request).await?;
        }
        if let Some(recovery) = recovery {
            let request = json!({ "TableName": name, "PointInTimeRecoverySpecification": recovery });
            self.call(&id, ("dynamodb", "UpdateContinuousBackups"), request).await?;
        }
        let arn = format!("arn:aws:dynamodb:{}:{}:table/{name}", self.region, self.account);
        Ok(made(name, [("Arn", arn)]))
    }

    pub(super) async fn secret(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let secret = properties.pick(&["Name", "Description", "SecretString"]);
        properties.finish()?;
        let answer = self.call(&id, ("secretsmanager", "CreateSecret"), secret.into()).await?;
        let arn = member(&answer, "ARN");
        Ok(made(arn.clone(), [("Id", arn)]))
    }
}
