//! A group of incidents, and when it is told.
//!
//! Incidents that join *poke* their group, which sets the time of the next *look*. A look is claimed, reads all members,
//! marks what is new with the number of the next bulletin, and puts that together; so whoever finds a claim that ran out
//! puts the same bulletin together from the same marks. The bulletin is kept in the group's row until its deliveries are
//! stored, see [`super::delivery`].
//!
//! While anything is open, held back or kept for the end of quiet hours, a group is looked at each `group_interval`; when all
//! is over and told it is looked at once more and then sleeps. So an incident that joins while a look is under way is found
//! by the next one.

mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use self::row::CLAIM;
pub use self::row::{Episode, GroupRow, Outgoing, Round};
use super::delivery::Place as DeliveredAt;
use super::{Acks, Bulletin, ChannelName, Digest, Plan, Taken, Why};
use crate::incident::Severity;
use crate::own_event::Happened;
use crate::row::{Change, Row};
use crate::sweep::after;

/// Something CRITICAL beside what people know to be CRITICAL in the group is told at once if they were last told so long
/// ago. In a storm it waits its turn.
const URGENT_AGAIN: Duration = Duration::from_mins(1);

/// Where people know of so many open at most, something CRITICAL waits only that long.
const FEW: u32 = 10;

/// A group in which much is held back and CRITICAL is looked at so often at least, however long its interval.
const HELD_AGAIN: Duration = Duration::from_mins(5);

/// An incident that joined its group, or changed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// How bad it is; LOW where it is over.
    pub severity: Severity,
    /// It was over, and is back. What flaps is told at once only where all was over for a while.
    pub is_back: bool,
}

/// Incidents joined, or changed: has the group looked at in time.
pub fn poke(
    taken: &Taken,
    joined: &[Joined],
    stored: Option<&GroupRow>,
    plan: &Plan,
    now: Timestamp,
) -> Option<Change<GroupRow>> {
    let worst = joined.iter().map(|joined| joined.severity).max()?;
    let row = stored.cloned().unwrap_or_else(|| GroupRow::new(taken, now));
    let is_worse = row.worst_told() < Some(Severity::Critical);
    let rested = row.episode.as_ref().is_none_or(|episode| {
        let rest = if episode.open <= FEW { URGENT_AGAIN } else { plan.group_interval };
        after(episode.told_at, rest) <= now
    });
    let may_be_urgent =
        |joined: &Joined| if joined.is_back { row.episode.is_none() } else { is_worse || rested };
    let urgent = joined.iter().any(|joined| joined.severity == Severity::Critical && may_be_urgent(joined));
    // One beside few others waits no longer than that.
    let is_new = |joined: &Joined| joined.severity == Severity::Critical && !joined.is_back;
    let is_soon = joined.iter().any(is_new);
    let soon = row.episode.as_ref().filter(|episode| is_soon && episode.open <= FEW);
    let turn = row.episode.as_ref().map(|episode| after(episode.told_at, plan.group_interval));
    let turn = turn.unwrap_or(now).max(after(now, plan.group_wait));
    let wanted = soon.map_or(turn, |episode| after(episode.told_at, URGENT_AGAIN));
    let wanted = if urgent { now } else { wanted };
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
    // Who pokes or acknowledges from now on is remembered apart; what was acknowledged before a look for what is new begins
    // may not be asked for by that.
    let ack_at = row.ack_at.filter(|_| row.round.is_some() || !acks_only);
    let keeps_turn = row.round.is_some() || round.acks_only;
    let (look_at, urgent) = if keeps_turn { (row.look_at, row.urgent) } else { (None, false) };
    let next = GroupRow { round: Some(round), look_at, ack_at, urgent, ..row.clone() };
    Change::between(Some(row), next, Vec::new())
}

