//! The instance type of a machine. It is EC2's alone to tell, and a person who stops a machine may change it, so it is
//! asked for again from time to time.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InstanceTagsRow;
use crate::row::Change;
use crate::sweep::after;

/// What EC2 told is believed so long.
const BELIEVED: Duration = Duration::from_hours(24);

/// The instance type of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineType {
    /// Such as `m6i.large`.
    pub name: String,
    /// When EC2 told it.
    pub told_at: Timestamp,
}

impl InstanceTagsRow {
    /// Whether a sweep should ask EC2 for the type: nobody knows it, or it was told long ago.
    pub fn has_old_type(&self, now: Timestamp) -> bool {
        self.machine_type.as_ref().is_none_or(|known| after(known.told_at, BELIEVED) <= now)
    }

    /// Whether both ask for the same tags on a source server.
    pub fn asks_for_the_same(&self, other: &Self) -> bool {
        let name = |row: &Self| row.machine_type.as_ref().map(|known| known.name.clone());
        self.tags == other.tags && name(self) == name(other)
    }
}

/// Records what EC2 told at `now`; several who asked at the same time write it once.
pub fn typed(row: &InstanceTagsRow, name: &str, now: Timestamp) -> Option<Change<InstanceTagsRow>> {
    let is_told = row.machine_type.as_ref().is_some_and(|known| known.name == name);
    if is_told && !row.has_old_type(now) {
        return None;
    }
    let told = MachineType { name: name.to_owned(), told_at: now };
    Some(Change { row: InstanceTagsRow { machine_type: Some(told), ..row.clone() }, tell: Vec::new() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + hour * 3_600).unwrap()
    }

    fn untyped() -> InstanceTagsRow {
        serde_json::from_value(json!({
            "instance": "i-0a1b2c3d4e5f60718", "version": 1, "tags": { "Owner": "ada" }, "changed_at": at(0),
            "place": { "account": "111122223333", "region": "us-west-2" },
        }))
        .unwrap()
    }

    fn of_type(name: &str, hour: i64) -> InstanceTagsRow {
        typed(&untyped(), name, at(hour)).unwrap().row
    }

    #[test]
    fn a_type_is_asked_for_once_and_again_after_a_day() {
        assert!(untyped().has_old_type(at(0)), "a row of an older release has none");
        let known = of_type("m6i.large", 0);
        assert!(!known.has_old_type(at(23)) && known.has_old_type(at(24)));
        assert!(typed(&known, "m6i.large", at(23)).is_none(), "another asked as well");
        let again = typed(&known, "m6i.large", at(24)).unwrap().row;
        assert!(!again.has_old_type(at(47)));
    }

    #[test]
    fn a_machine_that_was_given_another_type_asks_for_another_tag() {
        let (small, large) = (of_type("m6i.large", 0), of_type("m6i.4xlarge", 1));
        assert!(!small.asks_for_the_same(&large) && !small.asks_for_the_same(&untyped()));
        assert!(small.asks_for_the_same(&of_type("m6i.large", 5)));
        assert_eq!(typed(&small, "m6i.4xlarge", at(1)).unwrap().row, large);
    }
}
