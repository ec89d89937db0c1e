//! Acknowledging incidents: a person does, at the command line or by a click in Slack, and this is the one road for both.

use std::collections::BTreeSet;

use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification::{self, Ack, IncidentRow};
use drs_fleet_domain::notify::{GroupRow, group};
use futures::{StreamExt, TryStreamExt, stream};

use crate::io::Io;
use crate::registry::WriteToken;
use crate::store::Store;
use crate::verdict::IoError;

/// So many are written at once.
const WRITES: usize = 64;

/// Acknowledges incidents.
#[derive(Clone, Debug)]
pub struct Acknowledger<I> {
    io: I,
    incidents: Store<IncidentRow>,
    groups: Store<GroupRow>,
    takes_over: bool,
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
    /// One for as long as the command runs, or the click is acted on.
    pub fn new(io: I, token: WriteToken) -> Self {
        token.spend();
        Self { io, incidents: Store::default(), groups: Store::default(), takes_over: false }
    }

    /// Whether whoever acknowledges relieves those who had.
    #[must_use]
    pub fn taking_over(self, takes_over: bool) -> Self {
        Self { takes_over, ..self }
    }

    /// Records who acknowledged incidents, and has their groups show it. The notifier's own writes and these do not
    /// overwrite each other: whoever comes second decides again. Answers in the order of the keys.
    ///
    /// # Errors
    /// Of the table. Some may be acknowledged then; to do it again does what is left.
    pub async fn acknowledge(&self, keys: &[Key], ack: &Ack) -> Result<Vec<Acknowledged>, IoError> {
        let each = stream::iter(keys.to_vec()).map(|key| self.record(key, ack));
        let came_to: Vec<Acknowledged> = each.buffered(WRITES).try_collect().await?;
        let groups: BTreeSet<&String> = came_to.iter().flat_map(Acknowledged::shown_in).collect();
        for group in groups {
            let shown = |row: Option<&GroupRow>| group::acknowledged(row?, self.io.now());
            self.groups.change_now(&self.io, &keys::group(group), shown).await?;
        }
        Ok(came_to)
    }

    async fn record(&self, key: Key, ack: &Ack) -> Result<Acknowledged, IoError> {
        let how = if self.takes_over { notification::take_over } else { notification::acknowledge };
        let decide = |row: Option<&IncidentRow>| how(row?, ack.clone());
        let outcome = self.incidents.change_now(&self.io, &key, decide).await?;
        let Some(row) = outcome.row().cloned().map(Box::new) else { return Ok(Acknowledged::Unknown) };
        Ok(match (outcome.changed(), row.is_open()) {
            (true, _) => Acknowledged::Now(row),
            (false, true) => Acknowledged::Already(row),
            (false, false) => Acknowledged::Over(row),
        })
    }
}

impl Acknowledged {
    /// The groups that show it. Also of what was acknowledged before: whoever did may have died before these knew.
    fn shown_in(&self) -> impl Iterator<Item = &String> {
        let row = match self {
            Self::Now(row) | Self::Already(row) => Some(row),
            Self::Over(_) | Self::Unknown => None,
        };
        row.into_iter().flat_map(|row| row.groups.iter().map(|taken| &taken.group))
    }
}
