//! Intrinsic functions and conditions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::StackError;

/// What a resource became: its `Ref` and the attributes that `GetAtt` reads.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub reference: String,
    pub attributes: BTreeMap<&'static str, String>,
}

/// What functions can refer to.
#[derive(Debug)]
pub struct Scope {
    /// Parameters and pseudo parameters.
    names: BTreeMap<String, String>,
    conditions: BTreeMap<String, bool>,
    pub made: BTreeMap<String, Made>,
}

impl Scope {
    pub fn new((account, region): (&str, &str), stack: &str, parameters: BTreeMap<String, String>) -> Self {
        let mut names = parameters;
        let pseudo = [
            ("AWS::AccountId", account),
            ("AWS::Region", region),
            ("AWS::Partition", "aws"),
            ("AWS::StackName", stack),
            ("AWS::URLSuffix", "amazonaws.com"),
        ];
        names.extend(pseudo.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self { names, conditions: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Decides the conditions of a template.
    pub fn decide(&mut self, conditions: &Map<String, Value>) -> Result<(), StackError> {
        let mut open: Vec<_> = conditions.iter().collect();
        while !open.is_empty() {
            let before = open.len();
            let mut reason = String::new();
            open.retain(|(name, expression)| match self.holds(expression) {
                Ok(holds) => self.conditions.insert((*name).clone(), holds).is_some(),
                Err(error) => {
                    reason = format!("condition {name}: {error}");
                    true
                }
            });
            if open.len() == before {
                return Err(StackError::Template(reason));
            }
        }
        Ok(())
    }

    /// Whether what has this condition, if any, is part of the stack.
    pub fn includes(&self, condition: Option<&str>) -> Result<bool, StackError> {
        condition.map_or(Ok(true), |name| self.condition(name).map_err(StackError::Template))
    }

    fn condition(&self, name: &str) -> Result<bool, String> {
        self.conditions.get(name).copied().ok_or_else(|| format!("there is no condition {name}"))
    }

    fn holds(&self, expression: &Value) -> Result<bool, String> {
        let (function, argument) = function(expression).ok_or("it is not a condition function")?;
        let list = argument.as_array().map_or(&[][..], Vec::as_slice);
        match (function, list) {
            ("Condition", _) => self.condition(argument.as_str().unwrap_or_default()),
            ("Fn::Equals", [left, right]) => Ok(self.text(left)? == self.text(right)?),
            ("Fn::Not", [one]) => self.holds(one).map(|holds| !holds),
            ("Fn::And", _) => list.iter().map(|e| self.holds(e)).try_fold(true, |all, e| Ok(all && e?)),
            ("Fn::Or", _) => list.iter().map(|e| self.holds(e)).try_fold(false, |any, e| Ok(any || e?)),
            _ => Err(format!("{function} is not a condition function, or its arguments do not fit")),
        }
    }

    /// Resolves all functions in a value; nothing is left of `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, String> {
        if let Some((function, argument)) = function(value).filter(|(name, _)| *name != "Condition") {
            return self.call(function, argument);
        }
        match value {
            Value::Array(list) => {
                let items = list.iter().filter_map(|item| self.resolve(item).transpose());
                items.collect::<Result<_, _>>().map(|items| Some(Value::Array(items)))
            }
            Value::Object(object) => {
                let members = object.iter().filter_map(|(name, member)| {
                    self.resolve(member).transpose().map(|value| value.map(|value| (name.clone(), value)))
                });
                members.collect::<Result<_, _>>().map(|members| Some(Value::Object(members)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    /// Resolves a value that must be a text, a number or a boolean, as text.
    pub fn text(&self, value: &Value) -> Result<String, String> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
            _ => Err(format!("{value} is not a text")),
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, String> {
        let list = argument.as_array().map_or(&[][..], Vec::as_slice);
        let text = match (function, list) {
            ("Ref", _) if argument == "AWS::NoValue" => return Ok(None),
            ("Ref", _) => self.reference(argument.as_str().unwrap_or_default())?,
            ("Fn::GetAtt", [id, name]) => {
                self.attribute(id.as_str().unwrap_or_default(), name.as_str().unwrap_or_default())?
            }
            ("Fn::Sub", [template, Value::Object(own)]) => {
                self.substitute(template.as_str().unwrap_or_default(), own)?
            }
            ("Fn::Sub", _) => self.substitute(argument.as_str().unwrap_or_default(), &Map::new())?,
            ("Fn::Join", [between, parts]) => self.texts(parts)?.join(between.as_str().unwrap_or_default()),
            ("Fn::Select", [index, parts]) => {
                let index: usize = self.text(index)?.parse().map_err(|_| "Fn::Select needs an index")?;
                self.texts(parts)?.get(index).cloned().ok_or("Fn::Select: the index is out of range")?
            }
            ("Fn::Split", [at, text]) => {
                let text = self.text(text)?;
                let parts = text.split(at.as_str().unwrap_or(",")).map(Value::from);
                return Ok(Some(parts.collect()));
            }
            ("Fn::If", [condition, yes, no]) => {
                let holds = self.condition(condition.as_str().unwrap_or_default())?;
                return self.resolve(if holds { yes } else { no });
            }
            _ => return Err(format!("{function} is not known here, or its arguments do not fit")),
        };
        Ok(Some(text.into()))
    }

    fn texts(&self, value: &Value) -> Result<Vec<String>, String> {
        match self.resolve(value)? {
            Some(Value::Array(list)) => list.iter().map(|item| self.text(item)).collect(),
            _ => Err(format!("{value} is not a list")),
        }
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        let made = self.made.get(name).map(|made| &made.reference);
        made.or_else(|| self.names.get(name)).cloned().ok_or_else(|| format!("{name} refers to nothing"))
    }

    fn attribute(&self, id: &str, name: &str) -> Result<String, String> {
        let made = self.made.get(id).ok_or_else(|| format!("{id} refers to nothing"))?;
        made.attributes.get(name).cloned().ok_or_else(|| format!("{id} has no attribute {name} here"))
    }

    fn substitute(&self, template: &str, own: &Map<String, Value>) -> Result<String, String> {
        let mut text = String::new();
        for piece in pieces(template) {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Name(name) => match (own.get(name), name.split_once('.')) {
                    (Some(value), _) => text.push_str(&self.text(value)?),
                    (None, Some((id, attribute))) => text.push_str(&self.attribute(id, attribute)?),
                    (None, None) => text.push_str(&self.reference(name)?),
                },
            }
        }
        Ok(text)
    }
}

/// A part of the text of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
}

/// Takes a `Fn::Sub` text apart; `${!x}` is the literal `${x}`.
pub fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        pieces.push(Piece::Literal(before));
        let Some((name, behind)) = after.split_once('}') else { break };
        rest = behind;
        match name.strip_prefix('!') {
            Some(literal) => {
                pieces.extend([Piece::Literal("${"), Piece::Literal(literal), Piece::Literal("}")]);
            }
            None => pieces.push(Piece::Name(name.trim())),
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

/// An object with one member whose name is that of a function.
pub fn function(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    let is_function = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    is_function.then_some((name, argument))
}
