//! Groups on a timeline: incidents join, looks come in time, writers die.

mod acks;
mod drill;
mod group;
mod quiet;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::group::{GroupRow, Joined, Round, acknowledged, begin, ended, poke, stored};
use super::member::{MemberRow, joined, told, untold};
use super::{Acks, Bulletin, Counts, Digest, Looked, Plan, Step, Taken, Why, compose};
use crate::incident::{IncidentKind, Severity};
use crate::own_event::{Happened, IncidentEvent};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn event(server: u8, happened: Happened, sequence: u32, second: i64) -> IncidentEvent {
    let subject = format!("s-{server:017}");
    IncidentEvent {
        event_id: format!("{subject}#{sequence}"),
        incident: format!("REPLICATION_STALLED/111122223333/us-west-2/{subject}"),
        happened,
        kind: IncidentKind::ReplicationStalled,
        severity: if happened == Happened::Escalated { Severity::Critical } else { Severity::High },
        account_id: "111122223333".parse().unwrap(),
        account_name: "erp-prod".into(),
        region: "us-west-2".parse().unwrap(),
        subject_name: subject.clone(),
        subject,
        opened_at: at(0),
        at: at(second),
        sequence,
        reason: String::new(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: None,
        application: None,
        drill_tag: None,
    }
}

fn plan() -> Plan {
    let minutes = Duration::from_mins;
    Plan {
        channels: ["mail", "team"].map(|name| name.to_owned().try_into().unwrap()).into(),
        group_wait: Duration::from_secs(30),
        group_interval: minutes(5),
        repeat_interval: minutes(240),
        escalate: vec![Step { after: minutes(15), channels: vec!["pager".to_owned().try_into().unwrap()] }],
        hours: super::Hours::Any,
        threads: ["team".to_owned().try_into().unwrap()].into(),
    }
}

fn taken() -> Taken {
    let labels = BTreeMap::from([("region".to_owned(), "us-west-2".to_owned())]);
    Taken { route: "default".into(), group: "default|region=us-west-2".into(), labels }
}

/// How far a look gets before its writer dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dies {
    /// It does not.
    Never,
    /// After so many members were marked.
    Marking(usize),
    /// When the bulletin was kept, and no delivery stored.
    Kept,
}

/// A group, its members, and the bulletins that went out.
#[derive(Default)]
pub(super) struct Stage {
    group: Option<GroupRow>,
    members: BTreeMap<String, MemberRow>,
    muted: BTreeSet<String>,
    /// How many of what is open.
    acknowledged: usize,
    told: Vec<Vec<String>>,
    hours: super::Hours,
    /// No channel has messages that can be changed.
    has_no_threads: bool,
    /// How often the group is told of what is new, if not every five minutes.
    interval: Option<Duration>,
    digests: Vec<Digest>,
}

impl Stage {
    fn plan(&self) -> Plan {
        let plan = plan();
        Plan {
            hours: self.hours.clone(),
            threads: if self.has_no_threads { BTreeSet::new() } else { plan.threads },
            group_interval: self.interval.unwrap_or(plan.group_interval),
            ..plan
        }
    }

    pub(super) fn happens(&mut self, event: &IncidentEvent, now: Timestamp) {
        let known = self.members.get(&event.incident);
        let asleep = self.plan().oversleeps(event.severity, now);
        if let Some(change) = joined("g", event, known, asleep) {
            self.members.insert(event.incident.clone(), change.row);
        }
        let Some(member) = self.members.get(&event.incident) else { return };
        if member.news().is_some() {
            let severity = if member.standing().open { event.severity } else { Severity::Low };
            let joined = Joined { severity, is_back: event.happened == Happened::Reopened };
            if let Some(change) = poke(&taken(), &[joined], self.group.as_ref(), &self.plan(), now) {
                self.group = Some(change.row);
            }
        }
    }

