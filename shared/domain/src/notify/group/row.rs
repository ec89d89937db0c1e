//! What is stored of a group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::delivery::Place as DeliveredAt;
use super::super::member::News;
use super::super::{Acks, Bulletin, ChannelName, Hours, MemberRow, Plan, Taken};
use crate::incident::Severity;
use crate::keys::{self, Key};
use crate::own_event::Happened;
use crate::routing::WorkerName;
use crate::row::Row;
use crate::sweep::after;

/// Whoever has not finished a look after this long is taken for dead.
pub(super) const CLAIM: Duration = Duration::from_mins(1);

/// Of so many one call of the table tells who sees to them.
const ASKED: usize = 100;

/// A group of which nothing was told for this long is forgotten. Its bulletins are kept for 90 days.
const KEPT: Duration = Duration::from_hours(91 * 24);

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The route, and what all in the group have in common.
    pub id: String,
    /// The route.
    pub route: String,
    /// What all in the group have in common, by label.
    pub labels: BTreeMap<String, String>,
    /// The number of the last bulletin.
    #[serde(default)]
    pub number: u32,
    /// When it is looked at; `None` while it sleeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// Somebody acknowledged something of it: since then it wants to be looked at for that alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_at: Option<Timestamp>,
    /// Something CRITICAL wants to be told of without waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The look that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<Round>,
    /// What people know of it; `None` where they need to know nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<Episode>,
    /// By channel, the last bulletin that went there while something was open before: what is told now is not told before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past: BTreeMap<ChannelName, DeliveredAt>,
    /// When it was last poked or told.
    pub touched_at: Timestamp,
}

/// A look at a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The number of its bulletin.
    pub number: u32,
    /// It is somebody's until then; afterwards anybody's.
    pub until: Timestamp,
    /// It does not wait its turn, so the next one comes sooner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// It is for what was acknowledged alone: what else is new waits its turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acks_only: bool,
    /// What it came to, to be stored as deliveries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<Outgoing>,
}

impl Round {
    /// Whether it is still whose it was. Afterwards another may have told what is marked with its number, and what changed
    /// since then is for the next one.
    pub fn is_ours(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Whether much of the time is over in which it is.
    pub fn is_old(&self, now: Timestamp) -> bool {
        after(now, CLAIM / 2) > self.until
    }
}

/// A bulletin that goes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The bulletin.
    pub bulletin: Bulletin,
    /// Over which channels.
    pub channels: BTreeSet<ChannelName>,
}

/// From the first that was told of a group until all of it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// When it was first told.
    pub began_at: Timestamp,
    /// When it was last told.
    pub told_at: Timestamp,
    /// How many are open, of those that were told.
    pub open: u32,
    /// The worst that was told of what is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
    /// Since when people have known of the first of what is open that nobody sees to; from then on the steps of the
    /// escalation are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Timestamp>,
    /// How many steps of the escalation were taken.
    #[serde(default)]
    pub escalated: u32,
    /// When the last of these was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_at: Option<Timestamp>,
    /// By channel, the last bulletin that went there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last: BTreeMap<ChannelName, DeliveredAt>,
    /// Who people know sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acks: Option<Acks>,
}

impl Row for GroupRow {
    const KIND: &'static str = "group";
    const WORKER: &'static str = WorkerName::Notifications.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::group(&self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.turn_at().into_iter().chain(self.ack_at.filter(|_| self.round.is_none())).min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        if self.wake_at().is_some() { None } else { self.touched_at.checked_add(KEPT).ok() }
    }
}

impl GroupRow {
    pub(super) fn new(taken: &Taken, now: Timestamp) -> Self {
        Self {
            id: taken.group.clone(),
            route: taken.route.clone(),
            labels: taken.labels.clone(),
            number: 0,
            look_at: None,
            ack_at: None,
            urgent: false,
            round: None,
            episode: None,
            past: BTreeMap::new(),
            touched_at: now,
        }
    }

    /// By channel, the last bulletin that went there since something of it was first told.
    pub fn last_told(&self) -> impl Iterator<Item = (&ChannelName, &DeliveredAt)> {
        self.episode.iter().flat_map(|episode| &episode.last)
    }

    /// The number of the last bulletin that goes to a channel.
    pub fn newest_for(&self, channel: &ChannelName) -> Option<u32> {
        let told = self.episode.as_ref().and_then(|episode| episode.last.get(channel));
        told.or_else(|| self.past.get(channel)).map(|place| place.number)
    }

