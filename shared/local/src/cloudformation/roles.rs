//! Roles and schedules, which have no wire API here.

use super::StackError;
use super::intrinsics::Made;
use super::properties::Properties;
use super::resources::{Builder, made};

const TARGET_MEMBERS: [&str; 6] =
    ["Arn", "RoleArn", "Input", "EventBridgeParameters", "RetryPolicy", "DeadLetterConfig"];

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

    pub(super) fn schedule(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let name = properties.text("Name")?;
        let mut request = properties.pick(&["Description", "ScheduleExpression", "State"]);
        let mut window = properties.nested("FlexibleTimeWindow")?;
        if window.text("Mode")? != "OFF" {
            return Err(window.error("Mode", "must be OFF here"));
        }
        window.finish()?;
        let mut target = properties.nested("Target")?;
        request.insert("Target".to_owned(), target.pick(&TARGET_MEMBERS).into());
        target.finish()?;
        properties.finish()?;
        let arn = format!("arn:aws:scheduler:{}:{}:schedule/default/{name}", self.region, self.account);
        drop(id);
        Ok(made(name, [("Arn", arn)]))
    }
}
