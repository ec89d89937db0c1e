//! A group of incidents, and when it is told.
//!
//! Incidents that join *poke* their group, which sets the time of the next *look*. A look is claimed, reads all members,
//! marks what is new with the number of the next bulletin, and puts that together; so whoever finds a claim that ran out
//! puts the same bulletin together from the same marks. The bulletin is kept in the group's row until its deliveries are
//! stored, see [`super::delivery`].
//!
//! While anything is open or held back, a group is looked at each `group_interval`; when all is over and told it is
//! looked at once more and then sleeps. So an incident that joins while a look is under way is found by the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::Place as DeliveredAt;
use super::{Acks, Bulletin, ChannelName, Digest, Hours, Plan, Taken, Why};
use crate::incident::Severity;
use crate::keys::{self, Key};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::after;

/// Whoever has not finished a look after this long is taken for dead.
const CLAIM: Duration = Duration::from_mins(1);

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
    /// How many steps of the escalation were taken.
    #[serde(default)]
    pub escalated: u32,
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
    fn new(taken: &Taken, now: Timestamp) -> Self {
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
            touched_at: now,
        }
    }

    /// By channel, the last bulletin that went there since something of it was first told.
    pub fn last_told(&self) -> impl Iterator<Item = (&ChannelName, &DeliveredAt)> {
        self.episode.iter().flat_map(|episode| &episode.last)
    }

    /// Whether it is to be looked at without waiting.
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        self.urgent && self.turn_at().is_some_and(|at| at <= now)
    }

    /// When what is new in it is looked at, by whoever comes or goes on.
    fn turn_at(&self) -> Option<Timestamp> {
        self.round.as_ref().map(|round| round.until).or(self.look_at)
    }

    /// The worst that people know of.
    fn worst_told(&self) -> Option<Severity> {
        self.episode.as_ref().and_then(|episode| episode.worst)
    }

    /// Whether a look at `now` has to know what is acknowledged. A group of thousands that nobody acknowledged anything
    /// of is not asked for each time.
    pub fn asks_for_acks(&self, plan: &Plan, now: Timestamp) -> bool {
        let was_acked = self.episode.as_ref().is_some_and(|episode| episode.acks.is_some());
        let is_acked = self.round.as_ref().is_some_and(|round| round.acks_only);
        // What was acknowledged at night is shown in the morning.
        let waits = plan.hours != Hours::Any;
        was_acked || is_acked || waits || self.is_to_be_told_again(plan, now)
    }

    /// Whether a look at `now` may show what was acknowledged: one for that alone may come at any hour.
    pub(super) fn may_show_acks(&self, plan: &Plan, now: Timestamp) -> bool {
        let is_turn = self.round.as_ref().is_none_or(|round| !round.acks_only);
        is_turn || plan.tells_at(now, self.worst_told().unwrap_or(Severity::Low)) <= now
    }

    /// Whether a look at `now` that finds nothing new tells it again, or to somebody else, unless somebody sees to it.
    pub(super) fn is_to_be_told_again(&self, plan: &Plan, now: Timestamp) -> bool {
        if self.round.as_ref().is_some_and(|round| round.acks_only) {
            return false;
        }
        self.episode.as_ref().is_some_and(|episode| {
            let escalates = episode.next_step(plan).is_some_and(|at| at <= now);
            episode.open > 0 && (escalates || after(episode.told_at, plan.repeat_interval) <= now)
        })
    }
}

impl Episode {
    /// Those of the channels that know of it whose first message can be changed.
    fn threads<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a ChannelName> {
        self.last.keys().filter(|channel| plan.threads.contains(*channel))
    }

    /// Whether it is news to somebody that so much of it is acknowledged.
    pub(super) fn is_news(&self, acks: &Acks, plan: &Plan) -> bool {
        let known = self.acks.as_ref().map_or(0, |known| known.count);
        acks.count > known && self.threads(plan).next().is_some()
    }

