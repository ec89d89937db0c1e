//! Counting the servers of a complete sweep.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Counted;
use crate::server::ServerRow;

/// The state of a server whose replication has not begun.
const INITIATING: &str = "INITIATING";

impl Counted {
    /// A place in which no server was seen yet.
    pub fn nothing(swept_at: Timestamp, initialized: bool) -> Self {
        Self { swept_at, replicating: 0, extended: 0, servers: 0, by_state: BTreeMap::new(), initialized }
    }

    /// Counts a server that no complete sweep has listed yet. DRS shows a server that was just extended as `INITIATING` and does
    /// not say yet where it replicates: it is shown apart and takes no slot before a second one lists it.
    pub fn add_new(&mut self, server: &ServerRow) {
        let is_told = server.inventory.as_ref().is_some_and(|inventory| inventory.staging.status.is_some());
        if server.gone_since.is_some() || is_told || server.replication.state != INITIATING {
            return self.add(server);
        }
        self.servers += 1;
        *self.by_state.entry(format!("{INITIATING}, not yet known where")).or_default() += 1;
    }

    /// Counts one more server, unless it is gone. Each is counted once: as replicating here, as extended from another
    /// account (also where that has failed: `EXTENSION_ERROR`), or as neither.
    pub fn add(&mut self, server: &ServerRow) {
        if server.gone_since.is_some() {
            return;
        }
        let staging = server.inventory.as_ref().map(|i| &i.staging);
        let extension = staging.and_then(|s| s.status.as_deref());
        let is_extended = !matches!(extension, None | Some("NOT_EXTENDED"));
        // No answer of AWS should say so, and it takes no slot; people are shown that it is there.
        let from_itself =
            is_extended && staging.and_then(|s| s.account.as_ref()) == Some(&server.place.account);
        let state = &server.replication.state;
        let state =
            if from_itself { format!("{state}, extended from its own account") } else { state.clone() };
        self.servers += 1;
        self.replicating += u32::from(server.is_replicating_here());
        self.extended += u32::from(is_extended && !from_itself);
        *self.by_state.entry(state).or_default() += 1;
    }
}

/// Counts the servers of a complete sweep.
pub fn count<'a>(
    servers: impl IntoIterator<Item = &'a ServerRow>,
    swept_at: Timestamp,
    initialized: bool,
) -> Counted {
    let mut counted = Counted::nothing(swept_at, initialized);
    servers.into_iter().for_each(|server| counted.add(server));
    counted
}
