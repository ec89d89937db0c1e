//! Roles and schedules, which have no wire API here.

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

    pub(super) fn schedule(&self, properties: Properties) -> Result<Made, StackError> {
        Err(StackError::resource(properties.id(), format!("schedules are not yet made in {}", self.region)))
    }
}
