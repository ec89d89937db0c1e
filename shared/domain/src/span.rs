//! Lengths of time as people and AWS write them: `30m`, `1h 30m`, `PT30M`, `P0D`, `P2W`.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time that is written as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(pub Duration);

impl From<Duration> for Length {
    fn from(length: Duration) -> Self {
        Self(length)
    }
}

impl From<Length> for Duration {
    fn from(length: Length) -> Self {
        length.0
    }
}

/// Reads an ISO 8601 duration, or the friendly form; a day has 24 hours. `None` when it is neither, negative, or
/// in months or years, which have no length.
pub fn parse(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

/// In the largest units: `1h 30m`.
pub fn show(length: Duration) -> String {
    SignedDuration::try_from(length).map_or_else(|_| "forever".to_owned(), |length| format!("{length:#}"))
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&show(self.0))
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is no length of time; write 30m, 1h 30m or PT30M"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_aws_and_people_write_them() {
        let seconds = |text: &str| parse(text).map(|length| length.as_secs_f64());
        for (text, expected) in [
            ("P0D", 0.0),
            ("PT30M", 1_800.0),
            ("P2W", 1_209_600.0),
            ("P1DT2H", 93_600.0),
            ("PT0.5S", 0.5),
            ("PT1.5H", 5_400.0),
            ("30m", 1_800.0),
            ("1h 30m", 5_400.0),
            ("1d", 86_400.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_length_is_unknown() {
        for text in ["", "P", "P1M", "P1Y", "-PT5M", "soon", "5"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let length = Length(Duration::from_mins(90));
        let text = serde_json::to_string(&length).unwrap();
        assert_eq!(text, "\"1h 30m\"");
        assert_eq!(serde_json::from_str::<Length>(&text).unwrap(), length);
    }
}
