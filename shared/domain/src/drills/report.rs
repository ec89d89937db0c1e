//! All servers of a report, and what they come to by account and application.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Drilled, Last, Standing};
use crate::ids::AccountId;

/// Servers by how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All of them.
    pub servers: u32,
    /// Drilled in time.
    pub in_time: u32,
    /// Drilled too long ago.
    pub overdue: u32,
    /// Not drilled as far as is known.
    pub never: u32,
    /// Whose last drill took longer than their objective.
    pub late: u32,
}

/// Servers of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfAccount {
    /// Which.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its servers.
    #[serde(flatten)]
    pub count: Count,
}

/// Servers of one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfApplication {
    /// Which; none for the servers that name none.
    pub application: Option<String>,
    /// Its servers.
    #[serde(flatten)]
    pub count: Count,
}

/// All servers that were asked for, and what they come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// By account, application and name.
    pub servers: Vec<Drilled>,
    /// By name of the account.
    pub accounts: Vec<OfAccount>,
    /// By name; those that name none come last.
    pub applications: Vec<OfApplication>,
    /// Over all of them.
    pub fleet: Count,
}

impl Count {
    fn add(&mut self, server: &Drilled) {
        self.servers += 1;
        match server.standing {
            Standing::InTime => self.in_time += 1,
            Standing::Overdue => self.overdue += 1,
            Standing::Never => self.never += 1,
        }
        self.late += u32::from(server.drill.as_ref().and_then(Last::is_late) == Some(true));
    }

    /// How many must be drilled now.
    pub fn due(&self) -> u32 {
        self.overdue + self.never
    }
}

impl Report {
    /// Sorts and counts.
    pub fn of(mut servers: Vec<Drilled>) -> Self {
        servers.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut fleet = Count::default();
        let mut accounts: BTreeMap<(&str, &AccountId), Count> = BTreeMap::new();
        let mut applications: BTreeMap<(bool, Option<&str>), Count> = BTreeMap::new();
        for server in &servers {
            let application = server.application.as_deref();
            fleet.add(server);
            accounts.entry((&server.account_name, &server.place.account)).or_default().add(server);
            applications.entry((application.is_none(), application)).or_default().add(server);
        }
        let account = |((name, id), count): ((&str, &AccountId), Count)| OfAccount {
            account: id.clone(),
            name: name.to_owned(),
            count,
        };
        let application = |((_, name), count): ((bool, Option<&str>), Count)| OfApplication {
            application: name.map(str::to_owned),
            count,
        };
        Self {
            accounts: accounts.into_iter().map(account).collect(),
            applications: applications.into_iter().map(application).collect(),
            fleet,
            servers,
        }
    }
}

fn order(server: &Drilled) -> impl Ord + '_ {
    let Drilled { account_name, place, application, name, id, .. } = server;
    (account_name, &place.account, application.is_none(), application, name, &place.region, id)
}
