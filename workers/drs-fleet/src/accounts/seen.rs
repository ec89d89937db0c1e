//! Accounts with what the table knows of their Regions.

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{Counted, PlaceRow};
use drs_fleet_domain::registry::{AccountRegion, AccountRow};
use jiff::Timestamp;
use serde::Serialize;

use crate::hub::Hub;

/// An account and its Regions.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    pub(super) account: AccountRow,
    /// In the order of the account's Regions.
    pub(super) regions: Vec<Known>,
}

/// What is known of a Region of an account.
#[derive(Debug, Serialize)]
pub(super) struct Known {
    pub(super) region: Region,
    /// DRS replicates into it, so that it is swept.
    pub(super) drs: bool,
    /// Source machines run in it.
    pub(super) source: bool,
    /// What the capacity-tracker stored; none before it saw anything of it.
    pub(super) stored: Option<PlaceRow>,
}

/// Accounts as they were read, and when.
#[derive(Debug, Serialize)]
pub(super) struct Seen {
    /// What is shown is what the table held then.
    pub(super) read_at: Timestamp,
    pub(super) accounts: Vec<Account>,
}

/// Reads what is known of the Regions of `accounts`.
pub(super) async fn read(hub: &Hub, accounts: Vec<AccountRow>) -> anyhow::Result<Seen> {
    let wanted: Vec<_> = accounts
        .iter()
        .flat_map(|row| row.regions.iter().map(|r| (row.id.clone(), r.region.clone())))
        .map(|(account, region)| keys::place(&Place { account, region }))
        .collect();
    let found = hub.io.read::<PlaceRow>(&wanted).await.with_context(|| hub.unreadable())?;
    let mut found = found.into_iter();
    let mut account = |account: AccountRow| {
        let known = |r: &AccountRegion| Known {
            region: r.region.clone(),
            drs: r.drs,
            source: r.source,
            stored: found.next().flatten().map(|stored| stored.row),
        };
        Account { regions: account.regions.iter().map(known).collect(), account }
    };
    Ok(Seen { read_at: hub.io.now(), accounts: accounts.into_iter().map(&mut account).collect() })
}

impl Account {
    /// The Regions that are swept.
    pub(super) fn drs(&self) -> impl Iterator<Item = &Known> {
        self.regions.iter().filter(|known| known.drs)
    }
}

impl Known {
    /// What the last complete sweep counted.
    pub(super) fn counted(&self) -> Option<&Counted> {
        self.stored.as_ref()?.counted.as_ref()
    }

    /// When the heartbeat of the spoke was last heard.
    pub(super) fn heard_at(&self) -> Option<Timestamp> {
        self.stored.as_ref()?.heard_at
    }
}
