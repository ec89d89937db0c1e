//! The account registry: which accounts belong to the fleet, and how each is reached.
//!
//! An event counts only if its account and Region are registered; only ACTIVE accounts are called.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Region};
use crate::keys::{self, Key, Place};
use crate::row::Row;

/// How far an account has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AccountStatus {
    /// Registered; its role was never tried.
    PendingValidation,
    /// Validated: it is called and swept.
    Active,
    /// Switched off by a person: its events are kept, it is not called.
    Inactive,
    /// The last validation failed; `last_error` says how.
    Error,
    /// A status of a newer program: not ACTIVE, and kept as it is.
    Other(String),
}

impl From<String> for AccountStatus {
    fn from(text: String) -> Self {
        let known = [Self::PendingValidation, Self::Active, Self::Inactive, Self::Error];
        known.into_iter().find(|status| status.to_string() == text).unwrap_or(Self::Other(text))
    }
}

impl From<AccountStatus> for String {
    fn from(status: AccountStatus) -> Self {
        status.to_string()
    }
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PendingValidation => "PENDING_VALIDATION",
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Error => "ERROR",
            Self::Other(text) => text,
        })
    }
}

/// What a Region of an account is used for; it may be both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRegion {
    /// Which.
    pub region: Region,
    /// DRS replicates into it: it is swept.
    pub drs: bool,
    /// Source machines run in it: their tags are followed.
    pub source: bool,
}

/// A registered account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// Its name for people.
    pub name: String,
    /// A shorter name.
    pub alias: Option<String>,
    /// The role that the workers assume in it.
    pub role_arn: String,
    /// Name of the secret that holds the role's external id; the external id itself is never stored here.
    pub external_id_secret: String,
    /// Its Regions.
    pub regions: Vec<AccountRegion>,
    /// Of a staging account: the account that its source servers are to be extended into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<AccountId>,
    /// How far it has come.
    pub status: AccountStatus,
    /// When it was last validated.
    pub last_validated: Option<Timestamp>,
    /// Why the last validation failed.
    pub last_error: Option<String>,
}

/// The role with which `infra/spoke.yaml` lets operators create extended source servers in an account.
const EXTEND_ROLE: &str = "drs-fleet-extend";

/// What a role in an account is assumed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Errand {
    /// To read, and to tag source servers: what workers do.
    Watch,
    /// To create extended source servers: what only a person does.
    Extend,
}

impl AccountRow {
    /// The role that is assumed for an errand.
    pub fn role_for(&self, errand: Errand) -> String {
        match (errand, self.role_arn.split_once(":role/")) {
            (Errand::Extend, Some((account, _))) => format!("{account}:role/{EXTEND_ROLE}"),
            _ => self.role_arn.clone(),
        }
    }

    /// The Regions that DRS replicates into.
    pub fn drs_places(&self) -> impl Iterator<Item = Place> {
        self.regions
            .iter()
            .filter(|r| r.drs)
            .map(|r| Place { account: self.id.clone(), region: r.region.clone() })
    }
}

impl Row for AccountRow {
    const KIND: &'static str = "account";
    const WORKER: &'static str = "cli";

    fn key(&self) -> Key {
        keys::account(&self.id)
    }
}

/// The registry as it was when it was last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    accounts: BTreeMap<AccountId, AccountRow>,
}

impl Registry {
    /// The account's row, if it is registered.
    pub fn account(&self, id: &AccountId) -> Option<&AccountRow> {
        self.accounts.get(id)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountRow> {
        self.accounts.values()
    }

    /// The account's name for people; its id when it is not registered.
    pub fn account_name<'a>(&'a self, id: &'a AccountId) -> &'a str {
        self.account(id).map_or(id.as_str(), |row| row.name.as_str())
    }

    /// Whether events of this account and Region count; true for any status, for an account that is switched
    /// off or in error still has servers.
    pub fn is_registered(&self, account: &AccountId, region: &Region) -> bool {
        self.account(account).is_some_and(|row| row.regions.iter().any(|r| r.region == *region))
    }

    /// Whether sweeps go there.
    pub fn is_swept(&self, place: &Place) -> bool {
        let account = self.account(&place.account).filter(|row| row.status == AccountStatus::Active);
        account.is_some_and(|row| row.drs_places().any(|drs| drs == *place))
    }

    /// Whether the Region is registered, of an ACTIVE account: something should be heard from it.
    pub fn is_active(&self, place: &Place) -> bool {
        let account = self.account(&place.account).filter(|row| row.status == AccountStatus::Active);
        account.is_some_and(|row| row.regions.iter().any(|r| r.region == place.region))
    }

    /// The registered Regions of the ACTIVE accounts.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let active = self.accounts().filter(|row| row.status == AccountStatus::Active);
        active.flat_map(|row| {
            row.regions.iter().map(|r| Place { account: row.id.clone(), region: r.region.clone() })
        })
    }

