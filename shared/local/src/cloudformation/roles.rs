//! Roles and schedules, which have no wire API here.

use crate::scheduler::{EventParameters, Schedule, Target};

use super::StackError;
use super::intrinsics::Made;
use super::properties::Properties;
use super::resources::{Builder, made};

impl Builder<'_> {
    pub(super) fn role(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("RoleName")?;
        let trust = properties.need("AssumeRolePolicyDocument")?;
        properties.optional_text("Description")?;
        let mut documents = Vec::new();
        for policy in properties.list("Policies")? {
            let mut policy = Properties::new(&id, "AWS::IAM::Role property Policies", policy)?;
            policy.text("PolicyName")?;
            documents.push(policy.need("PolicyDocument")?);
            policy.finish()?;
        }
        properties.finish()?;
        let arn = format!("arn:aws:iam::{}:role/{name}", self.account);
        let put = self.world.iam.put_role(&arn, &trust, &documents);
        put.map_err(|refusal| StackError::refused(&id, refusal))?;
        Ok(made(name, [("Arn", arn)]))
    }

    /// Retry policies are read and not kept: a schedule here does not try again.
    pub(super) fn schedule(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("Name")?;
        properties.optional_text("Description")?;
        let expression = properties.text("ScheduleExpression")?;
        let mut window = properties.nested("FlexibleTimeWindow")?;
        if window.text("Mode")? != "OFF" {
            return Err(window.error("Mode", "must be OFF here"));
        }
        window.finish()?;
        let target = target(properties.nested("Target")?)?;
        properties.finish()?;
        let schedule = Schedule { name: name.clone(), expression, target };
        let arn = self.world.scheduler.create(self.world, self.account, self.region, schedule);
        let arn = arn.map_err(|refusal| StackError::refused(&id, refusal))?;
        Ok(made(name, [("Arn", arn)]))
    }
}

fn target(mut properties: Properties) -> Result<Target, StackError> {
    let arn = properties.text("Arn")?;
    let role_arn = properties.text("RoleArn")?;
    let input = properties.text("Input")?;
    properties.take("RetryPolicy");
    let event = event_parameters(properties.optional_nested("EventBridgeParameters")?)?;
    let dead_letter_arn = dead_letters(properties.optional_nested("DeadLetterConfig")?)?;
    properties.finish()?;
    Ok(Target { arn, role_arn, input, event, dead_letter_arn })
}

fn event_parameters(properties: Option<Properties>) -> Result<Option<EventParameters>, StackError> {
    let Some(mut properties) = properties else { return Ok(None) };
    let (detail_type, source) = (properties.text("DetailType")?, properties.text("Source")?);
    properties.finish()?;
    Ok(Some(EventParameters { detail_type, source }))
}

fn dead_letters(properties: Option<Properties>) -> Result<Option<String>, StackError> {
    let Some(mut properties) = properties else { return Ok(None) };
    let arn = properties.text("Arn")?;
    properties.finish()?;
    Ok(Some(arn))
}
