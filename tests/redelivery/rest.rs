//! The tags of instances, what people are told, and what nobody acts on.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_domain::envelope::Envelope;
use drs_fleet_domain::event::TagsChanged;
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::member::{News, joined, told};
use drs_fleet_domain::notify::{MemberRow, Taken};
use drs_fleet_domain::own_event::IncidentEvent;
use drs_fleet_domain::row::Change;
use drs_fleet_domain::tags::{self, InstanceTagsRow};
use drs_fleet_domain::unhandled::{self, Noted, Reason, UnhandledRow};
use proptest::prelude::*;

use super::orders::{every_order_ends_the_same, five};
use super::{arriving, at, config, second, somewhere};

const SERVER: &str = "s-12345678901234567";

/// Takes the observations in their order, one by one; deciding on each again must change nothing.
pub(super) fn end_of<T, R: Clone + PartialEq + std::fmt::Debug>(
    all: &[T],
    batches: &[Vec<usize>],
    decide: impl Fn(&T, Option<&R>) -> Option<Change<R>>,
) -> Option<R> {
    let mut row = None;
    for index in batches.iter().flatten() {
        row = decide(&all[*index], row.as_ref()).map(|change| change.row).or(row);
        assert_eq!(decide(&all[*index], row.as_ref()), None, "deciding again");
    }
    row
}

#[derive(Clone, Debug)]
enum TagStep {
    Changed(TagsChanged),
    Listed(u64),
}

/// A version names one set of tags, and a second; a sweep lists the tags of long before and of long after all of them.
fn tag_step() -> impl Strategy<Value = TagStep> {
    let changed = (1_u64..5).prop_map(|version| {
        TagStep::Changed(TagsChanged {
            instance: "i-0a1b2c3d4e5f60718".parse().unwrap(),
            version,
            tags: BTreeMap::from([("release".to_owned(), version.to_string())]),
        })
    });
    prop_oneof![changed, Just(TagStep::Listed(1_000))]
}

fn tag_decide(step: &TagStep, row: Option<&InstanceTagsRow>) -> Option<Change<InstanceTagsRow>> {
    let subject = (&somewhere(), "erp-prod");
    match step {
        TagStep::Changed(change) => {
            let seconds = i64::try_from(change.version).unwrap();
            tags::changed(subject, (change, at(seconds)), row, at(7))
        }
        TagStep::Listed(second) => {
            let (instance, time) =
                ("i-0a1b2c3d4e5f60718".parse().unwrap(), at(i64::try_from(*second).unwrap()));
            let tags = BTreeMap::from([("release".to_owned(), "as listed".to_owned())]);
            tags::listed(subject, (&instance, &tags), row, (time, time))
        }
    }
}

/// The life of one incident key: up to three stalls, each opened, perhaps escalated, and resolved.
fn life() -> impl Strategy<Value = Vec<IncidentEvent>> {
    let end = prop::sample::select(vec![None, Some(Severity::Critical)]);
    (prop::collection::vec(end, 1..=3), any::<bool>()).prop_map(|(stalls, still_open)| {
        let place = somewhere();
        let subject = Subject {
            place: &place,
            account_name: "erp-prod",
            id: SERVER,
            name: "erp-db-03",
            job: None,
            application: None,
            drill_tag: None,
        };
        let mut open = Incidents::new();
        let mut events = Vec::new();
        for (n, worse) in (0_i64..).zip(&stalls) {
            let condition = |severity| Condition {
                kind: IncidentKind::ReplicationStalled,
                since: at(100 * n),
                severity,
                reason: "DRS does not hear the agent (AGENT_NOT_SEEN)".to_owned(),
            };
            events.extend(reconcile(&mut open, &[condition(Severity::High)], &subject, at(100 * n)));
            if let Some(worse) = worse {
                events.extend(reconcile(&mut open, &[condition(*worse)], &subject, at(100 * n + 20)));
            }
            events.extend(reconcile(&mut open, &[], &subject, at(100 * n + 50)));
        }
        if still_open {
            events.pop();
        }
        events
    })
}

/// What is left of an incident, whatever its events came in; and what was told of it.
#[derive(Debug)]
struct Notified {
    row: Option<IncidentRow>,
    /// Whether people were told last that it is open.
    told_open: bool,
    sent: Vec<(News, IncidentEvent)>,
}

/// How often people were told, and what of it, hangs on when they were.
impl PartialEq for Notified {
    fn eq(&self, other: &Self) -> bool {
        (&self.row, self.told_open) == (&other.row, other.told_open)
    }
}