    /// Where sweeps go: the DRS Regions of the ACTIVE accounts.
    pub fn drs_places(&self) -> Vec<Place> {
        self.accounts()
            .filter(|row| row.status == AccountStatus::Active)
            .flat_map(AccountRow::drs_places)
            .collect()
    }
}

impl FromIterator<AccountRow> for Registry {
    fn from_iter<T: IntoIterator<Item = AccountRow>>(rows: T) -> Self {
        Self { accounts: rows.into_iter().map(|row| (row.id.clone(), row)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, status: AccountStatus) -> AccountRow {
        let region = |name: &str, drs| AccountRegion { region: name.parse().unwrap(), drs, source: !drs };
        AccountRow {
            id: id.parse().unwrap(),
            name: "Payments".into(),
            alias: None,
            role_arn: format!("arn:aws:iam::{id}:role/drs-fleet"),
            external_id_secret: "drs-fleet/external-id".into(),
            regions: vec![region("eu-central-1", true), region("eu-west-1", false)],
            target: None,
            status,
            last_validated: None,
            last_error: None,
        }
    }

    #[test]
    fn only_drs_regions_of_active_accounts_are_swept() {
        let registry: Registry =
            [row("111122223333", AccountStatus::Active), row("444455556666", AccountStatus::Error)]
                .into_iter()
                .collect();
        let places: Vec<_> = registry.drs_places().iter().map(ToString::to_string).collect();
        assert_eq!(places, ["111122223333/eu-central-1"]);
        let heard: Vec<_> = registry.places().map(|place| place.to_string()).collect();
        assert_eq!(heard, ["111122223333/eu-central-1", "111122223333/eu-west-1"]);
    }

    #[test]
    fn events_count_in_registered_regions_whatever_the_status() {
        let registry: Registry = [row("111122223333", AccountStatus::Inactive)].into_iter().collect();
        let (account, other) = ("111122223333".parse().unwrap(), "444455556666".parse().unwrap());
        assert!(registry.is_registered(&account, &"eu-west-1".parse().unwrap()));
        assert!(!registry.is_registered(&account, &"us-east-1".parse().unwrap()));
        assert!(!registry.is_registered(&other, &"eu-west-1".parse().unwrap()));
    }

    #[test]
    fn an_unregistered_account_is_named_by_its_id() {
        let registry: Registry = [row("111122223333", AccountStatus::Active)].into_iter().collect();
        assert_eq!(registry.account_name(&"111122223333".parse().unwrap()), "Payments");
        assert_eq!(registry.account_name(&"444455556666".parse().unwrap()), "444455556666");
    }

    #[test]
    fn a_status_of_a_newer_program_is_kept_and_not_active() {
        let mut stored = serde_json::to_value(row("111122223333", AccountStatus::Active)).unwrap();
        stored["status"] = "SUSPENDED".into();
        let read: AccountRow = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.status.to_string(), "SUSPENDED");
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        assert!([read].into_iter().collect::<Registry>().drs_places().is_empty());
    }

    #[test]
    fn an_account_that_was_registered_before_there_were_targets_is_read_and_has_none() {
        let mut row = row("111122223333", AccountStatus::Active);
        let old = serde_json::to_value(&row).unwrap();
        assert!(old.get("target").is_none());
        assert_eq!(serde_json::from_value::<AccountRow>(old).unwrap(), row);
        row.target = Some("444455556666".parse().unwrap());
        let stored = serde_json::to_value(&row).unwrap();
        assert_eq!(serde_json::from_value::<AccountRow>(stored).unwrap(), row);
    }

    #[test]
    fn servers_are_extended_by_another_role_of_the_same_account_and_partition() {
        let mut row = row("111122223333", AccountStatus::Active);
        row.role_arn = "arn:aws-us-gov:iam::111122223333:role/dr/reader".into();
        assert_eq!(row.role_for(Errand::Watch), row.role_arn);
        let extend = "arn:aws-us-gov:iam::111122223333:role/drs-fleet-extend";
        assert_eq!(row.role_for(Errand::Extend), extend);
    }

    #[test]
    fn the_status_is_stored_as_people_read_it() {
        let status = serde_json::to_value(AccountStatus::PendingValidation).unwrap();
        assert_eq!(status, AccountStatus::PendingValidation.to_string());
    }
}
