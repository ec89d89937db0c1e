//! Plain text for a mailbox.

use std::collections::{BTreeMap, BTreeSet};

use super::told::{List, Told};
use super::{Links, digest, drill, text};
use crate::notify::bulletin::NAMED;
use crate::notify::{Bulletin, Digest, Drill, DrillHappened};

/// SNS refuses longer subjects.
const SUBJECT_LIMIT: usize = 100;

/// Values by name; a policy that names one of several values takes the message.
pub type Attributes = BTreeMap<String, BTreeSet<String>>;

/// An e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// At most 100 printable ASCII characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For subscribers' filter policies, each with all its values: `group`, and of all that is told `severity`, `kind`,
    /// `accountId` and `region`.
    pub attributes: Attributes,
}

/// The bulletin as an e-mail.
pub fn email(bulletin: &Bulletin, links: &Links) -> Email {
    let told = Told::of(bulletin, links);
    let severity = told.severity.map(|severity| format!("[{severity}] ")).unwrap_or_default();
    // Where there is no room for what is new, how things stand is whole at least.
    let subjects = [&told.line, &told.headline].map(|text| told.marked(&format!("{severity}{text}")));
    let subject = subjects.iter().find(|text| text.chars().count() <= SUBJECT_LIMIT).unwrap_or(&subjects[0]);
    Email {
        subject: ascii_line(subject),
        body: body(&told),
        attributes: match bulletin {
            Bulletin::Digest(digest) => of_digest(digest),
            Bulletin::Drill(drill) => of_drill(drill),
        },
    }
}

/// Paragraphs with an empty line between them.
fn body(told: &Told) -> String {
    let width = told.facts.iter().map(|(name, _)| name.chars().count() + 2).max().unwrap_or_default().max(11);
    let facts = told.facts.iter().map(|(name, value)| format!("{:<width$}{value}", format!("{name}:")));
    let links = told.links.iter().map(|(label, url)| format!("{label}: {url}"));
    let mut paragraphs = vec![told.marked(&told.headline)];
    paragraphs.extend(told.text.iter().cloned());
    paragraphs.push(facts.collect::<Vec<_>>().join("\n"));
    paragraphs.extend(told.list.as_ref().map(list));
    paragraphs.extend(told.advice.iter().map(|advice| format!("What to do: {advice}")));
    paragraphs.extend(told.acknowledge.iter().map(|command| format!("To acknowledge: {command}")));
    paragraphs.push(links.collect::<Vec<_>>().join("\n"));
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n") + "\n"
}

fn list(list: &List) -> String {
    let items = list.items.iter().take(NAMED).map(|item| format!("- {} – {}", item.name, item.rest));
    let mut lines = vec![format!("{}:", list.title)];
    lines.extend(items);
    lines.extend(list.rest(lines.len() - 1));
    lines.join("\n")
}

/// Whoever filters by one account, kind or Region is to hear of it in whatever company it comes.
fn of_digest(digest: &Digest) -> Attributes {
    let covered = digest.covered();
    let mut severities = words(covered.severities);
    // How bad what is open is stands in the subject.
    severities.insert(digest::severity(digest).to_string());
    named([
        ("severity", severities),
        ("kind", words(covered.kinds)),
        ("accountId", words(covered.accounts)),
        ("region", words(covered.regions)),
        ("group", words([&digest.group])),
    ])
}

fn of_drill(drill: &Drill) -> Attributes {
    let (accounts, regions) = match &drill.happened {
        DrillHappened::Wave { account_id, region, .. } => (words(account_id), words([region])),
        DrillHappened::Started { .. } | DrillHappened::Ended { .. } => (
            words(drill.sites.iter().map(|site| &site.account_id)),
            words(drill.sites.iter().map(|site| &site.region)),
        ),
    };
    named([
        ("severity", words([drill::severity(drill)])),
        ("kind", words(["DRILL"])),
        ("accountId", accounts),
        ("region", regions),
        // A name as somebody typed it, and SNS takes no control characters.
        ("group", words([text::cut(&drill.name)])),
    ])
}

fn words<T: ToString>(values: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

fn named<const N: usize>(all: [(&str, BTreeSet<String>); N]) -> Attributes {
    let known = all.into_iter().filter(|(_, values)| !values.is_empty());
    known.map(|(name, values)| (name.to_owned(), values)).collect()
}

/// SNS takes printable ASCII in subjects; everything else becomes `?`.
fn ascii_line(text: &str) -> String {
    let ascii: String =
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if ascii.len() <= SUBJECT_LIMIT { ascii } else { format!("{}...", &ascii[..SUBJECT_LIMIT - 3]) }
}
