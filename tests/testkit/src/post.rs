//! What people find in their mailbox and in Slack, read as they read it: from the words alone. It shares no code with what
//! writes them.

use std::collections::BTreeMap;

use drs_fleet_aws::io::Notice;
use serde_json::Value;

/// What happened to one incident stands before it.
const HAPPENED: [&str; 3] = ["Resolved: ", "Escalated: ", "Reopened: "];
/// Nothing happened, and all that is open is told again.
const AGAIN: [&str; 4] = ["Still open: ", "Not acknowledged: ", "Acknowledged: ", "Partly acknowledged: "];

/// A message, whatever it came over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The first line.
    pub headline: String,
    /// Names and values.
    pub facts: BTreeMap<String, String>,
    /// Of several: what each is called, and the rest of its line. Empty where the message is about one.
    pub list: Vec<(String, String)>,
    /// Of an e-mail, what subscribers filter by, where all that it is about has it in common.
    pub attributes: BTreeMap<String, String>,
}

/// How many of what a message counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New.
    pub opened: usize,
    /// Worse, or back.
    pub worse: usize,
    /// Over.
    pub resolved: usize,
    /// Open.
    pub open: usize,
}

/// An incident that a message names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its kind.
    pub kind: String,
    /// The account, by id or name.
    pub account: String,
    /// The Region.
    pub region: String,
    /// What it is about, by name.
    pub subject: String,
    /// Whether it is over.
    pub is_over: bool,
}

impl Post {
    /// An e-mail; `None` where it went elsewhere.
    pub fn mail(notice: &Notice) -> Option<Self> {
        let Notice::Topic { body, attributes, .. } = notice else { return None };
        let paragraphs: Vec<Vec<&str>> =
            body.trim_end().split("\n\n").map(|paragraph| paragraph.lines().collect()).collect();
        // A reason may look like a fact, and stands alone.
        let facts = paragraphs.iter().skip(1);
        let facts = facts.filter_map(|lines| lines.iter().map(|line| fact(line)).collect::<Option<_>>());
        let facts = facts.max_by_key(BTreeMap::len);
        let list = paragraphs.iter().find(|lines| lines.iter().skip(1).any(|line| line.starts_with("- ")));
        let list = list.into_iter().flatten().filter_map(|line| entry(line.strip_prefix("- ")?));
        let in_common = attributes.iter().filter(|(_, values)| values.len() == 1);
        let in_common = in_common.map(|(name, values)| (name.clone(), values.iter().cloned().collect()));
        Some(Self {
            headline: paragraphs[0].concat(),
            facts: facts.unwrap_or_default(),
            list: list.collect(),
            attributes: in_common.collect(),
        })
    }

    /// A message of a Slack webhook; `None` where it went elsewhere.
    pub fn slack(notice: &Notice) -> Option<Self> {
        let Notice::SlackWebhook { message, .. } = notice else { return None };
        let blocks = message["attachments"][0]["blocks"].as_array()?;
        let fields = blocks.iter().filter_map(|block| block["fields"].as_array()).flatten();
        let sections = blocks.iter().filter_map(|block| block["text"]["text"].as_str());
        let bullets = sections.clone().flat_map(str::lines).filter_map(|line| line.strip_prefix("• "));
        Some(Self {
            headline: sections.clone().next()?.to_owned(),
            facts: fields.filter_map(field).collect(),
            list: bullets.filter_map(|line| entry(&without_link(line))).collect(),
            attributes: BTreeMap::new(),
        })
    }

    /// Whether it tells of a drill, and not of incidents.
    pub fn is_of_drill(&self) -> bool {
        self.headline.starts_with("Drill ") && !self.headline.starts_with("Drill left running")
    }

    /// Whether all is over that it tells of.
    pub fn is_over(&self) -> bool {
        ["Resolved: ", "All resolved: "].iter().any(|over| self.headline.starts_with(over))
    }

    /// Whether nothing is new.
    pub fn is_repeated(&self) -> bool {
        AGAIN.iter().any(|again| self.headline.starts_with(again))
    }

    /// How many of what it counts.
    pub fn counts(&self) -> Counts {
        let fact =
            |name| self.facts.get(name).and_then(|value| value.split(' ').next()?.parse().ok()).unwrap_or(0);
        if !self.list.is_empty() {
            return Counts {
                opened: fact("New"),
                worse: fact("Worse or back"),
                resolved: fact("Resolved"),
                open: fact("Open"),
            };
        }
        let is = |holds: bool| usize::from(holds);
        let is_worse = HAPPENED[1..].iter().any(|worse| self.headline.starts_with(worse));
        Counts {
            opened: is(!self.is_over() && !is_worse && !self.is_repeated()),
            worse: is(is_worse),
            resolved: is(self.is_over()),
            open: is(!self.is_over()),
        }
    }

    /// The incidents that an e-mail names.
    pub fn named(&self) -> Vec<Named> {
        let of = |name: &str| self.attributes.get(name).cloned().unwrap_or_default();
        let named = |subject: &str, account: Option<&str>| {
            let (subject, is_over) = without_prefix(subject);
            // What an account is named by is the account itself.
            let account = account.filter(|account| *account != of("region")).unwrap_or(subject);
            let account = self.attributes.get("accountId").cloned().unwrap_or_else(|| account.to_owned());
            Named { kind: of("kind"), account, region: of("region"), subject: subject.to_owned(), is_over }
        };
        if !self.list.is_empty() {
            return self.list.iter().map(|(name, rest)| named(name, rest.split(", ").next())).collect();
        }
        let (what, is_over) = without_prefix(&self.headline);
        let subject = what.split_once(": ").map_or(what, |(_, subject)| subject);
        vec![Named { is_over, ..named(subject, None) }]
    }
}

/// `Severity:  HIGH`. Names of facts are words.
fn fact(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(": ")?;
    let is_name = name.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
    is_name.then(|| (name.to_owned(), value.trim_start().to_owned()))
}

/// `*Severity*\nHIGH`.
fn field(field: &Value) -> Option<(String, String)> {
    let (name, value) = field["text"].as_str()?.split_once('\n')?;
    Some((name.trim_matches('*').to_owned(), value.to_owned()))
}

/// `erp-db-03 – since 2026-08-22 20:12 UTC`.
fn entry(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(" – ")?;
    Some((name.to_owned(), rest.to_owned()))
}

/// `<https://…|erp-db-03> – …`.
fn without_link(line: &str) -> String {
    let linked = line.strip_prefix('<').and_then(|line| line.split_once('|')).map(|(_, named)| named);
    linked.map_or_else(|| line.to_owned(), |named| named.replacen('>', "", 1))
}

/// What it is called, and whether it is over.
fn without_prefix(text: &str) -> (&str, bool) {
    let rest = HAPPENED.iter().chain(&AGAIN).find_map(|prefix| text.strip_prefix(prefix));
    (rest.unwrap_or(text), text.starts_with("Resolved: "))
}