/// Goes on with the look of claim `until`, which takes long, unless another has taken it over. Where it goes on already the
/// answer to that was lost, and it is written once more.
pub fn renewed(row: &GroupRow, until: Timestamp, now: Timestamp) -> Option<Change<GroupRow>> {
    let renewed = after(now, CLAIM);
    let round = row.round.clone().filter(|round| [until, renewed].contains(&round.until))?;
    let round = Some(Round { until: renewed, ..round });
    Some(Change { row: GroupRow { round, ..row.clone() }, tell: Vec::new() })
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
    /// The worst of what is not told yet: held back, or kept until quiet hours are over.
    pub untold: Option<Severity>,
    /// Since when people have known of the first of what is open that nobody sees to; `None` where nothing waits, so that
    /// nobody is to be told again.
    pub waits_since: Option<Timestamp>,
    /// Who sees to what is open; only known where it was asked for.
    pub acks: Option<Acks>,
}

impl Found {
    /// The worst that is new and not over.
    fn worst_news(&self) -> Option<Severity> {
        let digest = self.digest.as_ref().filter(|digest| digest.why == Why::Changed)?;
        let open = digest.first.iter().filter(|event| event.happened != Happened::Resolved);
        open.map(|event| event.severity).max()
    }
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
        (episode.open, episode.worst, episode.waits_since) = (found.open, found.worst, found.waits_since);
        if episode.threads(plan).next().is_none() {
            // Nobody can be shown it now; the next message says so.
            episode.acks = found.acks.clone().or_else(|| episode.acks.take());
        }
    }
    let lives = found.open > 0 || found.untold.is_some();
    let pause = if round.urgent && told { plan.group_wait } else { plan.group_interval };
    let turn = (lives || told).then(|| next_look(&next, &found, plan, pause, now));
    if !round.acks_only {
        if turn.is_none() && row.look_at.is_none() {
            next.past.extend(next.episode.take().into_iter().flat_map(|episode| episode.last));
        }
        // What joined meanwhile and is as bad as what was just told waits its turn, or like any CRITICAL beside few.
        next.urgent = row.urgent && found.worst_news() < Some(Severity::Critical);
        let rest = if row.urgent && found.open <= FEW { pause.min(URGENT_AGAIN) } else { pause };
        let joined = row.look_at.map(|at| if told && !next.urgent { at.max(after(now, rest)) } else { at });
        next.look_at = if next.urgent { joined } else { turn.into_iter().chain(joined).min() };
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
    let (escalated, escalated_at) = match digest.why {
        Why::Escalated(step) => (step, Some(now)),
        _ => known.as_ref().map_or((0, None), |known| (known.escalated, known.escalated_at)),
    };
    Episode {
        began_at: known.as_ref().map_or(now, |known| known.began_at),
        // That somebody sees to it puts off nothing else.
        told_at: known
            .as_ref()
            .filter(|_| digest.why == Why::Acknowledged)
            .map_or(now, |known| known.told_at),
        open: found.open,
        worst: found.worst,
        waits_since: found.waits_since,
        escalated,
        escalated_at,
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
    // One that is due and was not taken waits for the end of quiet hours.
    let step = step.filter(|step| *step > now || found.digest.is_some());
    let at = step.map_or(turn, |step| turn.min(step.max(now)));
    // What is held back is told soon after the mute or the window ends, which may be before its time.
    let held = if found.held <= FEW { URGENT_AGAIN } else { HELD_AGAIN };
    let at = if found.untold == Some(Severity::Critical) { at.min(after(now, held)) } else { at };
    plan.tells_at(at, found.worst.max(found.untold).unwrap_or(Severity::Low))
}

/// Whoever was told that something is wrong is told how it goes on, whatever the plan says meanwhile; that somebody sees to
/// it, only where it changes what stands there. The next step of an escalation goes to its own channels; the end of
/// something, only to who was told of it.
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
    // What came and went while nobody was to be told, nobody knows of.
    let is_new = digest.worst.is_some() || row.episode.is_none();
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
