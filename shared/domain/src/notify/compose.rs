//! What a look at a group finds, and the digest that it makes of that.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::bulletin::NAMED;
use super::group::{Found, GroupRow};
use super::member::{MemberRow, News};
use super::{Acks, Counts, Covered, Digest, Plan, Why};
use crate::incident::Severity;
use crate::own_event::IncidentEvent;

/// What a look at a group has to go by.
#[derive(Clone, Debug)]
pub struct Looked<'a> {
    /// All members, those marked with the number of the bulletin included.
    pub members: &'a [MemberRow],
    /// How many are open and held back.
    pub held: u32,
    /// The worst of what is not told yet: held back, or kept until quiet hours are over.
    pub untold: Option<Severity>,
    /// Of those that people know to be open, the incidents that wait for nobody: acknowledged, as far as was asked, or such
    /// as would be held back now, for a mute may be younger than what was told.
    pub seen_to: &'a BTreeSet<String>,
    /// Who sees to what is open; asked for where [`GroupRow::asks_for_acks`].
    pub acks: Option<Acks>,
    /// How the group is told.
    pub plan: &'a Plan,
    /// Our time.
    pub now: Timestamp,
}

/// What is to be told in bulletin `number`.
pub fn compose(row: &GroupRow, number: u32, looked: &Looked<'_>) -> Found {
    let open: Vec<&MemberRow> = looked.members.iter().filter(|member| member.is_told_open()).collect();
    let mut news: Vec<(News, &MemberRow)> = looked
        .members
        .iter()
        .filter_map(|member| Some((member.news_in(number)?, member)))
        .filter(|(news, _)| *news != News::Nothing)
        .collect();
    news.sort_by_key(|(news, member)| (*news == News::Resolved, order(member)));
    let worst = open.iter().filter_map(|member| member.told.map(|told| told.now.severity)).max();
    let count = |wanted: News| number_of(news.iter().filter(|(news, _)| *news == wanted).count());
    let counts = Counts {
        opened: count(News::Opened),
        worse: count(News::Worse),
        resolved: count(News::Resolved),
        open: number_of(open.len()),
        held: looked.held,
    };
    let acks = looked.acks.clone();
    let waiting = open.iter().filter(|member| !looked.seen_to.contains(&member.event.incident));
    let waits_since = waiting.filter_map(|member| member.told_open_since()).min();
    let why = if news.is_empty() { unchanged(row, looked, waits_since) } else { Some(Why::Changed) };
    let named: Vec<&MemberRow> = if news.is_empty() {
        // First of all what still waits for somebody.
        let mut open = open.clone();
        open.sort_by_key(|member| (looked.seen_to.contains(&member.event.incident), order(member)));
        open
    } else {
        news.iter().map(|(_, member)| *member).collect()
    };
    let digest = why.map(|why| Digest {
        key: format!("{}#{number}", row.id),
        group: row.id.clone(),
        route: row.route.clone(),
        labels: row.labels.clone(),
        why,
        at: looked.now,
        since: since(if open.is_empty() { &named } else { &open }, looked.now),
        waits_since,
        worst,
        counts,
        unnamed: Covered::of(named.iter().skip(NAMED).map(|member| &member.event)),
        first: named.iter().take(NAMED).map(|member| member.event.clone()).collect(),
        accounts: number_of(open.iter().map(|m| &m.event.account_id).collect::<BTreeSet<_>>().len()),
        acks: acks.clone(),
        late: false,
    });
    Found { digest, open: counts.open, worst, held: looked.held, untold: looked.untold, waits_since, acks }
}

/// Why a group is told of in which nothing is new; nobody is told again while nothing waits for somebody.
fn unchanged(row: &GroupRow, looked: &Looked<'_>, waits_since: Option<Timestamp>) -> Option<Why> {
    let (episode, plan, now) = (row.episode.as_ref()?, looked.plan, looked.now);
    // A look in quiet hours is for what is worse than what waits.
    let waiting = looked.members.iter().filter(|member| !looked.seen_to.contains(&member.event.incident));
    let worst = waiting
        .filter_map(|member| member.told.filter(|told| told.now.open))
        .map(|told| told.now.severity)
        .max();
    let is_quiet = plan.hours.is_quiet(now, worst.unwrap_or(Severity::Low));
    let may_be_told = !is_quiet && row.is_to_be_told_again(plan, now);
    let again = waits_since.filter(|_| may_be_told).and_then(|since| {
        let taken = episode.steps_taken(Some(since));
        let escalates = episode.step_after(Some(since), plan).is_some_and(|at| at <= now);
        let repeats = episode.is_repeated_at(plan) <= now;
        escalates.then_some(Why::Escalated(taken + 1)).or(repeats.then_some(Why::Repeated))
    });
    again.or_else(|| {
        let is_news = looked.acks.as_ref().is_some_and(|acks| episode.is_news(acks, plan));
        (is_news && row.may_show_acks(plan, now)).then_some(Why::Acknowledged)
    })
}

/// The worst first, then what has lasted longest; the same for every repetition.
fn order(member: &MemberRow) -> (std::cmp::Reverse<Severity>, Timestamp, &str) {
    let IncidentEvent { severity, opened_at, incident, .. } = &member.event;
    (std::cmp::Reverse(*severity), *opened_at, incident)
}

fn since(members: &[&MemberRow], now: Timestamp) -> Timestamp {
    members.iter().map(|member| member.event.opened_at).min().unwrap_or(now)
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
