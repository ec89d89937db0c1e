//! Extended source servers have no life of their own: they show what their staging servers do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;

use super::Drs;
use super::replication::Replication;
use super::site::Site;
use crate::world::lock;

/// Seconds from the last that was heard of an agent until its replication stalls.
const GIVES_UP: i64 = 300;

/// Account, Region and id of a staging server.
type Origin = (String, String, String);

/// What the staging accounts say: their servers' replication, or why an extension is broken.
type Seen = BTreeMap<Origin, Result<Replication, String>>;

impl Drs {
    /// Brings the extended servers of a site up to what their staging servers do at `now`. An extension whose
    /// staging server is gone or whose role was revoked stays as it was last, with an error.
    pub(super) fn mirror(&self, site: &Mutex<Site>, now: Timestamp) {
        let (target, origins) = {
            let site = lock(site);
            (site.account.clone(), site.servers.values().filter_map(origin).collect::<BTreeSet<_>>())
        };
        if origins.is_empty() {
            return;
        }
        let seen = self.look(&target, origins, now);
        for server in lock(site).servers.values_mut() {
            let found = origin(server).and_then(|origin| seen.get(&origin));
            let (Some(found), Some(extension)) = (found, &mut server.extension) else { continue };
            extension.error = extension.broken.clone().or_else(|| found.as_ref().err().cloned());
            if let (Ok(replication), None) = (found, &extension.error) {
                server.replication = replication.clone();
            }
        }
    }

    /// The agent of a staging server is not heard from `at` on.
    pub(super) fn silence_staging(&self, arn: &str, at: Timestamp) {
        let parts: Vec<&str> = arn.split([':', '/']).collect();
        let [_, _, _, region, account, _, id] = parts[..] else { return };
        if let Ok(server) = lock(&self.site(account, region)).server(id) {
            server.replication.silence(Some(GIVES_UP), at);
        }
    }

    /// Looks into one staging account after the other. They advance copies: the staging site itself moves, and
    /// tells what happened, when its own time comes.
    fn look(&self, target: &str, origins: BTreeSet<Origin>, now: Timestamp) -> Seen {
        let mut by_place = BTreeMap::<(String, String), Vec<String>>::new();
        for (account, region, id) in origins {
            by_place.entry((account, region)).or_default().push(id);
        }
        let mut seen = Seen::new();
        for ((account, region), ids) in by_place {
            let trusted = self.trusts(&account, target);
            let site = self.site(&account, &region);
            let site = lock(&site);
            for id in ids {
                let server = site.servers.get(&id);
                let gone = || format!("staging source server {} was deleted", site.arn("source-server", &id));
                let found = match server.map(|server| server.replication.clone()) {
                    _ if !trusted => Err(format!("account {account} revoked the role of account {target}")),
                    None => Err(gone()),
                    Some(mut replication) => {
                        replication.advance(now);
                        Ok(replication)
                    }
                };
                seen.insert((account.clone(), region.clone(), id), found);
            }
        }
        seen
    }
}

fn origin(server: &super::server::Server) -> Option<Origin> {
    let extension = server.extension.as_ref()?;
    let (region, id) = extension.staging();
    Some((extension.account.clone(), region.to_owned(), id.to_owned()))
}
