//! One alternative of a leaf.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::Value;

/// One alternative of a leaf; every kind but `Exists` looks at a single value.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// The same JSON value; `300` and `300.0` differ, as EventBridge compares numbers by their text.
    Exact(Value),
    /// A string that a text test accepts.
    Text(Text),
    /// Anything that none of these matches.
    AnythingBut(Vec<Matcher>),
    /// A number equal by value (inside `anything-but`).
    Equals(f64),
    /// A number within bounds.
    Numeric(Vec<Bound>),
    /// Whether there is a leaf at all.
    Exists(bool),
    /// An address within a block.
    Cidr(Block),
}

/// Tests on strings.
#[derive(Clone, Debug)]
pub enum Text {
    /// Begins so.
    Prefix(String),
    /// Ends so.
    Suffix(String),
    /// Begins so, whatever the case; kept folded.
    PrefixFolded(String),
    /// Ends so, whatever the case; kept folded.
    SuffixFolded(String),
    /// Is that, whatever the case; kept folded.
    Folded(String),
    /// The literal pieces between the stars.
    Wildcard(Vec<String>),
}

/// One comparison, such as `>= 5`.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// How to compare.
    pub op: Op,
    /// With what.
    pub value: f64,
}

/// How `numeric` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Matcher {
    /// Whether a leaf of the event is what this alternative asks for.
    pub fn matches(&self, leaf: &Value) -> bool {
        match self {
            Self::Exact(wanted) => wanted == leaf,
            Self::Text(text) => leaf.as_str().is_some_and(|s| text.matches(s)),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|m| m.matches(leaf)),
            Self::Equals(wanted) => leaf.as_f64().is_some_and(|n| Op::Equal.holds(n, *wanted)),
            Self::Numeric(bounds) => {
                leaf.as_f64().is_some_and(|n| bounds.iter().all(|bound| bound.op.holds(n, bound.value)))
            }
            Self::Exists(wanted) => *wanted,
            Self::Cidr(block) => {
                leaf.as_str().and_then(|s| s.parse().ok()).is_some_and(|ip| block.contains(ip))
            }
        }
    }
}

impl Text {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::PrefixFolded(prefix) => text.to_lowercase().starts_with(prefix),
            Self::SuffixFolded(suffix) => text.to_lowercase().ends_with(suffix),
            Self::Folded(folded) => text.to_lowercase() == *folded,
            Self::Wildcard(pieces) => wildcard_matches(pieces, text),
        }
    }
}

/// Takes the first place where each middle piece occurs, which leaves the most for those that follow.
fn wildcard_matches(pieces: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.iter().any(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match rest.split_once(piece.as_str()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

impl Op {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left.partial_cmp(&right) == Some(Ordering::Equal),
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// A block of addresses: the leading `bits` of `base`.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    base: IpAddr,
    bits: u32,
}

impl Block {
    /// Reads `10.0.0.0/8` or `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/')?;
        let (base, bits): (IpAddr, u32) = (base.parse().ok()?, bits.parse().ok()?);
        (bits <= width(base)).then_some(Self { base, bits })
    }

    fn contains(self, ip: IpAddr) -> bool {
        let host_bits = width(self.base) - self.bits;
        let network = |ip| number(ip).checked_shr(host_bits).unwrap_or(0);
        width(ip) == width(self.base) && network(ip) == network(self.base)
    }
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}
