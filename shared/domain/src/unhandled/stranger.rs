//! The incident of an account that sends and is not registered.

use std::time::Duration;

use jiff::Timestamp;

use super::{Heard, Reason, UnhandledRow};
use crate::ids::Region;
use crate::incident::{self, Condition, IncidentKind, Severity, Subject};
use crate::keys::Place;
use crate::own_event::OwnEvent;
use crate::routing::WorkerName;
use crate::row::Change;

/// An unregistered account that sends nothing for so long is no incident any more.
const SILENT: Duration = Duration::from_hours(24);

/// How often an open incident is looked at: the account may be registered by now.
const LOOK: Duration = Duration::from_mins(10);

impl UnhandledRow {
    /// Where the incident is told to be, if this row is one that has them. It is one of perhaps several Regions, but the
    /// same as long as the incident is.
    fn place(&self) -> Option<Place> {
        let opens = self.reason == Reason::Unregistered && self.worker == WorkerName::Capacity.as_str();
        let region: Option<Region> = self.subject.parse().ok();
        region.filter(|_| opens).map(|region| Place { account: self.account.clone(), region })
    }

    /// Opens or closes the incident, and says when it is to be looked at again.
    pub(super) fn reconcile(&mut self, now: Timestamp) -> Vec<OwnEvent> {
        let Some(place) = self.place() else { return Vec::new() };
        let holding = self.condition(now);
        let id = self.account.as_str();
        let subject = Subject {
            place: &place,
            account_name: id,
            id,
            name: id,
            job: None,
            application: None,
            drill_tag: None,
        };
        let told = incident::reconcile(&mut self.incidents, holding.as_slice(), &subject, now);
        let is_open = incident::open(&self.incidents).next().is_some();
        self.look_at = if is_open { now.checked_add(LOOK).ok() } else { None };
        told.into_iter().map(OwnEvent::from).collect()
    }

    /// Holds while events come from any Region.
    fn condition(&self, now: Timestamp) -> Option<Condition> {
        let is_heard = |heard: &Heard| heard.last_at.checked_add(SILENT).is_ok_and(|end| now < end);
        let heard: Vec<_> = self.regions.iter().filter(|(_, heard)| is_heard(heard)).collect();
        let since = heard.iter().map(|(_, heard)| heard.last_at).max()?;
        let count: u64 = heard.iter().map(|(_, heard)| heard.count).sum();
        let events = if count == 1 { "event was" } else { "events were" };
        let regions: Vec<_> =
            heard.iter().map(|(region, heard)| format!("{} from {region}", heard.count)).collect();
        Some(Condition {
            kind: IncidentKind::UnregisteredAccount,
            since,
            severity: Severity::Medium,
            reason: format!(
                "account {} sends from Regions that are not registered for it; {count} {events} counted and not acted \
                 on ({}), last {}",
                self.account,
                regions.join(", "),
                self.ids.join(", ")
            ),
        })
    }
}

/// The time to look at the incident has come.
pub fn look(
    row: &UnhandledRow,
    is_registered: impl Fn(&Place) -> bool,
    now: Timestamp,
) -> Option<Change<UnhandledRow>> {
    row.place()?;
    let mut after = row.clone();
    let is_stranger =
        |region: &Region| !is_registered(&Place { account: row.account.clone(), region: region.clone() });
    after.regions.retain(|region, _| is_stranger(region));
    let tell = after.reconcile(now);
    Change::between(Some(row), after, tell)
}
