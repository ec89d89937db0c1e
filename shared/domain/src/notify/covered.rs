//! What all that a digest tells of is about, be it named or only counted: for whoever filters or looks for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Region};
use crate::incident::{IncidentKind, Severity};
use crate::own_event::IncidentEvent;

/// More accounts are not listed: with these an e-mail is far from the 256 KB that SNS takes, and a row from the 400 KB of
/// the table.
pub const ACCOUNTS: usize = 4_000;

/// The kinds, severities, accounts and Regions of incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Each kind.
    pub kinds: BTreeSet<IncidentKind>,
    /// Each severity.
    pub severities: BTreeSet<Severity>,
    /// Each account, up to [`ACCOUNTS`].
    pub accounts: BTreeSet<AccountId>,
    /// Each Region.
    pub regions: BTreeSet<Region>,
}

impl Covered {
    /// Of these incidents.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a IncidentEvent>) -> Self {
        let mut covered = Self::default();
        for event in events {
            covered.add(event);
        }
        covered
    }

    /// Of one incident more.
    pub fn add(&mut self, event: &IncidentEvent) {
        self.kinds.insert(event.kind);
        self.severities.insert(event.severity);
        if self.accounts.len() < ACCOUNTS {
            self.accounts.insert(event.account_id.clone());
        }
        self.regions.insert(event.region.clone());
    }

    /// Whether it is about nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}
