//! What a look at a group finds, and the digest that it makes of that.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::bulletin::NAMED;
use super::group::{Found, GroupRow};
use super::member::{MemberRow, News};
use super::{Acks, Counts, Covered, Digest, Plan, Why};
use crate::incident::Severity;
use crate::own_event::IncidentEvent;
use crate::sweep::after;

/// What a look at a group has to go by.
#[derive(Clone, Debug)]
pub struct Looked<'a> {
    /// All members, those marked with the number of the bulletin included.
    pub members: &'a [MemberRow],
    /// How many are open and held back.
    pub held: u32,
    /// How many of those that people know to be open would be held back now: a mute may be younger than what was told.
    pub silenced: u32,
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
    let is_acknowledged = acks.as_ref().is_some_and(|acks| acks.count >= counts.open);
    let rests = is_acknowledged || looked.silenced >= counts.open;
    let why = if news.is_empty() { unchanged(row, looked, rests) } else { Some(Why::Changed) };
    let named: Vec<&MemberRow> = if news.is_empty() {
        let mut open = open.clone();
        open.sort_by_key(|member| order(member));
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
        worst,
        counts,
        unnamed: Covered::of(named.iter().skip(NAMED).map(|member| &member.event)),
        first: named.iter().take(NAMED).map(|member| member.event.clone()).collect(),
        accounts: number_of(open.iter().map(|m| &m.event.account_id).collect::<BTreeSet<_>>().len()),
        acks: acks.clone(),
    });
    Found { digest, open: counts.open, worst, held: looked.held, rests, acks }
}

/// Why a group is told of in which nothing is new; nobody is told again while it rests.
fn unchanged(row: &GroupRow, looked: &Looked<'_>, rests: bool) -> Option<Why> {
    let episode = row.episode.as_ref()?;
    if rests || !row.is_to_be_told_again(looked.plan, looked.now) {
        let is_news = looked.acks.as_ref().is_some_and(|acks| episode.is_news(acks, looked.plan));
        return (is_news && row.may_show_acks(looked.plan, looked.now)).then_some(Why::Acknowledged);
    }
    let step = looked.plan.escalate.get(usize::try_from(episode.escalated).ok()?);
    let escalates = step.is_some_and(|step| after(episode.began_at, step.after) <= looked.now);
    Some(if escalates { Why::Escalated(episode.escalated + 1) } else { Why::Repeated })
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
