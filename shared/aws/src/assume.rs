//! The way into a spoke: the account's row in the registry, its role, and its clients, one set per Region.
//!
//! The clients of an account share one credentials provider and one identity cache, so that however many calls
//! begin at once, in however many Regions, the role is assumed once and again shortly before its session ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_drs::Client;
use aws_sdk_drs::config::{Builder, SharedIdentityCache};
use aws_types::SdkConfig;
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::registry::{AccountRow, AccountStatus, Errand};

use self::doorway::{Doorway, OPERATION, Role};
use crate::sdk::{Answer, Table, ec2};
use crate::secrets::Secrets;
use crate::verdict::{IoError, Neighbour, Verdict};

mod doorway;
#[cfg(test)]
mod tests;

/// How old an account's row may be: a switched-off account is left alone after at most this.
const ROW_KEEP: Duration = Duration::from_mins(1);
/// How long before its end a session is replaced.
const SESSION_BUFFER: Duration = Duration::from_mins(5);
/// How long the whole of "external id, then role" may take, the SDK's retries included.
const ASSUME_LIMIT: Duration = Duration::from_secs(30);

/// All spokes. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Spokes {
    /// For DRS clients: without retries.
    config: SdkConfig,
    doorway: Doorway,
    table: Table,
    rows: Arc<Mutex<HashMap<AccountId, (Instant, AccountRow)>>>,
    accesses: Arc<Mutex<HashMap<(AccountId, Errand), Access>>>,
}

/// What the clients of one account and errand share, as long as its role stays the same.
#[derive(Debug)]
struct Access {
    role: Role,
    credentials: SharedCredentialsProvider,
    identities: SharedIdentityCache,
    clients: HashMap<Region, Clients>,
}

/// The clients of one account and Region.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) drs: Client,
    pub(crate) quotas: aws_sdk_servicequotas::Client,
    pub(crate) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(crate) ec2: ec2::Client,
}

impl Spokes {
    /// `bare` is for DRS, whose calls the lanes repeat; `patient` for STS.
    pub(crate) fn new(
        bare: &SdkConfig,
        patient: &SdkConfig,
        table: Table,
        secrets: Secrets,
        worker: &str,
    ) -> Self {
        // The SDK takes the STS endpoint of the hub's own Region, never the global one.
        let sts = aws_sdk_sts::Client::new(patient);
        let doorway = Doorway::new(sts, secrets, worker);
        Self { config: bare.clone(), doorway, table, rows: Arc::default(), accesses: Arc::default() }
    }

    /// The clients of a place, for an errand.
    ///
    /// # Errors
    /// `Denied` when the account is not registered or not ACTIVE; else what reading its row gives.
    pub(crate) async fn clients(&self, place: &Place, errand: Errand) -> Answer<Clients> {
        let row = self.row(&place.account).await?;
        let arn = row.role_for(errand);
        let role = Role { doorway: self.doorway.clone(), arn, secret: row.external_id_secret };
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        let access = match accesses.entry((place.account.clone(), errand)) {
            Entry::Occupied(held) if held.get().role.is_same(&role) => held.into_mut(),
            entry => entry.insert_entry(Access::new(role)).into_mut(),
        };
        Ok(access.clients(&self.config, &place.region))
    }

    /// Forgets the account's row, external id, credentials and clients.
    pub(crate) fn evict(&self, account: &AccountId) {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        for errand in [Errand::Watch, Errand::Extend] {
            if let Some(access) = accesses.remove(&(account.clone(), errand)) {
                self.doorway.secrets.forget(&access.role.secret);
            }
        }
    }

    /// The way into roles that are not (yet) trusted: for validation.
    pub(crate) fn doorway(&self) -> &Doorway {
        &self.doorway
    }

    /// A DRS client with credentials that the caller brings.
    pub(crate) fn drs_with(&self, credentials: Credentials, region: &Region) -> Client {
        Client::from_conf(of_region(&self.config, region).credentials_provider(credentials).build())
    }

    async fn row(&self, id: &AccountId) -> Answer<AccountRow> {
        let row = match self.held_row(id) {
            Some(row) => row,
            // Callers of one moment share one read.
            None => self.read_row(id).await?,
        };
        match &row.status {
            AccountStatus::Active => Ok(row),
            status => Err(denied(format!("account {id} is {status}; only ACTIVE accounts are called"))),
        }
    }

    fn held_row(&self, id: &AccountId) -> Option<AccountRow> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(id).filter(|(since, _)| since.elapsed() < ROW_KEEP).map(|(_, row)| row.clone())
    }

    async fn read_row(&self, id: &AccountId) -> Answer<AccountRow> {
        let stored = self.table.read::<AccountRow>(&[keys::account(id)]).await?.pop().flatten();
        let row = stored.ok_or_else(|| denied(format!("account {id} is not registered")))?.row;
        // An account that a person is about to activate is called as soon as it is.
        if row.status == AccountStatus::Active {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.insert(id.clone(), (Instant::now(), row.clone()));
        }
        Ok(row)
    }
}

impl Access {
    fn new(role: Role) -> Self {
        let identities = IdentityCache::lazy().buffer_time(SESSION_BUFFER).load_timeout(ASSUME_LIMIT).build();
        let credentials = SharedCredentialsProvider::new(role.clone());
        Self { role, credentials, identities, clients: HashMap::new() }
    }

    fn clients(&mut self, config: &SdkConfig, region: &Region) -> Clients {
        let build = || {
            // The clients' own setter, `credentials_provider`, wraps it anew: each would assume the role for itself.
            let config = config
                .to_builder()
                .region(region_of(region))
                .identity_cache(self.identities.clone())
                .credentials_provider(self.credentials.clone())
                .build();
            let quotas = aws_sdk_servicequotas::Client::new(&config);
            let tagging = aws_sdk_resourcegroupstagging::Client::new(&config);
            Clients { drs: Client::new(&config), quotas, tagging, ec2: ec2::Client::new(&config) }
        };
        self.clients.entry(region.clone()).or_insert_with(build).clone()
    }
}

fn of_region(config: &SdkConfig, region: &Region) -> Builder {
    Builder::from(config).region(region_of(region))
}

fn region_of(region: &Region) -> aws_types::region::Region {
    aws_types::region::Region::new(region.as_str().to_owned())
}

fn denied(message: String) -> IoError {
    IoError::new(Neighbour::Spoke, OPERATION, Verdict::Denied, message)
}
