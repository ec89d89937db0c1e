//! What a channel is told: of a group of incidents, or of a drill. The words are in [`crate::message`].

mod drill;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::drill::{Drill, DrillHappened, HeldBack, Site};
use super::{Acks, Covered};
use crate::incident::Severity;
use crate::own_event::{Happened, IncidentEvent};

/// What a channel is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bulletin {
    /// How a group of incidents stands, and what is new in it.
    Digest(Box<Digest>),
    /// How a drill goes.
    Drill(Box<Drill>),
}

impl Bulletin {
    /// When it was put together.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Digest(digest) => digest.at,
            Self::Drill(drill) => drill.at,
        }
    }

    /// Whether it is a sample, which tells of nothing.
    pub fn is_sample(&self) -> bool {
        matches!(self, Self::Digest(digest) if digest.why == Why::Test)
    }

    /// The same, sent after newer ones, if it is. What a drill's says is so whenever it is read.
    #[must_use]
    pub fn sent_late(self, late: bool) -> Self {
        match self {
            Self::Digest(digest) => Self::Digest(Box::new(Digest { late, ..*digest })),
            Self::Drill(_) => self,
        }
    }

    /// Whether it says that a drill is under way.
    pub fn is_start_of_drill(&self) -> bool {
        matches!(self, Self::Drill(drill) if matches!(drill.happened, DrillHappened::Started { .. }))
    }

    /// Whether it only reminds of what people were told before.
    pub fn is_reminder(&self) -> bool {
        matches!(self, Self::Digest(digest) if matches!(digest.why, Why::Repeated | Why::Acknowledged))
    }

    /// Whether it says more than that somebody sees to what people know of.
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::Digest(digest) if digest.why == Why::Acknowledged)
    }

    /// Whether it says what came of a drill.
    pub fn is_end_of_drill(&self) -> bool {
        matches!(self, Self::Drill(drill) if matches!(drill.happened, DrillHappened::Ended { .. }))
    }

    /// The same for every repetition, and for no other bulletin.
    pub fn key(&self) -> &str {
        match self {
            Self::Digest(digest) => &digest.key,
            Self::Drill(drill) => &drill.key,
        }
    }
}

/// Why a group is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Why {
    /// Something opened, became worse, came back or was resolved.
    Changed,
    /// Nothing is new, but it is still open.
    Repeated,
    /// Nobody has acknowledged it in time: the next ones are told. Counted from 1.
    Escalated(u32),
    /// Somebody sees to it from now on. Told only where the first message of a thread can be changed.
    Acknowledged,
    /// A sample, to test a channel: nothing is wrong.
    Test,
}

/// How a group of incidents stands, and what is new in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Group and number of the bulletin.
    pub key: String,
    /// The group.
    pub group: String,
    /// The route it is on.
    pub route: String,
    /// What all in the group have in common, by the labels that the route groups by: `kind`, `region`, ….
    pub labels: BTreeMap<String, String>,
    /// Why it is told.
    pub why: Why,
    /// When it was put together.
    pub at: Timestamp,
    /// Since when the oldest of what is open, or was, has been wrong.
    pub since: Timestamp,
    /// Since when people have known of the first of what is open that nobody sees to; `None` where nothing waits, or in what
    /// an older release stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Timestamp>,
    /// The worst of what is open; `None` when all is over.
    pub worst: Option<Severity>,
    /// How many of what.
    pub counts: Counts,
    /// The first of what changed, the worst first; of a group in which nothing changed, the first of what is open. What
    /// else there is, is counted.
    pub first: Vec<IncidentEvent>,
    /// What those are about that are counted and not named.
    #[serde(default, skip_serializing_if = "Covered::is_empty")]
    pub unnamed: Covered,
    /// How many accounts the open ones are in.
    pub accounts: u32,
    /// Who sees to what is open; `None` where nobody does, or nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acks: Option<Acks>,
    /// Newer bulletins have gone past it: how things stand in it is how they stood then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

impl Digest {
    /// What happened to one incident, told by itself.
    pub fn of_one(event: &IncidentEvent) -> Self {
        let over = event.happened == Happened::Resolved;
        let counts = Counts {
            opened: u32::from(event.happened == Happened::Opened),
            worse: u32::from(matches!(event.happened, Happened::Escalated | Happened::Reopened)),
            resolved: u32::from(over),
            open: u32::from(!over),
            held: 0,
        };
        Self {
            key: event.event_id.clone(),
            group: event.incident.clone(),
            route: String::new(),
            labels: BTreeMap::new(),
            why: Why::Changed,
            at: event.at,
            since: event.opened_at,
            waits_since: None,
            worst: (!over).then_some(event.severity),
            counts,
            first: vec![event.clone()],
            unnamed: Covered::default(),
            accounts: counts.open,
            acks: None,
            late: false,
        }
    }

    /// Whether something of it waits for somebody.
    pub fn waits(&self) -> bool {
        self.worst.is_some() && self.why != Why::Test && !self.late && !self.is_acknowledged()
    }

    /// Whether somebody sees to all that is open.
    pub fn is_acknowledged(&self) -> bool {
        self.acks.as_ref().is_some_and(|acks| acks.count >= self.counts.open)
    }

    /// What all that it tells of is about. One of an older release knows that only of those it names.
    pub fn covered(&self) -> Covered {
        let mut covered = self.unnamed.clone();
        self.first.iter().for_each(|event| covered.add(event));
        covered
    }

    /// The incident, where the group is that one alone: one that others belonged to before has been wrong for longer
    /// than it.
    pub fn only(&self) -> Option<&IncidentEvent> {
        match self.first.as_slice() {
            [event] if self.counts.open + self.counts.resolved <= 1 && self.since >= event.opened_at => {
                Some(event)
            }
            _ => None,
        }
    }
}

impl From<Digest> for Bulletin {
    fn from(digest: Digest) -> Self {
        Self::Digest(Box::new(digest))
    }
}

/// So many incidents are named in a digest.
pub const NAMED: usize = 20;

/// How many incidents of a group are new, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Opened since the last bulletin.
    pub opened: u32,
    /// Became worse, or came back, since the last bulletin.
    pub worse: u32,
    /// Resolved since the last bulletin; those that nobody was told of do not count.
    pub resolved: u32,
    /// Open, and told.
    pub open: u32,
    /// Open and held back: muted, expected in a drill, or a consequence of something that is told.
    pub held: u32,
}
