//! Tags: what an EC2 machine is tagged with, its DRS source servers are tagged with. Written by the tag-sync.
//!
//! The tags of an instance come from events, which count them with a version, and from sweeps; its type from EC2. What a source server should
//! have of them follows from the rules ([`rules`], [`wanted`]); [`plan`] compares that with what it has. Ownership is
//! remembered per key: what a person put on a source server is neither overwritten nor removed, unless the rules say that
//! EC2 wins.

mod history;
mod instance;
mod link;
mod machine_type;
mod person;
mod plan;
mod request;
pub mod rules;
mod server;
mod standing;
mod sweep;
mod tamper;
mod wanted;

pub use self::history::{Changed, TagHistoryRow};
pub use self::instance::{InstanceTagsRow, changed, copied, handled, listed, postponed, unprotected, woken};
pub use self::link::InstanceServerRow;
pub use self::machine_type::{MachineType, typed};
pub use self::person::{from_person, is_tagged};
pub use self::plan::{Left, Owned, Plan, plan};
pub use self::request::{TagRequest, TagRequestRow, Tally};
pub use self::rules::{Rules, TagPolicy};
pub use self::server::{
    About, Cause, CopyTags, Doing, Refused, ServerTagsRow, Skipped, compared, copies, gone, made, not_made,
    put_off, released, rung, skipped, unwatched,
};
pub use self::standing::{Freshness, reason_to_skip};
pub use self::sweep::TagSweepRow;
pub use self::wanted::{Source, Unfit, Wanted, Why, wanted};

/// So many tags a resource may have, those of AWS (`aws:`) not counted.
pub const MOST: usize = 50;
/// So many characters the key of a tag may have.
pub const KEY_LENGTH: usize = 128;
/// So many characters the value of a tag may have.
pub const VALUE_LENGTH: usize = 256;

/// Tags that are never written nor removed: a changed one can make DRS lose or terminate resources. Compared without case.
///
/// AWS publishes no list; these are the ones in its managed policies, its guide and on what it launches.
pub fn is_protected(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["aws:", "awselasticdisasterrecovery", "drs.amazonaws.com"].iter().any(|p| key.starts_with(p))
        || matches!(key.as_str(), "awsdrs" | "map-migrated")
}
