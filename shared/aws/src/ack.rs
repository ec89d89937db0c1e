//! Acknowledging incidents; only a command of a person does.

use drs_fleet_domain::keys::Key;
use drs_fleet_domain::notification::{self, Ack, IncidentRow};

use crate::io::Io;
use crate::registry::WriteToken;
use crate::store::Store;
use crate::verdict::IoError;

/// Acknowledges incidents.
#[derive(Clone, Debug)]
pub struct Acknowledger<I> {
    io: I,
    incidents: Store<IncidentRow>,
}

/// What an acknowledgement came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Acknowledged {
    /// It is recorded.
    Now(Box<IncidentRow>),
    /// Somebody had acknowledged it before.
    Already(Box<IncidentRow>),
    /// It is over.
    Over(Box<IncidentRow>),
    /// There is no such incident.
    Unknown,
}

impl<I: Io> Acknowledger<I> {
    /// One for as long as the command runs.
    pub fn new(io: I, token: WriteToken) -> Self {
        token.spend();
        Self { io, incidents: Store::default() }
    }

    /// Records who acknowledged an incident. The notifier's own writes and this one do not overwrite each
    /// other: whoever comes second decides again.
    ///
    /// # Errors
    /// Of the table.
    pub async fn acknowledge(&self, key: &Key, ack: &Ack) -> Result<Acknowledged, IoError> {
        let decide = |row: Option<&IncidentRow>| notification::acknowledge(row?, ack.clone());
        let outcome = self.incidents.change_now(&self.io, key, decide).await?;
        let Some(row) = outcome.row().cloned().map(Box::new) else { return Ok(Acknowledged::Unknown) };
        Ok(match (outcome.changed(), row.is_open()) {
            (true, _) => Acknowledged::Now(row),
            (false, true) => Acknowledged::Already(row),
            (false, false) => Acknowledged::Over(row),
        })
    }
}