    /// Somebody acknowledges so many of what is open.
    pub(super) fn is_acknowledged(&mut self, open: usize, now: Timestamp) {
        self.acknowledged = open;
        if let Some(change) = self.group.as_ref().and_then(|row| acknowledged(row, now)) {
            self.group = Some(change.row);
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        use crate::row::Row;
        self.group.as_ref().and_then(Row::wake_at)
    }

    pub(super) fn look(&mut self, now: Timestamp, dies: Dies) {
        let Some(row) = self.group.as_ref().and_then(|row| begin(row, now)).map(|change| change.row) else {
            return;
        };
        let round = row.round.clone().unwrap();
        self.group = Some(row.clone());
        if round.outgoing.is_none() {
            let Some(found) = self.find(&row, now, dies) else { return };
            self.group = Some(ended(&row, round.until, found, &self.plan(), now).unwrap().row);
            if dies == Dies::Kept {
                return;
            }
        }
        self.hand_over();
    }

    fn find(&mut self, row: &GroupRow, now: Timestamp, dies: Dies) -> Option<super::group::Found> {
        let Round { number, acks_only, .. } = *row.round.as_ref().unwrap();
        let (mut held, mut waits, hours) = (0, None, self.hours.clone());
        for (marked, member) in self.members.values_mut().enumerate() {
            if dies == Dies::Marking(marked) {
                return None;
            }
            if member.standing().open && self.muted.contains(&member.event.incident) {
                if let Some(change) = untold(member, number) {
                    *member = change.row;
                }
                held += u32::from(!member.is_told_open());
                waits = waits.max(Some(member.event.severity));
            } else if member.sleeps(&hours, now) {
                waits = waits.max(Some(member.event.severity));
            } else if let Some(change) = told(member, number, now).filter(|_| !acks_only) {
                *member = change.row;
            }
        }
        let members: Vec<_> = self.members.values().cloned().collect();
        let open = || members.iter().filter(|member| member.is_told_open()).map(|m| m.event.incident.clone());
        let plan = self.plan();
        let asked = row.asks_for_acks(&members, &plan, now);
        let acked: Vec<_> = open().take(if asked { self.acknowledged } else { 0 }).collect();
        let by = || Acks { count: u32::try_from(acked.len()).unwrap(), by: vec!["ann".into()] };
        let acks = (!acked.is_empty()).then(by);
        let seen_to = open().filter(|incident| self.muted.contains(incident)).chain(acked).collect();
        let looked =
            Looked { members: &members, held, untold: waits, seen_to: &seen_to, acks, plan: &plan, now };
        Some(compose(row, number, &looked))
    }

    fn hand_over(&mut self) {
        let row = self.group.clone().unwrap();
        let Some(round) = row.round.as_ref() else { return };
        let outgoing = round.outgoing.clone().unwrap();
        let Bulletin::Digest(digest) = &outgoing.bulletin else { panic!("a group tells digests") };
        self.digests.push((**digest).clone());
        self.told.push(outgoing.channels.iter().map(ToString::to_string).collect());
        let sent = outgoing.channels.iter().map(|channel| {
            let place =
                super::delivery::Place { day: super::delivery::day_of(digest.at), number: round.number };
            (channel.clone(), place)
        });
        self.group = Some(stored(&row, round.until, &sent.collect()).unwrap().row);
    }

    /// Looks whenever one is due, until nothing is or `end` has come.
    pub(super) fn passes(&mut self, end: Timestamp) {
        while let Some(due) = self.due().filter(|due| *due <= end) {
            self.look(due, Dies::Never);
        }
    }
}

fn told_at(stage: &Stage) -> Vec<(i64, Counts)> {
    stage.digests.iter().map(|digest| (digest.at.as_second(), digest.counts)).collect()
}

fn counts(opened: u32, resolved: u32, open: u32) -> Counts {
    Counts { opened, resolved, open, ..Counts::default() }
}

fn opened(server: u8) -> IncidentEvent {
    event(server, Happened::Opened, 1, 0)
}

fn resolved(server: u8, second: i64) -> IncidentEvent {
    event(server, Happened::Resolved, 9, second)
}

fn whys(stage: &Stage) -> Vec<(i64, Why)> {
    stage.digests.iter().map(|digest| (digest.at.as_second(), digest.why)).collect()
}

#[test]
fn what_was_sent_is_history_for_ninety_days() {
    use crate::row::Row;
    let channel = "mail".to_owned().try_into().unwrap();
    let sent = super::DeliveryRow::new(("g", 1), &channel, Digest::of_one(&opened(1)).into(), None);
    assert_eq!(sent.expires_at(), Some(at(90 * 24 * 3600)));
}
