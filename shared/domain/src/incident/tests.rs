use super::*;

/// Minutes after some moment.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

/// The incidents of one server, and what was told of them.
#[derive(Default)]
struct Server {
    incidents: Incidents,
    told: Vec<IncidentEvent>,
}

impl Server {
    /// What is told at `minute`, when a stall holds that began at `since`; as the notifier gets it.
    fn decides(&mut self, minute: i64, stall: Option<(i64, Severity)>) -> Vec<(Happened, u32)> {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let subject = Subject {
            place: &place,
            account_name: "erp-prod",
            id: "s-1",
            name: "erp-db-03",
            job: None,
            application: None,
            drill_tag: None,
        };
        let holding = stall.map(|(since, severity)| Condition {
            kind: IncidentKind::ReplicationStalled,
            since: at(since),
            severity,
            reason: format!("stalled since {since}"),
        });
        let told = reconcile(&mut self.incidents, holding.as_slice(), &subject, at(minute));
        for event in &told {
            let order = |e: &IncidentEvent| (e.opened_at, e.sequence);
            assert!(
                self.told.last().is_none_or(|last| order(last) < order(event)),
                "would be dropped: {event:?}"
            );
            self.told.push(event.clone());
        }
        told.iter().map(|event| (event.happened, event.flaps)).collect()
    }

    fn stalls(&mut self, minute: i64) -> Vec<(Happened, u32)> {
        self.decides(minute, Some((minute, Severity::High)))
    }

    fn recovers(&mut self, minute: i64) -> Vec<(Happened, u32)> {
        self.decides(minute, None)
    }

    fn is_open(&self) -> bool {
        open(&self.incidents).next().is_some()
    }
}

#[test]
fn an_incident_opens_once_and_closes_once() {
    let mut server = Server::default();
    assert_eq!(server.stalls(0), [(Happened::Opened, 0)]);
    assert_eq!(server.decides(1, Some((0, Severity::High))), []);
    assert_eq!(server.recovers(5), [(Happened::Resolved, 0)]);
    assert_eq!(server.recovers(6), []);
    assert_eq!(wake_at(&server.incidents), None, "its end was told");
    assert_eq!((server.told[1].opened_at, server.told[1].at), (at(0), at(5)));
}

#[test]
fn what_flaps_is_told_once_as_reopened_and_then_not_before_it_is_quiet() {
    let mut server = Server::default();
    server.stalls(0);
    server.recovers(5);
    assert_eq!(server.stalls(14), [(Happened::Reopened, 1)]);
    for minute in [15, 20, 25, 30] {
        assert_eq!(server.recovers(minute), [], "{minute}");
        assert!(!server.is_open());
        assert_eq!(server.stalls(minute + 2), [], "{minute}");
        assert!(server.is_open());
    }
    assert_eq!(server.recovers(40), []);
    assert_eq!(wake_at(&server.incidents), Some(at(50)));
    assert_eq!(server.recovers(49), []);
    assert_eq!(server.recovers(51), [(Happened::Resolved, 5)]);
    let last = server.told.last().unwrap();
    assert_eq!(
        (last.opened_at, last.at),
        (at(0), at(40)),
        "the end is when it ended, not when that was sure"
    );
    assert_eq!(wake_at(&server.incidents), None);
}

#[test]
fn what_is_learnt_of_the_cause_is_kept_and_told_with_what_is_told_next() {
    let mut server = Server::default();
    server.stalls(0);
    assert_eq!(server.decides(5, Some((5, Severity::High))), [], "a better reason pages nobody");
    let reason = |server: &Server| server.incidents[&IncidentKind::ReplicationStalled].reason.clone();
    assert_eq!(reason(&server), "stalled since 5");
    server.decides(6, Some((6, Severity::High)));
    server.recovers(7);
    assert_eq!(server.told.last().unwrap().reason, "stalled since 6", "its end says why it was");
    assert_eq!(reason(&server), "", "what is over and told to be is kept without");
    assert_eq!(server.stalls(9), [(Happened::Reopened, 1)]);
    assert_eq!(server.told.last().unwrap().reason, "stalled since 9");
}

#[test]
fn what_comes_back_after_it_was_quiet_is_another_incident() {
    let mut server = Server::default();
    server.stalls(0);
    server.recovers(5);
    assert_eq!(server.stalls(15), [(Happened::Opened, 0)]);
    assert_eq!(server.told.last().unwrap().opened_at, at(15));
}

#[test]
fn the_end_of_one_that_flapped_is_told_before_the_next_one_even_if_its_timer_never_rang() {
    let mut server = Server::default();
    server.stalls(0);
    server.recovers(1);
    server.stalls(2);
    server.recovers(3);
    assert_eq!(server.stalls(90), [(Happened::Resolved, 1), (Happened::Opened, 0)]);
}

#[test]
fn a_condition_dated_long_ago_is_another_incident_that_begins_after_the_last() {
    let mut server = Server::default();
    server.decides(60, Some((0, Severity::High)));
    server.recovers(61);
    server.recovers(200);
    assert_eq!(server.decides(300, Some((0, Severity::High))), [(Happened::Opened, 0)]);
    assert!(server.told.last().unwrap().opened_at > at(61));
}

#[test]
fn what_becomes_worse_is_told_also_while_it_flaps() {
    let mut server = Server::default();
    server.stalls(0);
    assert_eq!(server.decides(30, Some((0, Severity::Critical))), [(Happened::Escalated, 0)]);
    assert_eq!(server.decides(31, Some((0, Severity::High))), [], "less bad is not told");
    server.recovers(32);
    assert_eq!(server.stalls(33), [(Happened::Reopened, 1)]);
    assert_eq!(server.told.last().unwrap().severity, Severity::High, "as bad as it is now");
    server.recovers(34);
    assert_eq!(server.stalls(35), []);
    assert_eq!(server.decides(66, Some((35, Severity::Critical))), [(Happened::Escalated, 2)]);
}

#[test]
fn an_end_dated_before_the_beginning_is_no_negative_time() {
    let mut server = Server::default();
    server.stalls(10);
    server.recovers(9);
    assert_eq!(server.told.last().unwrap().at, at(10));
}
