//! How full an account and Region is: the ladder of statuses over the quotas of DRS.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How full it is; greater is worse, but for what could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// It could not be read, or was never counted.
    #[default]
    Unknown,
    /// Below the target.
    Ok,
    /// At the target: new servers belong elsewhere.
    Info,
    /// Nearly full.
    Warning,
    /// Full: no further server can replicate.
    Critical,
}

impl Level {
    /// As stored, published and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Ok => "OK",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
