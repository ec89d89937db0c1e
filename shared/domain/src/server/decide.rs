//! The decision: what observations of a server, or the time alone, mean.

use jiff::Timestamp;

use super::conditions::{self, Sight};
use super::{Observation, ServerRow};
use crate::ids::SourceServerId;
use crate::incident::{self, Subject, reconcile_late};
use crate::keys::Place;
use crate::policy::{Limits, Policy};
use crate::registry::Registry;
use crate::row::Change;

/// What a decision on a server may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The last complete sweep of the place, in AWS's time. It confirmed every row it left alone, so what
    /// is older is stale, and what it did not list was gone. Never the sweep that is still being applied.
    pub swept_at: Option<Timestamp>,
    /// The thresholds.
    pub policy: &'a Policy,
    /// Our time.
    pub now: Timestamp,
    /// Whether messages reach this process in time, so that what it was not told did not happen. Otherwise what time
    /// alone changes counts only where a sweep has looked since.
    pub hears: bool,
    /// Who is watched. Without it every place is, and nobody else's.
    pub registry: Option<&'a Registry>,
}

impl<'a> Context<'a> {
    /// Of a process that hears well and knows of no sweep.
    pub fn new(account_name: &'a str, policy: &'a Policy, now: Timestamp) -> Self {
        Self { account_name, swept_at: None, policy, now, hears: true, registry: None }
    }

    /// Whether anything of the place is judged: servers of an account that was switched off or removed are not.
    fn is_watched(&self, place: &Place) -> bool {
        self.registry.is_none_or(|registry| registry.is_swept(place))
    }

    /// Whether the account, or this Region of it, is not registered any more.
    pub fn is_removed(&self, place: &Place) -> bool {
        self.registry.is_some_and(|registry| !registry.is_registered(&place.account, &place.region))
    }

    /// Whether a server replicates in another account that is watched, and so is judged there.
    fn is_judged_elsewhere(&self, row: &ServerRow) -> bool {
        let staging = row.inventory.as_ref().and_then(|i| i.staging.account.as_ref());
        let elsewhere = staging.filter(|account| row.is_extended() && **account != row.place.account);
        let there = elsewhere.map(|account| Place { account: account.clone(), ..row.place.clone() });
        self.registry.is_some_and(|registry| there.is_some_and(|place| registry.is_swept(&place)))
    }
}

/// Decides what observations of one server mean; without observations, what the time means.
pub fn decide(
    (place, id): (&Place, &SourceServerId),
    observations: &[Observation],
    stored: Option<&ServerRow>,
    context: &Context<'_>,
) -> Option<Change<ServerRow>> {
    let mut row = stored.cloned();
    let mut swept_at = context.swept_at;
    let mut at = None;
    for observation in observations {
        let time = observation.time();
        let is_known = row.is_some() || !matches!(observation, Observation::Gone { .. });
        if is_known {
            let before = row.take().unwrap_or_else(|| ServerRow::new((place, id), time, swept_at));
            let after = before.after(observation, swept_at, context.policy);
            at = at.max((after != before).then_some(time));
            row = Some(after);
        }
        swept_at = swept_at.max(observation.swept_at());
    }
    // What tells nothing new changes nothing, but time and thresholds may have.
    let at = at.unwrap_or(context.now);
    let mut row = row?;
    let limits = row.limits(context.policy);
    row.resync_since = row.replication.resync(swept_at).map(|seen| row.resync_since.unwrap_or(seen));
    row.forget_at = row.forget_at(&limits, context);
    if row.forget_at.is_some() && context.is_removed(place) {
        row.give_up_details();
    }
    let sight = Sight {
        now: context.now,
        hears: context.hears,
        swept_at,
        judged_elsewhere: context.is_judged_elsewhere(&row),
    };
    let is_watched = context.is_watched(place);
    let holding = if is_watched { conditions::holding(&row, &limits, sight) } else { Vec::new() };
    let name = row.name().to_owned();
    let application = row.application(context.policy).map(str::to_owned);
    let drill_tag = row.drill_tag().map(str::to_owned);
    let subject = Subject {
        place,
        account_name: context.account_name,
        id: id.as_str(),
        name: &name,
        job: None,
        application: application.as_deref(),
        drill_tag: drill_tag.as_deref(),
    };
    let tell = reconcile_late(&mut row.incidents, &holding, &subject, (at, context.now));
    let will_hold = conditions::next(&row, &limits, sight).filter(|_| is_watched);
    row.look_at = will_hold.into_iter().chain(incident::wake_at(&row.incidents)).min();
    Change::between(stored, row, tell.into_iter().map(Into::into).collect())
}

impl ServerRow {
    /// When the table may forget it: when it is gone, or nobody watches it any more, for long enough.
    fn forget_at(&self, limits: &Limits, context: &Context<'_>) -> Option<Timestamp> {
        let kept = |since: Timestamp| since.checked_add(limits.gone_kept).ok();
        match self.gone_since {
            Some(gone) => kept(gone),
            None if context.is_removed(&self.place) => self.forget_at.or_else(|| kept(context.now)),
            None => None,
        }
    }

    /// Whether it must be brought in line when its place is not watched any more.
    pub fn is_to_be_dismissed(&self) -> bool {
        self.look_at.is_some() || self.forget_at.is_none() || incident::open(&self.incidents).next().is_some()
    }
}
