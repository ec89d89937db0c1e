//! What routes, mutes and windows look at: the labels of an incident.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::own_event::IncidentEvent;
use crate::policy::DRILL_TAG;
use crate::registry::AccountRow;
use crate::words::{self, SubjectKind};

/// Before the key of a tag of an account.
const ACCOUNT_TAG: &str = "account-tag:";

/// What can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Label {
    /// What is wrong.
    Kind,
    /// How bad it is.
    Severity,
    /// Id or name of the account.
    Account,
    /// The value of a tag that the account has in the registry, by its key.
    AccountTag(String),
    /// The account's organisational unit in the registry.
    Ou,
    /// The Region.
    Region,
    /// The application of the server.
    Application,
    /// The plan of the job.
    Plan,
    /// `drill` or `real`: what is not known to belong to a drill is real.
    Drill,
    /// The value of the tag `drs-fleet:drill`: the server's or that of all servers of the job, and the account's in the
    /// registry. What comes of a job that is not known to be a drill's has none, and no channel has: nobody expects them.
    DrillTag,
    /// Id or name of the server, job or recovery instance, or of the account itself.
    Subject,
}

/// Those that are written as they are.
const PLAIN: [(&str, Label); 10] = [
    ("kind", Label::Kind),
    ("severity", Label::Severity),
    ("account", Label::Account),
    ("ou", Label::Ou),
    ("region", Label::Region),
    ("application", Label::Application),
    ("plan", Label::Plan),
    ("drill", Label::Drill),
    ("drill-tag", Label::DrillTag),
    ("subject", Label::Subject),
];

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = text.strip_prefix(ACCOUNT_TAG).filter(|key| !key.is_empty());
        let plain = || PLAIN.into_iter().find(|(name, _)| *name == text).map(|(_, label)| label);
        key.map(|key| Self::AccountTag(key.to_owned())).or_else(plain).ok_or_else(|| {
            let names: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
            format!("{text:?} is no label; there are {} and {ACCOUNT_TAG}KEY", names.join(", "))
        })
    }
}

impl TryFrom<String> for Label {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.to_string()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::AccountTag(key) = self {
            return write!(f, "{ACCOUNT_TAG}{key}");
        }
        f.write_str(PLAIN.iter().find(|(_, label)| label == self).map_or("", |(name, _)| name))
    }
}

/// The labels of an incident, as its newest event tells it.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    event: &'a IncidentEvent,
    account: Option<&'a AccountRow>,
}

impl<'a> Labels<'a> {
    /// Of an event, and the registry's row of its account if there is one.
    pub fn of(event: &'a IncidentEvent, account: Option<&'a AccountRow>) -> Self {
        Self { event, account }
    }

    /// What it has of a label: an id, then its name for people if that is another. Nothing where it is not known.
    pub fn values(&self, label: &Label) -> impl Iterator<Item = &'a str> {
        let Self { event, account } = *self;
        let (first, name) = match label {
            Label::Kind => (Some(event.kind.as_str()), None),
            Label::Severity => (Some(event.severity.as_str()), None),
            Label::Account => (Some(event.account_id.as_str()), Some(event.account_name.as_str())),
            Label::AccountTag(key) => (self.of_account(key), None),
            Label::Ou => (account.and_then(|row| row.ou.as_deref()), None),
            Label::Region => (Some(event.region.as_str()), None),
            Label::Application => (event.application.as_deref(), None),
            Label::Plan => (event.plan_name.as_deref(), None),
            Label::Drill => (Some(if event.drill == Some(true) { "drill" } else { "real" }), None),
            Label::DrillTag => match words::subject(event.kind) {
                SubjectKind::Channel => (None, None),
                SubjectKind::Job | SubjectKind::RecoveryInstance if event.drill != Some(true) => (None, None),
                _ => (event.drill_tag.as_deref(), self.of_account(DRILL_TAG)),
            },
            Label::Subject => (Some(event.subject.as_str()), Some(event.subject_name.as_str())),
        };
        first.into_iter().chain(name.filter(|name| Some(*name) != first)).filter(|value| !value.is_empty())
    }

    fn of_account(&self, tag: &str) -> Option<&'a str> {
        self.account.and_then(|row| row.tags.get(tag)).map(String::as_str)
    }

    /// As people read it: by its name if it has one.
    pub(super) fn shown(&self, label: &Label) -> Option<&'a str> {
        self.values(label).last()
    }

    /// The same for all that have it in common: by its id if it has one.
    pub(super) fn id(&self, label: &Label) -> &'a str {
        self.values(label).next().unwrap_or_default()
    }
}