    /// When the next step of the escalation is due.
    fn next_step(&self, plan: &Plan) -> Option<Timestamp> {
        let step = plan.escalate.get(usize::try_from(self.escalated).ok()?)?;
        Some(after(self.began_at, step.after))
    }
}

/// Incidents of these severities joined, or changed: has the group looked at in time.
pub fn poke(
    taken: &Taken,
    severities: &[Severity],
    stored: Option<&GroupRow>,
    plan: &Plan,
    now: Timestamp,
) -> Option<Change<GroupRow>> {
    let worst = *severities.iter().max()?;
    let row = stored.cloned().unwrap_or_else(|| GroupRow::new(taken, now));
    let urgent = worst == Severity::Critical && row.worst_told() < Some(Severity::Critical);
    let turn = row.episode.as_ref().map(|episode| after(episode.told_at, plan.group_interval));
    let wanted = if urgent { now } else { turn.unwrap_or(now).max(after(now, plan.group_wait)) };
    let look_at = plan.tells_at(wanted, worst);
    let sooner = row.look_at.is_none_or(|at| look_at < at);
    if !sooner && (row.urgent || !urgent) {
        return None;
    }
    let look_at = row.look_at.map_or(look_at, |at| at.min(look_at));
    let next = GroupRow { look_at: Some(look_at), urgent: row.urgent || urgent, touched_at: now, ..row };
    Change::between(stored, next, Vec::new())
}

/// Somebody acknowledged something of the group, who is shown it soon. What else is new waits its turn.
pub fn acknowledged(row: &GroupRow, now: Timestamp) -> Option<Change<GroupRow>> {
    row.episode.as_ref()?;
    let next = GroupRow { ack_at: row.ack_at.or(Some(now)), ..row.clone() };
    Change::between(Some(row), next, Vec::new())
}

/// Claims the look that is due. One whose claim ran out is gone on with.
pub fn begin(row: &GroupRow, now: Timestamp) -> Option<Change<GroupRow>> {
    row.wake_at().filter(|at| *at <= now)?;
    let until = after(now, CLAIM);
    let acks_only = row.look_at.is_none_or(|at| at > now);
    let (number, urgent) = (row.number + 1, row.urgent && !acks_only);
    let begun = Round { number, until, urgent, acks_only, outgoing: None };
    let round = row.round.as_ref().map_or(begun, |round| Round { until, ..round.clone() });
    // Who pokes or acknowledges from now on is remembered apart.
    let ack_at = row.ack_at.filter(|_| row.round.is_some());
    let keeps_turn = row.round.is_some() || round.acks_only;
    let (look_at, urgent) = if keeps_turn { (row.look_at, row.urgent) } else { (None, false) };
    let next = GroupRow { round: Some(round), look_at, ack_at, urgent, ..row.clone() };
    Change::between(Some(row), next, Vec::new())
}

/// What a look found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is to be told, if anything.
    pub digest: Option<Digest>,
    /// How many are open that people know of.
    pub open: u32,
    /// The worst of them.
    pub worst: Option<Severity>,
    /// How many are open and held back.
    pub held: u32,
    /// Whether somebody sees to all that is open; only known where it was asked for.
    pub acknowledged: bool,
    /// Who sees to what is open; only known where it was asked for.
    pub acks: Option<Acks>,
}

