//! Stacks: creates what a CloudFormation template describes, so that what is shipped is what is run.
//!
//! It knows the resource types, properties and intrinsic functions that `infra/*.yaml` use. Anything else is
//! an error that names the logical id and the property. Creation is by API calls, as an administrator of
//! the account, wherever the service has a wire API here; roles and schedules are made directly. Not here:
//! updates, roll-back, deletion. What was made before an error stays.

mod api;
mod data;
mod events;
mod intrinsics;
mod messaging;
mod order;
mod parameters;
mod properties;
mod resources;
mod roles;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::World;
use crate::call::Refusal;
use crate::world::lock;

use intrinsics::Scope;
use resources::Builder;
use template::Template;

/// The outputs of a stack by name.
pub type Outputs = BTreeMap<String, String>;

/// Why a stack was not created.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// There is one already.
    #[error("stack {0} already exists")]
    Exists(String),
    /// The template as a whole does not make sense here.
    #[error("template: {0}")]
    Template(String),
    /// A parameter is missing, unknown or not as the template wants it. The value is never shown.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Of the parameter.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A resource uses something that is not known here, or refers to nothing.
    #[error("resource {id}: {reason}")]
    Resource {
        /// Logical id.
        id: String,
        /// What is wrong, with the property.
        reason: String,
    },
    /// A service refused to create a resource.
    #[error("resource {id}: {code}: {message}")]
    Refused {
        /// Logical id.
        id: String,
        /// Error code of the service.
        code: String,
        /// Its message.
        message: String,
    },
}

impl StackError {
    fn resource(id: &str, reason: impl Into<String>) -> Self {
        Self::Resource { id: id.to_owned(), reason: reason.into() }
    }

    fn refused(id: &str, refusal: Refusal) -> Self {
        Self::Refused { id: id.to_owned(), code: refusal.code, message: refusal.message }
    }
}

/// What was created from templates.
#[derive(Debug, Default)]
pub struct Stacks(Mutex<BTreeMap<StackId, Outputs>>);

/// Account, Region and name.
type StackId = (String, String, String);

impl Stacks {
    /// Creates everything that a template describes, in the order of its references. The calls pass the fault
    /// plan and are not tried again: create stacks first, and set the plan's rules afterwards.
    ///
    /// # Errors
    /// [`StackError`]; what was created before the error stays.
    pub async fn create(
        &self,
        world: &Arc<World>,
        (account, region): (&str, &str),
        name: &str,
        template_yaml: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Outputs, StackError> {
        let stack_id = (account.to_owned(), region.to_owned(), name.to_owned());
        if lock(&self.0).contains_key(&stack_id) {
            return Err(StackError::Exists(name.to_owned()));
        }
        let template = Template::parse(template_yaml)?;
        let parameters = parameters::resolve(&template.parameters, parameters)?;
        let mut scope = Scope::new((account, region), name, parameters);
        scope.decide(&template.conditions)?;
        let builder = Builder { world, account, region };
        for (id, resource) in order::creation(&template, &scope)? {
            let made = builder.create(id, resource, &scope).await?;
            scope.made.insert(id.to_owned(), made);
        }
        let outputs = outputs(&template, &scope)?;
        lock(&self.0).insert(stack_id, outputs.clone());
        Ok(outputs)
    }

    /// The outputs of a stack that was created.
    pub fn outputs(&self, (account, region): (&str, &str), name: &str) -> Option<Outputs> {
        lock(&self.0).get(&(account.to_owned(), region.to_owned(), name.to_owned())).cloned()
    }
}

fn outputs(template: &Template, scope: &Scope) -> Result<Outputs, StackError> {
    let mut outputs = Outputs::new();
    for (name, output) in &template.outputs {
        if scope.includes(output["Condition"].as_str())? {
            let text = scope.text(&output["Value"]);
            let text = text.map_err(|reason| StackError::Template(format!("output {name}: {reason}")))?;
            outputs.insert(name.clone(), text);
        }
    }
    Ok(outputs)
}
