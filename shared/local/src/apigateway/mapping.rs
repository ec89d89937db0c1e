//! Mapping templates: texts in which a few functions are filled in.
//!
//! Of the Velocity language, and of what API Gateway adds to it, only what `infra/hub.yaml` uses is known; a template that
//! uses anything else is refused when it is deployed. Source: AWS's "Variables for data transformations for API Gateway".

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// As Java's `URLEncoder`, which also writes a space as `+`.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// A template that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Expression),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    /// `$input.body`.
    Body,
    /// `$input.params('name')`.
    Parameter(String),
    /// `$util.urlEncode(…)`.
    UrlEncode(Box<Self>),
    /// `$util.base64Encode(…)`.
    Base64Encode(Box<Self>),
}

/// What a template looks at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// As it came.
    pub body: &'a [u8],
    /// Without `?`, percent-encoded.
    pub query: &'a str,
    /// By name in lower case.
    pub headers: &'a BTreeMap<String, String>,
}

impl Mapping {
    /// Understands a template.
    ///
    /// # Errors
    /// What of it is not known here.
    pub fn parse(template: &str) -> Result<Self, String> {
        if template.contains('#') {
            return Err("directives are not known here".to_owned());
        }
        let (mut pieces, mut rest) = (Vec::new(), template);
        while let Some(at) = rest.find('$') {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            let (value, behind) = expression(&rest[at..])?;
            pieces.push(Piece::Value(value));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Fills the template in.
    pub fn render(&self, input: &Input<'_>) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(value) => String::from_utf8_lossy(&value.of(input)).into_owned(),
        };
        self.0.iter().map(text).collect()
    }
}

impl Expression {
    fn of(&self, input: &Input<'_>) -> Vec<u8> {
        match self {
            Self::Body => input.body.to_vec(),
            Self::Parameter(name) => input.parameter(name).into_bytes(),
            Self::Base64Encode(inner) => STANDARD.encode(inner.of(input)).into_bytes(),
            Self::UrlEncode(inner) => {
                let text = String::from_utf8_lossy(&inner.of(input)).into_owned();
                utf8_percent_encode(&text, URL).to_string().replace("%20", "+").into_bytes()
            }
        }
    }
}

impl Input<'_> {
    /// From the query string, else from the headers; empty where there is none.
    fn parameter(&self, name: &str) -> String {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let decoded =
            |value: &str| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned();
        let of_query =
            pairs.into_iter().find(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value));
        of_query.or_else(|| self.headers.get(&name.to_lowercase()).cloned()).unwrap_or_default()
    }
}

type Around = fn(Box<Expression>) -> Expression;

const FUNCTIONS: [(&str, Around); 2] =
    [("$util.urlEncode(", Expression::UrlEncode), ("$util.base64Encode(", Expression::Base64Encode)];

/// The expression that a text begins with, and what is behind it.
fn expression(text: &str) -> Result<(Expression, &str), String> {
    if let Some(rest) = text.strip_prefix("$input.body") {
        return Ok((Expression::Body, rest));
    }
    if let Some(rest) = text.strip_prefix("$input.params('") {
        let (name, rest) = rest.split_once("')").ok_or("$input.params( has no end")?;
        return Ok((Expression::Parameter(name.to_owned()), rest));
    }
    for (name, around) in FUNCTIONS {
        if let Some(rest) = text.strip_prefix(name) {
            let (inner, rest) = expression(rest)?;
            let rest = rest.strip_prefix(')').ok_or_else(|| format!("{name} has no end"))?;
            return Ok((around(Box::new(inner)), rest));
        }
    }
    Err(format!("{:?} is not known here", text.chars().take(24).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, body: &str, query: &str) -> String {
        let headers = [("x-a".to_owned(), "of a header".to_owned())].into();
        Mapping::parse(template).unwrap().render(&Input { body: body.as_bytes(), query, headers: &headers })
    }

    #[test]
    fn functions_are_filled_in_and_all_else_stays_as_it_is() {
        let template = "a=%22$util.urlEncode($util.base64Encode($input.body))%22&b=$input.params('X-A')!";
        assert_eq!(rendered(template, "??>", ""), "a=%22Pz8%2B%22&b=of a header!");
        assert_eq!(rendered("$util.urlEncode($input.body)", "a b/é", ""), "a+b%2F%C3%A9");
    }

    #[test]
    fn a_parameter_is_looked_for_in_the_query_string_first_and_may_be_nowhere() {
        assert_eq!(rendered("$input.params('X-A')", "", "X-A=of+a%20query"), "of a query");
        assert_eq!(rendered("[$input.params('X-B')]", "", ""), "[]");
    }

    #[test]
    fn what_was_posted_is_not_itself_a_template() {
        assert_eq!(rendered("$input.body", "$input.params('X-A') #set", ""), "$input.params('X-A') #set");
    }

    #[test]
    fn anything_else_of_the_language_is_refused() {
        for template in
            ["#set($a = 1)", "$context.requestId", "$util.urlEncode($input.body", "$input.params('a", "$"]
        {
            assert!(Mapping::parse(template).is_err(), "{template}");
        }
    }
}
