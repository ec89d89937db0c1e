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
    /// Its organisational unit, as people name it; what routes, mutes and windows look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ou: Option<String>,
    /// Its tags, such as `team`; what routes, mutes and windows look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
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
mod tests;