/// Ends the look of claim `until`, unless another has taken it over. Where it has something to tell, that is kept until
/// [`stored`].
pub fn ended(
    row: &GroupRow,
    until: Timestamp,
    found: Found,
    plan: &Plan,
    now: Timestamp,
) -> Option<Change<GroupRow>> {
    let round = row.round.as_ref().filter(|round| round.until == until)?;
    let mut next = row.clone();
    let told = found.digest.is_some();
    if let Some(digest) = &found.digest {
        next.number = round.number;
        next.episode = Some(episode(row, digest, &found, now));
    } else if let Some(episode) = next.episode.as_mut() {
        (episode.open, episode.worst) = (found.open, found.worst);
    }
    let lives = found.open + found.held > 0;
    let pause = if round.urgent && told { plan.group_wait } else { plan.group_interval };
    let look_at = (lives || told).then(|| next_look(&next, &found, plan, pause, now));
    if !round.acks_only {
        if look_at.is_none() && row.look_at.is_none() {
            next.episode = None;
        }
        // What is as bad as what was just told waits its turn.
        next.urgent = row.urgent && found.worst < Some(Severity::Critical);
        next.look_at = if next.urgent { row.look_at } else { look_at.or(row.look_at) };
    }
    next.touched_at = if told { now } else { row.touched_at };
    next.round = found.digest.map(|digest| Round {
        outgoing: Some(Outgoing {
            channels: channels(row, &digest, plan),
            bulletin: Bulletin::Digest(Box::new(digest)),
        }),
        ..round.clone()
    });
    Change::between(Some(row), next, Vec::new())
}

fn episode(row: &GroupRow, digest: &Digest, found: &Found, now: Timestamp) -> Episode {
    let known = row.episode.clone();
    let step = u32::from(matches!(digest.why, Why::Escalated(_)));
    Episode {
        began_at: known.as_ref().map_or(now, |known| known.began_at),
        // That somebody sees to it puts off nothing else.
        told_at: known
            .as_ref()
            .filter(|_| digest.why == Why::Acknowledged)
            .map_or(now, |known| known.told_at),
        open: found.open,
        worst: found.worst,
        escalated: known.as_ref().map_or(0, |known| known.escalated) + step,
        // Those to whom it is escalated are not those who are shown it.
        acks: match digest.why {
            Why::Escalated(_) => known.as_ref().and_then(|known| known.acks.clone()),
            _ => digest.acks.clone(),
        },
        last: known.map(|known| known.last).unwrap_or_default(),
    }
}

/// While something is open or held back, in an interval; earlier where somebody else is to be told.
fn next_look(row: &GroupRow, found: &Found, plan: &Plan, pause: Duration, now: Timestamp) -> Timestamp {
    let turn = after(now, pause);
    let step =
        row.episode.as_ref().filter(|episode| episode.open > 0).and_then(|episode| episode.next_step(plan));
    let step = step.filter(|_| !found.acknowledged);
    let at = step.map_or(turn, |step| turn.min(step.max(now)));
    plan.tells_at(at, found.worst.unwrap_or(Severity::Low))
}

/// Whoever was told that something is wrong is told how it goes on, whatever the plan says meanwhile; that somebody sees to
/// it, only where it changes what stands there. The next step of
/// an escalation goes to its own channels; the end of something, only to who was told of it.
fn channels(row: &GroupRow, digest: &Digest, plan: &Plan) -> BTreeSet<ChannelName> {
    if let Why::Escalated(step) = digest.why {
        let step = usize::try_from(step.saturating_sub(1)).unwrap_or_default();
        return plan
            .escalate
            .get(step)
            .map(|step| step.channels.iter().cloned().collect())
            .unwrap_or_default();
    }
    if digest.why == Why::Acknowledged {
        return row.episode.iter().flat_map(|episode| episode.threads(plan).cloned()).collect();
    }
    let told = row.episode.iter().flat_map(|episode| episode.last.keys().cloned());
    let is_new = digest.worst.is_some();
    told.chain(plan.channels.iter().filter(|_| is_new).cloned()).collect()
}

/// The deliveries of the bulletin of claim `until` are stored: `sent` says where each is. Its look is over.
pub fn stored(
    row: &GroupRow,
    until: Timestamp,
    sent: &BTreeMap<ChannelName, DeliveredAt>,
) -> Option<Change<GroupRow>> {
    row.round.as_ref().filter(|round| round.until == until)?;
    let mut next = GroupRow { round: None, ..row.clone() };
    if let Some(episode) = next.episode.as_mut() {
        episode.last.extend(sent.iter().map(|(channel, place)| (channel.clone(), place.clone())));
    }
    Change::between(Some(row), next, Vec::new())
}
