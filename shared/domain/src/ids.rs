//! Identifiers as types: what has one of these has been checked.
//!
//! Patterns are those of the DRS API model (`drs/2020-02-26`); account ids are exactly twelve digits. Of nearly all Regions and
//! of all else the texts have 24 bytes at most, and so no memory of their own: each row that is kept has several.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct BadId {
    expected: &'static str,
    value: String,
}

impl BadId {
    pub(crate) fn new(expected: &'static str, value: &str) -> Self {
        // Enough to recognise it; what came from outside may be huge.
        Self { expected, value: value.chars().take(80).collect() }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "CompactString", into = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// The identifier as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err(BadId::new($expected, text)) }
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = BadId;

            fn try_from(text: CompactString) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl From<$name> for CompactString {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An AWS account: twelve digits.
    AccountId,
    "an AWS account id (12 digits)",
    |s| s.len() == 12 && s.bytes().all(|b| b.is_ascii_digit())
);
id!(
    /// An AWS Region of any partition, such as `eu-central-1` or `us-gov-west-1`.
    Region,
    "an AWS Region (such as eu-central-1)",
    is_region
);
id!(
    /// A DRS source server: `s-` and 17 letters or digits.
    SourceServerId,
    "a DRS source server id (s- and 17 letters or digits)",
    |s| prefixed(s, "s-", 17)
);
id!(
    /// A DRS job: `drsjob-` and 17 letters or digits.
    JobId,
    "a DRS job id (drsjob- and 17 letters or digits)",
    |s| prefixed(s, "drsjob-", 17)
);
id!(
    /// An EC2 instance: `i-` and at least eight hexadecimal digits.
    InstanceId,
    "an EC2 instance id (i- and hexadecimal digits)",
    |s| is_instance(s, "i-")
);
id!(
    /// A DRS recovery instance. The API writes the EC2 id (`i-…`), AWS's event samples write `ri-…`.
    RecoveryInstanceId,
    "a recovery instance id (i- or ri- and hexadecimal digits)",
    |s| is_instance(s, "i-") || is_instance(s, "ri-")
);

impl RecoveryInstanceId {
    /// Whether it is the id of the EC2 instance, by which `DescribeRecoveryInstances` lists it.
    pub fn is_of_ec2(&self) -> bool {
        self.as_str().starts_with("i-")
    }
}

fn prefixed(text: &str, prefix: &str, length: usize) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == length && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_instance(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| (8..=17).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `xx-…-word-N`: two to four letters, then words, then a number; lower case, at most 32 characters.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').collect::<Vec<_>>();
    let number = parts.pop().unwrap_or_default();
    let word = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= 32
        && (2..=4).contains(&parts.len())
        && parts.iter().all(word)
        && (2..=4).contains(&parts[0].len())
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_documented_patterns_parse() {
        assert!("111122223333".parse::<AccountId>().is_ok());
        for region in ["us-west-2", "us-gov-west-1", "ap-southeast-7", "eusc-de-east-1", "mx-central-1"] {
            assert!(region.parse::<Region>().is_ok(), "{region}");
        }
        assert!("s-12345678901234567".parse::<SourceServerId>().is_ok());
        assert!("drsjob-04ca7d0d3fb6afa3e".parse::<JobId>().is_ok());
        assert!("ri-12345678901234567".parse::<RecoveryInstanceId>().is_ok());
        assert!("i-0000000aaaaaaaaaa".parse::<InstanceId>().is_ok());
    }

    #[test]
    fn anything_else_is_refused_with_the_value_and_what_was_expected() {
        for text in ["", "11112222333", "1111222233334", "11112222333x", "１１１１２２２２３３３３"]
        {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
        for text in ["", "eu", "EU-west-1", "eu-west", "eu-west-1a", "eu--west-1", "../../x-1"] {
            assert!(text.parse::<Region>().is_err(), "{text}");
        }
        for text in ["s-1234567890123456", "s-123456789012345678", "s-1234567890123456#", "x"] {
            assert!(text.parse::<SourceServerId>().is_err(), "{text}");
        }
        let error = "nonsense".parse::<JobId>().unwrap_err().to_string();
        assert_eq!(error, "\"nonsense\" is not a DRS job id (drsjob- and 17 letters or digits)");
    }

    #[test]
    fn a_huge_value_is_cut_in_the_message() {
        let error = "x".repeat(1_000_000).parse::<AccountId>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
