//! Where new servers go: which accounts of a Region take how many.
//!
//! Accounts are filled up to a ceiling, their target or their quota, and never above. As few new accounts as possible
//! are asked for, and then as few of those that exist are used as possible. An account of which it is not known how full
//! it is takes nothing.

use std::cmp::Reverse;

use serde::Serialize;

use crate::fleet::PlaceView;
use crate::ids::AccountId;

/// How far accounts are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UpTo {
    /// To the threshold of INFO.
    #[default]
    Target,
    /// To the quota.
    Limit,
}

/// An account that may take servers in the Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Servers that replicate there now.
    pub replicating: u32,
    /// Servers that may still come.
    pub room: u32,
    /// Servers of the application there.
    pub of_application: u32,
}

/// An account that takes none, whatever its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Which.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What is to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many servers.
    pub servers: u32,
    /// Whether they are one application, which belongs together.
    pub together: bool,
    /// How many a new account takes: its target.
    pub new_account: u32,
}

/// What an account takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Take {
    /// Which.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// How many it takes.
    pub servers: u32,
    /// How many replicate there now.
    pub before: u32,
    /// How many will.
    pub after: u32,
    /// Servers of the application there now.
    pub of_application: u32,
}

/// Which accounts take how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Accounts that exist.
    pub takes: Vec<Take>,
    /// How many servers each new account takes; empty when none is needed.
    pub new_accounts: Vec<u32>,
    /// What nobody takes: only when a new account would take none.
    pub unplaced: u32,
}

impl Candidate {
    /// An account by what is known of its place.
    ///
    /// # Errors
    /// Why it takes no servers: it is not known how full it is, or it cannot replicate.
    pub fn of(view: &PlaceView, up_to: UpTo, of_application: u32) -> Result<Self, Refused> {
        let account = view.place.account.clone();
        let name = view.account_name.clone();
        let refused = |reason: &str| Refused {
            account: account.clone(),
            name: name.clone(),
            reason: reason.to_owned(),
        };
        if let Some(unknown) = &view.unknown {
            return Err(refused(unknown));
        }
        if let Some(partial) = &view.partial {
            return Err(refused(&format!("its last sweep ended early: {}", partial.reason)));
        }
        if view.initialized == Some(false) {
            return Err(refused("DRS is not initialised there"));
        }
        let (Some(replicating), Some(headroom)) = (view.replicating.used, view.headroom) else {
            return Err(refused("it was never counted"));
        };
        let room = match up_to {
            UpTo::Target => headroom.to_target,
            UpTo::Limit => headroom.to_limit,
        };
        Ok(Self { account, name, replicating, room, of_application })
    }

    fn take(&self, servers: u32) -> Take {
        Take {
            account: self.account.clone(),
            name: self.name.clone(),
            servers,
            before: self.replicating,
            after: self.replicating + servers,
            of_application: self.of_application,
        }
    }
}

/// Decides which accounts take what is wanted. The order of the candidates is nothing.
pub fn place(wanted: &Wanted, candidates: &[Candidate]) -> Plan {
    let mut open: Vec<_> = candidates.iter().filter(|each| each.room > 0).collect();
    if let Some(home) = home(wanted, &open) {
        return Plan { takes: vec![home.take(wanted.servers)], ..Plan::default() };
    }
    let room: u64 = open.iter().map(|each| u64::from(each.room)).sum();
    let (new_accounts, unplaced) = new_accounts(wanted, room);
    let mut left = wanted.servers - new_accounts.iter().sum::<u32>() - unplaced;
    // The largest rooms first: no fewer accounts can hold as many.
    open.sort_by_key(|each| (Reverse((each.room, each.of_application)), &each.account));
    let mut takes = Vec::new();
    while left > 0 && !open.is_empty() {
        // The last one is the smallest that holds the rest, so that large rooms stay for what must stay together.
        let chosen = open.remove(tightest(&open, left).unwrap_or_default());
        let servers = chosen.room.min(left);
        takes.push(chosen.take(servers));
        left -= servers;
    }
    Plan { takes, new_accounts, unplaced }
}

/// The account that takes all of an application: the one that has most of it already, else the tightest that holds it.
fn home<'a>(wanted: &Wanted, open: &[&'a Candidate]) -> Option<&'a Candidate> {
    let holds =
        open.iter().filter(|each| wanted.together && wanted.servers > 0 && each.room >= wanted.servers);
    holds.min_by_key(|each| (Reverse(each.of_application), each.room, &each.account)).copied()
}

/// The smallest room that holds `servers`; of equal ones the one with most of the application, then the first by id.
fn tightest(open: &[&Candidate], servers: u32) -> Option<usize> {
    let holds = open.iter().enumerate().filter(|(_, each)| each.room >= servers);
    let best = holds.min_by_key(|(_, each)| (each.room, Reverse(each.of_application), &each.account));
    best.map(|(n, _)| n)
}

/// What as few new accounts as possible take, each filled before the next; and what nobody takes.
fn new_accounts(wanted: &Wanted, room: u64) -> (Vec<u32>, u32) {
    let over = u32::try_from(u64::from(wanted.servers).saturating_sub(room)).unwrap_or(u32::MAX);
    if wanted.new_account == 0 {
        return (Vec::new(), over);
    }
    let mut left = wanted.servers;
    let mut accounts = Vec::new();
    for _ in 0..over.div_ceil(wanted.new_account) {
        let servers = left.min(wanted.new_account);
        accounts.push(servers);
        left -= servers;
    }
    (accounts, 0)
}

#[cfg(test)]
mod tests;
