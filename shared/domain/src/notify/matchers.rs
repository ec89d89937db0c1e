//! Which incidents are meant: matchers of labels.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{Label, Labels};
use crate::incident::{IncidentKind, Severity};
use crate::pattern::Pattern;

/// Before the least severity that is meant.
const AT_LEAST: &str = ">=";

/// Incidents whose labels all have one of the values named here. Without any label all incidents are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Matchers(BTreeMap<Label, Values>);

/// Several values, any of which will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values(Vec<Pattern>);

/// What became of one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Which label.
    pub label: Label,
    /// What is meant.
    pub wanted: Values,
    /// What the incident has: id and name, or nothing.
    pub has: Vec<String>,
    /// Whether it is meant.
    pub fits: bool,
}

impl Matchers {
    /// Of labels and their values; labels that come twice mean any of their values.
    pub fn of(pairs: impl IntoIterator<Item = (Label, String)>) -> Self {
        let mut all: BTreeMap<Label, Values> = BTreeMap::new();
        for (label, value) in pairs {
            all.entry(label).or_insert_with(|| Values(Vec::new())).0.push(Pattern::new(&value));
        }
        Self(all)
    }

    /// Whether no label is named, so that all incidents are meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an incident is meant.
    pub fn fit(&self, labels: &Labels<'_>) -> bool {
        self.0.iter().all(|(label, values)| values.fit(label, labels))
    }

    /// Whether nothing is meant that has this value of a label.
    pub fn leave_out(&self, label: &Label, value: &str) -> bool {
        self.0.get(label).is_some_and(|values| !values.0.iter().any(|wanted| fits(label, wanted, value)))
    }

    /// Label by label, for people who wonder.
    pub fn compared(&self, labels: &Labels<'_>) -> Vec<Compared> {
        let one = |(label, wanted): (&Label, &Values)| Compared {
            label: label.clone(),
            wanted: wanted.clone(),
            has: labels.values(label).map(str::to_owned).collect(),
            fits: wanted.fit(label, labels),
        };
        self.0.iter().map(one).collect()
    }

    /// What is wrong with them, in words for whoever wrote them; empty when they can be used.
    pub fn problems(&self) -> Vec<String> {
        let of = |(label, values): (&Label, &Values)| {
            let told = values.problems(label).into_iter();
            told.map(|problem| format!("{label}: {problem}")).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |(label, values): (&Label, &Values)| {
            let values = values.to_string();
            let is = if values.starts_with(AT_LEAST) { "" } else { "=" };
            format!("{label}{is}{values}")
        };
        let all: Vec<_> = self.0.iter().map(one).collect();
        f.write_str(&if all.is_empty() { "all".to_owned() } else { all.join(" ") })
    }
}

impl Values {
    fn fit(&self, label: &Label, labels: &Labels<'_>) -> bool {
        labels.values(label).any(|has| self.0.iter().any(|wanted| fits(label, wanted, has)))
    }

    /// A name that nothing has is a slip of the pen, where all names are known.
    fn problems(&self, label: &Label) -> Vec<String> {
        let unknown = |known: &[&str]| {
            let strange = self.0.iter().filter(|wanted| !known.iter().any(|name| fits(label, wanted, name)));
            strange.map(|wanted| format!("there is no \"{wanted}\", only {}", known.join(", "))).collect()
        };
        match label {
            _ if self.0.is_empty() => vec!["no value is given".to_owned()],
            Label::Kind => unknown(&IncidentKind::ALL.map(IncidentKind::as_str)),
            Label::Severity => unknown(&Severity::ALL.map(Severity::as_str)),
            Label::Drill => unknown(&["drill", "real"]),
            _ if self.0.iter().any(|wanted| wanted.as_str().is_empty()) => {
                vec!["a value is empty; what has none is never meant".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

fn fits(label: &Label, wanted: &Pattern, has: &str) -> bool {
    match wanted.as_str().strip_prefix(AT_LEAST).filter(|_| *label == Label::Severity) {
        Some(least) => rank(has).is_some_and(|has| rank(least).is_some_and(|least| least <= has)),
        None => wanted.fits(has),
    }
}

fn rank(severity: &str) -> Option<usize> {
    Severity::ALL.iter().position(|each| each.as_str() == severity.trim())
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(Pattern::as_str).collect::<Vec<_>>().join("|"))
    }
}

impl Serialize for Values {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(to),
            several => several.serialize(to),
        }
    }
}

/// A member that comes twice, or a label that there is not, is refused with words that help.
impl<'de> Deserialize<'de> for Matchers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Labelled;

        impl<'de> Visitor<'de> for Labelled {
            type Value = Matchers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Matchers, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, values)) = members.next_entry::<String, Values>()? {
                    let label = Label::from_str(&name).map_err(A::Error::custom)?;
                    if all.insert(label, values).is_some() {
                        return Err(A::Error::custom(format!("the label {name} is given twice")));
                    }
                }
                Ok(Matchers(all))
            }
        }

        from.deserialize_map(Labelled)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;

        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_str<E: Error>(self, one: &str) -> Result<Values, E> {
                Ok(Values(vec![Pattern::new(one)]))
            }

            /// YAML takes the id of an account for a number.
            fn visit_u64<E: Error>(self, id: u64) -> Result<Values, E> {
                self.visit_str(&id.to_string())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = elements.next_element()? {
                    all.push(one);
                }
                Ok(Values(all))
            }
        }

        from.deserialize_any(OneOrSeveral)
    }
}

#[cfg(test)]
mod tests;
