//! From YAML with short tags to plain JSON with the long forms of intrinsic functions.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use super::StackError;

/// The sections of a template.
#[derive(Debug, Default)]
pub struct Template {
    pub parameters: Map<String, Value>,
    pub conditions: Map<String, Value>,
    pub resources: Map<String, Value>,
    pub outputs: Map<String, Value>,
}

impl Template {
    /// Reads a template; sections that are not known here are errors.
    pub fn parse(yaml: &str) -> Result<Self, StackError> {
        let yaml: Yaml = serde_yaml_ng::from_str(yaml).map_err(|e| StackError::Template(e.to_string()))?;
        let Value::Object(sections) = to_json(yaml).map_err(StackError::Template)? else {
            return Err(StackError::Template("it is not a mapping".to_owned()));
        };
        let mut template = Self::default();
        for (name, section) in sections {
            let place = match name.as_str() {
                "AWSTemplateFormatVersion" | "Description" => continue,
                "Parameters" => &mut template.parameters,
                "Conditions" => &mut template.conditions,
                "Resources" => &mut template.resources,
                "Outputs" => &mut template.outputs,
                _ => return Err(StackError::Template(format!("section {name} is not known here"))),
            };
            let Value::Object(members) = section else {
                return Err(StackError::Template(format!("section {name} is not a mapping")));
            };
            *place = members;
        }
        Ok(template)
    }
}

fn to_json(yaml: Yaml) -> Result<Value, String> {
    match yaml {
        Yaml::Sequence(list) => list.into_iter().map(to_json).collect::<Result<_, _>>().map(Value::Array),
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                object.insert(key_text(&key)?, to_json(value)?);
            }
            Ok(Value::Object(object))
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            long_form(name.trim_start_matches('!'), &to_json(tagged.value)?)
        }
        scalar => serde_json::to_value(scalar).map_err(|e| e.to_string()),
    }
}

fn key_text(key: &Yaml) -> Result<String, String> {
    match key {
        Yaml::String(text) => Ok(text.clone()),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("{other:?} is not a key")),
    }
}

fn long_form(tag: &str, value: &Value) -> Result<Value, String> {
    match tag {
        "Ref" | "Condition" => Ok(json!({ tag: value })),
        "GetAtt" => {
            let parts = value.as_str().and_then(|text| text.split_once('.'));
            let value = parts.map_or_else(|| value.clone(), |(id, attribute)| json!([id, attribute]));
            Ok(json!({ "Fn::GetAtt": value }))
        }
        "Sub" | "Join" | "Select" | "Split" | "If" | "Equals" | "Not" | "And" | "Or" => {
            Ok(json!({ format!("Fn::{tag}"): value }))
        }
        _ => Err(format!("the function !{tag} is not known here")),
    }
}
