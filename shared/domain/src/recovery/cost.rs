//! What recovery instances cost: how many run, and for how many core-hours so far, by account and class of cost.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{CostClass, RecoveryRow};
use crate::ids::AccountId;

/// Running instances of one account and class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many run.
    pub instances: u64,
    /// Their processor cores.
    pub cores: u64,
    /// Their cores times the seconds since they were launched.
    pub core_seconds: u64,
}

impl Sum {
    /// In whole hours, rounded down.
    pub fn core_hours(&self) -> u64 {
        self.core_seconds / 3_600
    }

    fn add(&mut self, other: Self) {
        self.instances += other.instances;
        self.cores += other.cores;
        self.core_seconds = self.core_seconds.saturating_add(other.core_seconds);
    }
}

/// The running ones of some instances, by account and class.
pub fn sums<'a>(
    rows: impl IntoIterator<Item = &'a RecoveryRow>,
    now: Timestamp,
) -> BTreeMap<(AccountId, CostClass), Sum> {
    let mut sums: BTreeMap<_, Sum> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.runs()) {
        sums.entry((row.place.account.clone(), row.cost_class())).or_default().add(cost(row, now));
    }
    sums
}

/// What all of them come to.
pub fn total<'a>(sums: impl IntoIterator<Item = &'a Sum>) -> Sum {
    let mut total = Sum::default();
    sums.into_iter().for_each(|sum| total.add(*sum));
    total
}

fn cost(row: &RecoveryRow, now: Timestamp) -> Sum {
    let cores = row.machine.as_ref().map(|machine| machine.size.cores).unwrap_or_default();
    let seconds = row.since().map(|since| now.as_second().saturating_sub(since.as_second()));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    Sum { instances: 1, cores, core_seconds: cores.saturating_mul(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Place;
    use crate::recovery::Machine;
    use crate::seen::Size;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + hour * 3_600).unwrap()
    }

    fn row(account: &str, n: u32, state: &str, cores: u64, launched_at: Option<i64>) -> RecoveryRow {
        let place = Place { account: account.parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let id = format!("i-{n:017x}").parse().unwrap();
        let size = Size { cores, ram: cores << 32 };
        RecoveryRow {
            launched_at: launched_at.map(at),
            first_seen: Some(at(9)),
            machine: Some(Machine { seen_at: at(9), state: state.to_owned(), size }),
            ..RecoveryRow::unknown((&place, &id))
        }
    }

    #[test]
    fn running_instances_are_summed_by_account_and_class_and_cost_nothing_once_stopped() {
        let (payments, claims) = ("111122223333", "222233334444");
        let mut gone = row(payments, 6, "RUNNING", 2, Some(0));
        gone.gone_since = Some(at(5));
        let rows = [
            row(payments, 1, "RUNNING", 2, Some(0)),
            row(payments, 2, "RUNNING", 2, None),
            row(payments, 3, "RUNNING", 8, Some(0)),
            row(payments, 4, "STOPPED", 2, Some(0)),
            row(claims, 5, "PENDING", 2, Some(8)),
            gone,
        ];
        let sums = sums(&rows, at(10));
        let told = |account: &str, class| {
            let sum = sums[&(account.parse().unwrap(), class)];
            (sum.instances, sum.cores, sum.core_hours())
        };
        assert_eq!(told(payments, CostClass::Small), (2, 4, 2 * 10 + 2), "since it was first seen");
        assert_eq!(told(payments, CostClass::Medium), (1, 8, 80));
        assert_eq!(told(claims, CostClass::Small), (1, 2, 4));
        let all = total(sums.values());
        assert_eq!((sums.len(), all.instances, all.cores, all.core_hours()), (3, 4, 14, 106));
    }

    #[test]
    fn an_instance_of_the_future_costs_nothing_yet() {
        let rows = [row("111122223333", 1, "RUNNING", 2, Some(11))];
        assert_eq!(total(sums(&rows, at(10)).values()).core_seconds, 0);
    }
}
