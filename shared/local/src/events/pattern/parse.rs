//! From JSON to a pattern, refusing what EventBridge refuses.

use serde_json::{Map, Value};

use super::matcher::{Block, Bound, Matcher, Op, Text};
use super::{Fields, Node};

/// `numeric` knows numbers up to this size either way.
const MAX_NUMBER: f64 = 5.0e9;

/// Reads one object level. `path` is for messages.
pub fn fields(json: &Value, path: &str) -> Result<Fields, String> {
    let object = json.as_object().ok_or_else(|| format!("{} must be an object", subject(path)))?;
    if object.is_empty() {
        return Err("empty objects are not allowed".to_owned());
    }
    let mut fields = Fields::default();
    for (name, value) in object {
        if name == "$or" {
            fields.any = alternatives(value, path)?;
        } else {
            fields.all.push((name.clone(), node(value, &format!("{path}.{name}"))?));
        }
    }
    Ok(fields)
}

fn subject(path: &str) -> &str {
    if path.is_empty() { "the pattern" } else { path.trim_start_matches('.') }
}

fn alternatives(value: &Value, path: &str) -> Result<Vec<Fields>, String> {
    match value.as_array() {
        Some(objects) if objects.len() >= 2 => objects.iter().map(|o| fields(o, path)).collect(),
        _ => Err("$or must be an array of at least two objects".to_owned()),
    }
}

fn node(value: &Value, path: &str) -> Result<Node, String> {
    match value {
        Value::Object(_) => fields(value, path).map(Node::Object),
        Value::Array(list) if list.is_empty() => Err("empty arrays are not allowed".to_owned()),
        Value::Array(list) => list.iter().map(alternative).collect::<Result<_, _>>().map(Node::Leaf),
        _ => Err(format!("{} must be an object or an array", subject(path))),
    }
}

fn alternative(value: &Value) -> Result<Matcher, String> {
    match value {
        Value::Object(object) => expression(object),
        Value::Array(_) => Err("match value must be a string, number, boolean, null or object".to_owned()),
        literal => Ok(Matcher::Exact(literal.clone())),
    }
}

fn expression(object: &Map<String, Value>) -> Result<Matcher, String> {
    let mut pairs = object.iter();
    let (Some((kind, value)), None) = (pairs.next(), pairs.next()) else {
        return Err("only one key allowed in match expression".to_owned());
    };
    match kind.as_str() {
        "exists" => {
            let wanted = value.as_bool().ok_or("exists match pattern must be either true or false")?;
            Ok(Matcher::Exists(wanted))
        }
        "numeric" => numeric(value).map(Matcher::Numeric),
        "cidr" => {
            let block = value.as_str().and_then(Block::parse);
            block.map(Matcher::Cidr).ok_or_else(|| "malformed CIDR, one '/' required".to_owned())
        }
        "anything-but" => anything_but(value).map(Matcher::AnythingBut),
        _ => text(kind, value).map(Matcher::Text),
    }
}

fn text(kind: &str, value: &Value) -> Result<Text, String> {
    if let (Some(folded), "prefix" | "suffix") = (ignore_case(value), kind) {
        let folded = string(kind, folded)?.to_lowercase();
        return Ok(if kind == "prefix" { Text::PrefixFolded(folded) } else { Text::SuffixFolded(folded) });
    }
    match kind {
        "prefix" => string(kind, value).map(|s| Text::Prefix(s.to_owned())),
        "suffix" => string(kind, value).map(|s| Text::Suffix(s.to_owned())),
        "equals-ignore-case" => string(kind, value).map(|s| Text::Folded(s.to_lowercase())),
        "wildcard" => string(kind, value).and_then(wildcard).map(Text::Wildcard),
        _ => Err(format!("unrecognized match type {kind}")),
    }
}

fn ignore_case(value: &Value) -> Option<&Value> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("equals-ignore-case")
}

fn string<'a>(kind: &str, value: &'a Value) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("{kind} match pattern must be a string"))
}

/// Splits at the stars; `\*` and `\\` stand for themselves.
fn wildcard(text: &str) -> Result<Vec<String>, String> {
    let mut pieces = vec![String::new()];
    let mut after_star = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '*' if after_star => return Err("consecutive wildcard characters".to_owned()),
            '*' => None,
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '\\')) => Some(escaped),
                _ => return Err("invalid escape character in wildcard".to_owned()),
            },
            other => Some(other),
        };
        after_star = literal.is_none();
        match (literal, pieces.last_mut()) {
            (Some(literal), Some(piece)) => piece.push(literal),
            _ => pieces.push(String::new()),
        }
    }
    Ok(pieces)
}

fn anything_but(value: &Value) -> Result<Vec<Matcher>, String> {
    if let Value::Object(object) = value {
        let mut pairs = object.iter();
        let (Some((kind, value)), None) = (pairs.next(), pairs.next()) else {
            return Err("only one key allowed in anything-but".to_owned());
        };
        return one_or_more(value)?.iter().map(|v| unwanted_text(kind, v)).collect();
    }
    let values = one_or_more(value)?;
    let all = |test: fn(&Value) -> bool| values.iter().all(test);
    if !all(Value::is_string) && !all(Value::is_number) {
        return Err("anything-but takes only strings or only numbers".to_owned());
    }
    Ok(values.iter().map(|v| v.as_f64().map_or_else(|| Matcher::Exact(v.clone()), Matcher::Equals)).collect())
}

fn unwanted_text(kind: &str, value: &Value) -> Result<Matcher, String> {
    if value.as_str() == Some("") {
        return Err(format!("{kind} in anything-but must not be empty"));
    }
    text(kind, value).map(Matcher::Text)
}

fn one_or_more(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(list) if list.is_empty() => Err("empty arrays are not allowed".to_owned()),
        Value::Array(list) => Ok(list),
        single => Ok(std::slice::from_ref(single)),
    }
}

fn numeric(value: &Value) -> Result<Vec<Bound>, String> {
    let list = value.as_array().ok_or("value of numeric must be an array")?;
    let bounds: Vec<Bound> = list.chunks(2).map(bound).collect::<Result<_, _>>()?;
    let is_lower = |bound: &Bound| matches!(bound.op, Op::Greater | Op::AtLeast);
    let is_upper = |bound: &Bound| matches!(bound.op, Op::Less | Op::AtMost);
    match bounds.as_slice() {
        [_] => Ok(bounds),
        [low, high] if is_lower(low) && is_upper(high) && low.value < high.value => Ok(bounds),
        [low, high] if is_lower(low) && is_upper(high) => Err("bottom must be less than top".to_owned()),
        _ => Err("numeric takes one comparison, or a lower and an upper bound".to_owned()),
    }
}

fn bound(pair: &[Value]) -> Result<Bound, String> {
    let [op, value] = pair else { return Err("a numeric operator needs a number".to_owned()) };
    let op = match op.as_str() {
        Some("=") => Op::Equal,
        Some("<") => Op::Less,
        Some("<=") => Op::AtMost,
        Some(">") => Op::Greater,
        Some(">=") => Op::AtLeast,
        _ => return Err(format!("unrecognized numeric range operator: {op}")),
    };
    let value = value.as_f64().filter(|n| n.abs() <= MAX_NUMBER);
    let value = value.ok_or("value of a numeric comparison must be a number within -5.0e9 and +5.0e9")?;
    Ok(Bound { op, value })
}