/// The incident's row, and its part in a group that is told after each batch. On two routes, each by itself.
fn notified(events: &[IncidentEvent], batches: &[Vec<usize>]) -> Notified {
    let (mut row, mut member, mut sent): (Option<IncidentRow>, Option<MemberRow>, _) =
        (None, None, Vec::new());
    for (batch, number) in batches.iter().zip(1..) {
        let batch: Vec<_> = batch.iter().map(|i| events[*i].clone()).collect();
        let taken = |_: &_| {
            let taken = |route: &str| Taken {
                route: route.into(),
                group: format!("{route}|g"),
                labels: BTreeMap::new(),
            };
            ["erp", "default"].map(taken).to_vec()
        };
        if let Some(change) = notification::decide(&batch, row.as_ref(), taken) {
            member =
                joined("g", &change.row.latest, member.as_ref(), false).map(|change| change.row).or(member);
            row = Some(change.row);
        }
        assert_eq!(notification::decide(&batch, row.as_ref(), taken), None);
        if let Some(change) =
            member.as_ref().and_then(|member| told(member, number, row.as_ref().unwrap().latest.at))
        {
            sent.push((change.row.news_in(number).unwrap(), change.row.event.clone()));
            member = Some(change.row);
        }
        assert!(member.as_ref().and_then(MemberRow::news).is_none());
    }
    if let Some(member) = &member {
        assert_eq!(Some(&member.event), row.as_ref().map(|row| &row.latest), "it is in its group as it is");
    }
    let told_open = member.as_ref().is_some_and(MemberRow::is_told_open);
    Notified { row, told_open, sent }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_tags_of_an_instance_end_the_same_however_changes_and_lists_arrive(
        (all, one, other) in arriving(tag_step(), 7),
    ) {
        let end = |b| end_of(&all, b, tag_decide);
        let known = |row: Option<InstanceTagsRow>| row.map(|row| (row.version, row.tags));
        prop_assert_eq!(known(end(&one)), known(end(&other)));
    }

    #[test]
    fn people_end_up_told_what_is_so_however_own_events_arrive(
        (events, one, other) in life().prop_flat_map(|events| {
            let n = events.len();
            (Just(events), super::batches(n), super::batches(n))
        }),
    ) {
        let (one, other) = (notified(&events, &one), notified(&events, &other));
        prop_assert_eq!(&one, &other);
        let Notified { row, told_open, sent } = one;
        let row = row.unwrap();
        prop_assert_eq!(&row.latest, events.last().unwrap());
        prop_assert_eq!(told_open, sent.last().is_some_and(|(news, _)| *news != News::Resolved));
        prop_assert_eq!(told_open, row.is_open(), "sent: {:?}", sent);
        let ids: BTreeSet<_> = sent.iter().map(|(_, event)| &event.event_id).collect();
        prop_assert_eq!(ids.len(), sent.len(), "each message is sent once");
    }

    /// As far as the five ids that are kept can tell repetitions.
    #[test]
    fn events_that_nobody_acts_on_are_counted_once(
        (times, one, other) in arriving(second(), 5),
    ) {
        let events: Vec<Envelope> = times.iter().enumerate().map(|(n, time)| Envelope {
            id: format!("id-{n}"),
            source: "aws.drs".to_owned(),
            detail_type: "Added Later".to_owned(),
            account: somewhere().account,
            region: somewhere().region,
            time: *time,
            resources: Vec::new(),
            detail: serde_json::Map::new(),
        }).collect();
        let decide = |event: &Envelope, row: Option<&UnhandledRow>| {
            let fresh = UnhandledRow::of("capacity-tracker", Reason::UnknownType, event);
            unhandled::decide(fresh, &[Noted::from(event)], row, event.time)
        };
        let (one, other) = (end_of(&events, &one, decide).unwrap(), end_of(&events, &other, decide).unwrap());
        prop_assert_eq!(one.count, u64::try_from(events.len()).unwrap());
        prop_assert_eq!((one.count, one.last_at), (other.count, other.last_at));
        prop_assert_eq!(one.ids.iter().collect::<BTreeSet<_>>(), other.ids.iter().collect());
    }
}

#[test]
fn every_order_of_changes_of_tags_ends_the_same() {
    every_order_ends_the_same(five(tag_step()), |all, arrival| {
        end_of(all, arrival, tag_decide).map(|row| (row.version, row.tags))
    });
}

#[test]
fn every_order_of_own_events_leaves_people_with_what_is_so() {
    let history = life().prop_filter("five", |events| events.len() == 5);
    every_order_ends_the_same(history, notified);
}