    /// Whether it is to be looked at without waiting.
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        self.urgent && self.turn_at().is_some_and(|at| at <= now)
    }

    /// When what is new in it is looked at, by whoever comes or goes on.
    pub(super) fn turn_at(&self) -> Option<Timestamp> {
        self.round.as_ref().map(|round| round.until).or(self.look_at)
    }

    /// The worst that people know of.
    pub(super) fn worst_told(&self) -> Option<Severity> {
        self.episode.as_ref().and_then(|episode| episode.worst)
    }

    /// Whether a look at `now` that found these has to know what is acknowledged. A group of thousands that nobody
    /// acknowledged anything of is not asked for each time.
    pub fn asks_for_acks(&self, members: &[MemberRow], plan: &Plan, now: Timestamp) -> bool {
        let was_acked = self.episode.as_ref().is_some_and(|episode| episode.acks.is_some());
        let is_acked = self.round.as_ref().is_some_and(|round| round.acks_only);
        // What was acknowledged at night is shown in the morning.
        let waits = plan.hours != Hours::Any;
        was_acked || is_acked || waits || self.is_to_be_told_again(plan, now) || self.may_be_acked(members)
    }

    /// Whether this look tells of few that may have been acknowledged, perhaps in another group: what opens just now was not.
    fn may_be_acked(&self, members: &[MemberRow]) -> bool {
        let Some(round) = &self.round else { return false };
        let is_news = |member: &MemberRow| member.news_in(round.number).is_some_and(|it| it != News::Nothing);
        let mut open = members.iter().filter(|member| member.is_told_open());
        members.iter().any(is_news)
            && open.clone().count() <= ASKED
            && (self.episode.is_some() || open.any(|member| member.event.happened != Happened::Opened))
    }

    /// Whether a look at `now` may show what was acknowledged: one for that alone may come at any hour.
    pub(in crate::notify) fn may_show_acks(&self, plan: &Plan, now: Timestamp) -> bool {
        let is_turn = self.round.as_ref().is_none_or(|round| !round.acks_only);
        is_turn || plan.tells_at(now, self.worst_told().unwrap_or(Severity::Low)) <= now
    }

    /// Whether a look at `now` that finds nothing new tells it again, or to somebody else, unless somebody sees to it.
    pub(in crate::notify) fn is_to_be_told_again(&self, plan: &Plan, now: Timestamp) -> bool {
        if self.round.as_ref().is_some_and(|round| round.acks_only) {
            return false;
        }
        self.episode.as_ref().is_some_and(|episode| {
            let escalates = episode.next_step(plan).is_some_and(|at| at <= now);
            episode.open > 0 && (escalates || episode.is_repeated_at(plan) <= now)
        })
    }
}

impl Episode {
    /// Those of the channels that know of it whose first message can be changed.
    pub(super) fn threads<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a ChannelName> {
        self.last.keys().filter(|channel| plan.threads.contains(*channel))
    }

    /// Whether it is news to somebody that so much of it is acknowledged, or by whom it was last.
    pub(in crate::notify) fn is_news(&self, acks: &Acks, plan: &Plan) -> bool {
        let is_new = self.acks.as_ref().is_none_or(|known| acks.tell_more_than(known));
        is_new && self.threads(plan).next().is_some()
    }

    /// When the next step of the escalation is due, as far as is known who sees to what.
    pub(super) fn next_step(&self, plan: &Plan) -> Option<Timestamp> {
        self.step_after(self.waits_since, plan)
    }

    /// When the next step is due for what has waited since then.
    pub(in crate::notify) fn step_after(
        &self,
        waits_since: Option<Timestamp>,
        plan: &Plan,
    ) -> Option<Timestamp> {
        let step = plan.escalate.get(usize::try_from(self.steps_taken(waits_since)).ok()?)?;
        Some(after(waits_since?, step.after))
    }

    /// How many steps were taken for what has waited since then. Those who were told before know nothing of it, so for it
    /// the first step is the next.
    pub(in crate::notify) fn steps_taken(&self, waits_since: Option<Timestamp>) -> u32 {
        let is_known = self.escalated_at.is_none_or(|at| waits_since.is_none_or(|since| since <= at));
        if is_known { self.escalated } else { 0 }
    }

    /// When it is told again though nothing has changed.
    pub(in crate::notify) fn is_repeated_at(&self, plan: &Plan) -> Timestamp {
        after(self.told_at, plan.repeat_interval)
    }
}
