//! What a bulletin says, before a channel gives it its form.

use super::{Links, digest, drill, incident};
use crate::incident::Severity;
use crate::notify::Bulletin;

/// What a bulletin says, in the order in which people read it. Texts from outside are cut and free of control
/// characters, but not escaped.
pub(super) struct Told {
    /// How bad what is open is; `None` where nothing is wrong, or no more.
    pub(super) severity: Option<Severity>,
    /// Stands before everything else where it is only a sample.
    pub(super) sample: bool,
    /// It tells how things stood, for newer messages have gone past it.
    pub(super) late: bool,
    /// The first line of the message.
    pub(super) headline: String,
    /// All that a lock screen or a list of messages shows.
    pub(super) line: String,
    /// What is new, for those who know the rest.
    pub(super) news: String,
    /// Sentences.
    pub(super) text: Vec<String>,
    /// Names and values.
    pub(super) facts: Vec<(String, String)>,
    /// The first of several.
    pub(super) list: Option<List>,
    /// What to do.
    pub(super) advice: Option<String>,
    /// The command that acknowledges it, while it waits for somebody.
    pub(super) acknowledge: Option<String>,
    /// Labels and URLs.
    pub(super) links: Vec<(String, String)>,
}

/// The first of several.
pub(super) struct List {
    /// What they are.
    pub(super) title: &'static str,
    /// The first.
    pub(super) items: Vec<Item>,
    /// How many there are, the first included.
    pub(super) all: u32,
    /// The command that lists all.
    pub(super) command: String,
}

impl List {
    /// What stands below the first `shown`.
    pub(super) fn rest(&self, shown: usize) -> Option<String> {
        let more = usize::try_from(self.all).unwrap_or(usize::MAX).saturating_sub(shown);
        (more > 0).then(|| format!("and {more} more: {}", self.command))
    }
}

/// One of several.
pub(super) struct Item {
    /// What it is called.
    pub(super) name: String,
    /// Where to look at it.
    pub(super) link: Option<String>,
    /// What else is to be said of it.
    pub(super) rest: String,
}

/// What marks a sample; no message of something real begins so.
pub(super) const SAMPLE: &str = "Test: nothing is wrong";

impl Told {
    /// Of a bulletin.
    pub(super) fn of(bulletin: &Bulletin, links: &Links) -> Self {
        match bulletin {
            Bulletin::Digest(digest) => match digest.only() {
                Some(event) => incident::told(digest, event, links),
                None => digest::told(digest, links),
            },
            Bulletin::Drill(drill) => drill::told(drill, links),
        }
    }

    /// A text as it is marked where it belongs to a sample, or comes late.
    pub(super) fn marked(&self, text: &str) -> String {
        match (self.sample, self.late) {
            (true, _) => format!("{SAMPLE} - {text}"),
            (false, true) => format!("Late: {text}"),
            (false, false) => text.to_owned(),
        }
    }
}

/// A bulletin on one line, as a list of messages shows it.
pub fn line(bulletin: &Bulletin) -> String {
    let told = Told::of(bulletin, &Links::default());
    told.marked(&told.line)
}
