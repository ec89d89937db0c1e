//! Event buses, their policies, and rules.

use serde_json::{Map, Value, json};

use super::StackError;
use super::intrinsics::Made;
use super::properties::{Properties, plain};
use super::resources::{Builder, made, member};

const TARGET_MEMBERS: [&str; 7] =
    ["Id", "Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy", "Input", "InputPath"];

impl Builder<'_> {
    pub(super) async fn event_bus(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("Name")?;
        properties.finish()?;
        let answer = self.call(&id, ("events", "CreateEventBus"), json!({ "Name": name })).await?;
        Ok(made(name.clone(), [("Arn", member(&answer, "EventBusArn")), ("Name", name)]))
    }

    /// Adds a statement to what the bus's policy has already.
    pub(super) async fn event_bus_policy(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let bus = properties.text("EventBusName")?;
        let statement_id = properties.text("StatementId")?;
        let mut statement = properties.need("Statement")?;
        properties.finish()?;
        let Some(members) = statement.as_object_mut() else {
            return Err(StackError::resource(&id, "the property Statement must be a mapping"));
        };
        members.insert("Sid".to_owned(), statement_id.clone().into());
        let described = self.call(&id, ("events", "DescribeEventBus"), json!({ "Name": bus })).await?;
        let policy: Value = serde_json::from_str(&member(&described, "Policy")).unwrap_or_default();
        let mut statements = policy["Statement"].as_array().cloned().unwrap_or_default();
        statements.push(statement);
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let request = json!({ "EventBusName": bus, "Policy": policy });
        self.call(&id, ("events", "PutPermission"), request).await?;
        Ok(made(statement_id, []))
    }

    pub(super) async fn rule(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("Name")?;
        let pattern = plain(properties.need("EventPattern")?);
        let targets = targets(&mut properties)?;
        let mut rule = properties.pick(&["Description", "EventBusName", "State"]);
        properties.finish()?;
        let bus = rule.get("EventBusName").cloned();
        rule.insert("Name".to_owned(), name.clone().into());
        rule.insert("EventPattern".to_owned(), pattern.into());
        let answer = self.call(&id, ("events", "PutRule"), rule.into()).await?;
        let mut request = json!({ "Rule": name, "Targets": targets });
        if let Some(bus) = bus {
            request["EventBusName"] = bus;
        }
        self.call(&id, ("events", "PutTargets"), request).await?;
        Ok(made(name, [("Arn", member(&answer, "RuleArn"))]))
    }
}

fn targets(properties: &mut Properties) -> Result<Vec<Map<String, Value>>, StackError> {
    let mut targets = Vec::new();
    for target in properties.list("Targets")? {
        let mut target = Properties::new(properties.id(), "AWS::Events::Rule property Targets", target)?;
        targets.push(target.pick(&TARGET_MEMBERS));
        target.finish()?;
    }
    Ok(targets)
}
