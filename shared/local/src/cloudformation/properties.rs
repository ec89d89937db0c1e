//! The properties of one resource, taken one by one, so that none is overlooked.

use serde_json::{Map, Value};

use super::StackError;

/// Resolved properties that nobody has taken yet.
#[derive(Debug)]
pub struct Properties {
    id: String,
    /// For messages: the type of the resource, and the property within.
    path: String,
    members: Map<String, Value>,
}

impl Properties {
    pub fn new(id: &str, path: &str, value: Value) -> Result<Self, StackError> {
        let (id, path) = (id.to_owned(), path.to_owned());
        match value {
            Value::Object(members) => Ok(Self { id, path, members }),
            Value::Null => Ok(Self { id, path, members: Map::new() }),
            _ => Err(StackError::resource(&id, format!("{path} is not a mapping"))),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    pub fn need(&mut self, name: &str) -> Result<Value, StackError> {
        self.take(name).ok_or_else(|| self.error(name, "is required"))
    }

    /// A property that must be text.
    pub fn text(&mut self, name: &str) -> Result<String, StackError> {
        match self.need(name)? {
            Value::String(text) => Ok(text),
            _ => Err(self.error(name, "must be a text")),
        }
    }

    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, StackError> {
        if self.members.contains_key(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// A property that is a mapping of its own.
    pub fn nested(&mut self, name: &str) -> Result<Self, StackError> {
        let value = self.need(name)?;
        Self::new(&self.id, &format!("{} property {name}", self.path), value)
    }

    pub fn optional_nested(&mut self, name: &str) -> Result<Option<Self>, StackError> {
        if self.members.contains_key(name) { self.nested(name).map(Some) } else { Ok(None) }
    }

    /// A property that is a list.
    pub fn list(&mut self, name: &str) -> Result<Vec<Value>, StackError> {
        match self.need(name)? {
            Value::Array(list) => Ok(list),
            _ => Err(self.error(name, "must be a list")),
        }
    }

    /// Moves the named properties, where present, into an object.
    pub fn pick(&mut self, names: &[&str]) -> Map<String, Value> {
        names.iter().filter_map(|name| self.take(name).map(|value| ((*name).to_owned(), value))).collect()
    }

    /// Refuses whatever was not taken.
    pub fn finish(self) -> Result<(), StackError> {
        self.members.keys().next().map_or(Ok(()), |name| Err(self.error(name, "is not known here")))
    }

    pub fn error(&self, name: &str, reason: &str) -> StackError {
        StackError::resource(&self.id, format!("{} property {name} {reason}", self.path))
    }
}

/// Text as it stands, other scalars as their text, documents as JSON.
pub fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
