//! What people read, held against what was told.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::memory::MemoryIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::check::{Checked, Rows, rows_of};
use super::history::{History, Trouble};
use super::told::{Published, last_words};
use crate::post::{Named, Post};

/// What makes messages come again: nobody knows whether they came.
const REPEATS: [Trouble; 4] = [Trouble::Faults, Trouble::Kills, Trouble::TableAway, Trouble::BusAway];

/// So often the same message may come at most …
const SELDOM: usize = 5;
/// … within so long of the last time: what a channel refuses is tried again every ten minutes at least.
const TRIED_AGAIN: SignedDuration = SignedDuration::from_mins(15);

const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);

/// What is told of a channel is told over the others.
const OF_A_CHANNEL: &str = "Channel takes no messages";

/// An incident as people know it: kind, account, Region and name.
type Known = (String, String, String, String);

/// The notifier's row of each incident is its newest word; who reads all e-mails knows what is open and what is over, and
/// reads of nothing else; Slack says the same.
pub(super) fn check(
    history: &History,
    rows: &Rows,
    (world, published): (&MemoryIo, &[Published]),
    checked: &mut Checked,
) {
    let published = published.iter().map(|event| &event.detail);
    if !REPEATS.iter().any(|trouble| history.weather.has(*trouble)) {
        said_once(world, checked);
    }
    said_seldom(world, checked);
    let notices = world.notices();
    let mails: Vec<Post> = notices.iter().filter_map(Post::mail).collect();
    let names = names(published.clone());
    let read = read(&mails, &names, checked);
    for (incident, word) in last_words(published.clone()) {
        let of = |row: &&Value| row["latest"]["incident"] == incident;
        let latest = rows_of(rows, "incident").iter().find(of).map(|row| &row["latest"]["eventId"]);
        checked.equal(&format!("newest word of {incident}"), &latest, &Some(&word["eventId"]));
        // Whose end came before its beginning was never told, and needs no end.
        let believed = read.get(&incident).copied().unwrap_or(false);
        // What fails in a drill is told with the drill, and pages nobody.
        let must = word["happened"] != "RESOLVED" && !is_of_drill(word);
        checked.equal(&format!("what people think of {incident}"), &believed, &must);
    }
    let waves: BTreeSet<&str> = mails.iter().filter_map(wave).collect();
    let ended = published.filter(|word| word["happened"] == "COMPLETED" && word["drill"] == true);
    let ended: BTreeSet<&str> = ended.filter_map(|word| word["jobId"].as_str()).collect();
    checked.equal("waves that people read of", &waves, &ended);
    let said = |posts: &[Post]| -> BTreeSet<_> {
        posts.iter().map(|post| (post.headline.clone(), post.facts.clone())).collect()
    };
    let slack: Vec<Post> = notices.iter().filter_map(Post::slack).collect();
    let of_one = said(&mails).symmetric_difference(&said(&slack)).cloned().collect::<Vec<_>>();
    for (headline, _) in of_one.iter().filter(|(headline, _)| !headline.contains(OF_A_CHANNEL)) {
        checked.problem(format!("went to one channel only: {headline}"));
    }
}

/// Where no call fails and nobody dies, nobody reads the same twice. Bulletins of a group are further apart.
fn said_once(world: &MemoryIo, checked: &mut Checked) {
    let mut last = BTreeMap::<String, Timestamp>::new();
    for (at, notice) in world.sent() {
        let text = format!("{notice:?}");
        if last.get(&text).is_some_and(|before| at.duration_since(*before) < AT_ONCE) {
            checked.problem(format!("came twice: {text}"));
        }
        last.insert(text, at);
    }
}

/// Whatever fails, one message is not sent again and again: each time needs a fault or a death of its own. A reminder comes
/// hours later.
fn said_seldom(world: &MemoryIo, checked: &mut Checked) {
    let mut runs = BTreeMap::<String, (Timestamp, usize)>::new();
    for (at, notice) in world.sent() {
        let text = format!("{notice:?}");
        let (last, times) = runs.get(&text).copied().unwrap_or((at, 0));
        let times = if at.duration_since(last) < TRIED_AGAIN { times + 1 } else { 1 };
        if times == SELDOM + 1 {
            checked.problem(format!("came more than {SELDOM} times: {text}"));
        }
        runs.insert(text, (at, times));
    }
}

/// The job of which a message is the line.
fn wave(mail: &Post) -> Option<&str> {
    mail.is_of_drill().then(|| mail.facts.get("Job").map(String::as_str)).flatten()
}

fn is_of_drill(word: &Value) -> bool {
    word["kind"] == "JOB_FAILED" && word["drill"] == true
}

/// What incidents are called. One that no sweep has seen yet has another name than later.
fn names<'a>(published: impl Iterator<Item = &'a Value>) -> BTreeMap<Known, String> {
    let of = |word: &Value, name: &str| word[name].as_str().unwrap_or_default().to_owned();
    let words = published.filter(|word| word["incident"].is_string());
    let named = words.map(|word| {
        let [kind, account, region, subject] =
            ["kind", "accountId", "region", "subjectName"].map(|name| of(word, name));
        ((kind, account, region, subject), of(word, "incident"))
    });
    named.collect()
}

/// Which incidents are open, by the last e-mail that names them.
fn read(mails: &[Post], names: &BTreeMap<Known, String>, checked: &mut Checked) -> BTreeMap<String, bool> {
    let mut read = BTreeMap::new();
    for named in mails.iter().filter(|mail| !mail.is_of_drill()).flat_map(Post::named) {
        let Named { kind, account, region, subject, is_over } = named;
        match names.get(&(kind.clone(), account.clone(), region.clone(), subject.clone())) {
            Some(incident) => {
                read.insert(incident.clone(), !is_over);
            }
            None => checked
                .problem(format!("people read of {kind} of {subject}, {account}, {region}, and nobody told")),
        }
    }
    read
}
