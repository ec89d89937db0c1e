use super::*;
use crate::incident::{IncidentKind, open};
use crate::own_event::Happened;
use crate::quota::{QuotaOrigin, QuotaValue};

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn job(n: usize) -> JobId {
    format!("drsjob-{n:017}").parse().unwrap()
}

/// The jobs of a place, and what was told of them.
struct Story {
    row: Option<JobSweepRow>,
    told: Vec<(IncidentKind, Happened)>,
    limits: Limits,
    quotas: Option<QuotasRow>,
    watched: bool,
}

impl Story {
    fn new() -> Self {
        Self { row: None, told: Vec::new(), limits: Limits::default(), quotas: None, watched: true }
    }

    /// Takes over a change; answers whether there was one.
    fn take(&mut self, change: Option<Change<JobSweepRow>>) -> bool {
        let Some(Change { row, tell }) = change else { return false };
        self.told.extend(tell.iter().filter_map(|event| event.incident()).map(|e| (e.kind, e.happened)));
        self.row = Some(row);
        true
    }

    fn row(&self) -> &JobSweepRow {
        self.row.as_ref().unwrap()
    }

    fn context(&self, second: i64) -> Context<'_> {
        let quotas = self.quotas.as_ref();
        let (limits, watched) = (&self.limits, self.watched);
        Context { account_name: "erp-prod", limits, quotas, watched, now: at(second) }
    }

    fn watch(&mut self, second: i64, n: usize) -> bool {
        let change = JobSweepRow::watched((&place(), &job(n)), at(second), self.row.as_ref(), at(second));
        self.take(change)
    }

    /// A look at `second` finds these active and those over.
    fn look(&mut self, second: i64, active: &[usize], over: &[usize], in_jobs: (u32, u32)) -> bool {
        let found = Looked {
            active: active.iter().map(|n| (job(*n), at(0))).collect(),
            over: over.iter().map(|n| job(*n)).collect(),
            in_jobs: InJobs { jobs: in_jobs.0, servers: in_jobs.1 },
        };
        let change = looked(&place(), &found, self.row.as_ref(), &self.context(second));
        self.take(change)
    }

    fn wake(&mut self, second: i64) -> Rings {
        let rings = self.row().rings(at(second));
        let change = self.row().woken(&self.context(second));
        self.take(change);
        rings
    }

    /// When it is looked at next, in seconds.
    fn polls(&self) -> Option<i64> {
        self.row().poll_at.map(|poll| poll.as_second() - 1_000_000)
    }
}

#[test]
fn what_is_heard_of_is_looked_at_soon_and_together_with_what_is_heard_of_meanwhile() {
    let mut story = Story::new();
    assert!(story.watch(100, 1));
    assert_eq!(story.polls(), Some(102));
    assert!(story.watch(101, 2));
    assert_eq!((story.polls(), story.row().active.len()), (Some(102), 2), "one look serves both");
    assert!(!story.watch(103, 1), "heard of again: no write");
    assert_eq!(story.row().wake_at(), Some(at(102)));
}

#[test]
fn active_jobs_are_looked_at_again_and_again_until_the_last_one_is_over() {
    let mut story = Story::new();
    story.watch(100, 1);
    story.watch(100, 2);
    assert_eq!(story.wake(101), Rings::default(), "too early");
    assert_eq!(story.wake(102), Rings { poll: true, sweep: false });
    assert_eq!(story.polls(), Some(114), "before the look: whoever dies at it has left the next one behind");
    story.look(103, &[1], &[2], (1, 40));
    assert_eq!(story.polls(), Some(114));
    assert_eq!(story.row().active.keys().collect::<Vec<_>>(), [&job(1)]);
    assert!(!story.look(115, &[1], &[], (1, 40)), "as it was: no write");
    story.look(127, &[], &[1], (0, 0));
    assert_eq!((story.polls(), story.row().active.len(), story.row().wake_at()), (None, 0, None));
}

#[test]
fn a_sweep_that_finds_an_active_job_has_it_looked_at_closely() {
    let mut story = Story::new();
    story.look(50, &[7], &[], (1, 1));
    assert_eq!((story.polls(), story.row().active.get(&job(7))), (Some(62), Some(&at(0))));
}

#[test]
fn what_is_heard_of_while_a_look_is_under_way_stays() {
    let mut story = Story::new();
    story.watch(100, 1);
    story.watch(104, 2);
    story.look(105, &[], &[1], (0, 0));
    assert_eq!(story.row().active.keys().collect::<Vec<_>>(), [&job(2)]);
    assert!(story.polls().is_some());
}

#[test]
fn an_account_that_refuses_is_looked_at_seldom_until_a_job_is_heard_of() {
    let mut story = Story::new();
    assert_eq!(JobSweepRow::refused(None, at(0)), None);
    story.watch(100, 1);
    story.wake(102);
    let refused = JobSweepRow::refused(story.row.as_ref(), at(103));
    story.take(refused);
    assert_eq!((story.polls(), story.row().active.len()), (Some(403), 1), "its jobs are not forgotten");
    story.watch(200, 2);
    assert_eq!(story.polls(), Some(202));
    story.look(203, &[], &[1, 2], (0, 0));
    assert_eq!(JobSweepRow::refused(story.row.as_ref(), at(204)), None, "nothing to look at");
}

#[test]
fn jobs_that_all_began_days_ago_are_looked_at_seldom_until_another_is_heard_of() {
    const LONG_AGO: i64 = 48 * 3600;
    let mut story = Story::new();
    story.watch(0, 1);
    story.wake(LONG_AGO);
    assert_eq!(story.polls(), Some(LONG_AGO + 12));
    story.wake(LONG_AGO + 12);
    assert_eq!(story.polls(), Some(LONG_AGO + 312));
    story.watch(LONG_AGO + 20, 2);
    assert_eq!(story.polls(), Some(LONG_AGO + 22));
    story.wake(LONG_AGO + 22);
    assert_eq!(story.polls(), Some(LONG_AGO + 34));
}

#[test]
fn a_burst_of_changes_of_instances_costs_one_sweep() {
    let mut story = Story::new();
    for (second, writes) in [(100, true), (101, false), (105, false)] {
        let change = JobSweepRow::wished(&place(), story.row.as_ref(), at(second));
        assert_eq!(story.take(change), writes, "{second}");
    }
    assert_eq!(story.row().wake_at(), Some(at(110)));
    assert_eq!(story.wake(110), Rings { poll: false, sweep: true });
    assert_eq!(story.row().wake_at(), Some(at(230)), "once more, unless a sweep is begun");
    let claim = claim_sweep(&place(), story.row.as_ref(), at(110), at(111));
    assert!(story.take(claim));
    assert_eq!(story.row().wake_at(), None);
}

#[test]
fn the_quotas_of_jobs_warn_at_four_fifths_and_louder_when_nothing_more_fits() {
    let kind = IncidentKind::JobsNearQuota;
    let mut story = Story::new();
    let open = |story: &Story| open(&story.row().incidents).map(|(_, i)| i.reason.clone()).next();
    story.look(0, &[1], &[], (15, 399));
    assert_eq!((open(&story), story.told.len()), (None, 0));
    story.look(60, &[1], &[], (16, 399));
    assert_eq!(open(&story).unwrap(), "16 of 20 jobs at a time (L-D88FAC3A)");
    story.look(120, &[1], &[], (20, 400));
    let both = "20 of 20 jobs at a time (L-D88FAC3A), 400 of 500 servers in jobs (L-05AFA8C6)";
    assert_eq!(open(&story).unwrap(), both);
    story.look(180, &[1], &[], (2, 40));
    assert_eq!(open(&story), None);
    assert_eq!(story.told, [Happened::Opened, Happened::Escalated, Happened::Resolved].map(|h| (kind, h)));
}

#[test]
fn the_applied_quota_outweighs_the_documented_one() {
    let mut story = Story::new();
    let applied = QuotaValue { value: 40, origin: QuotaOrigin::Applied };
    story.quotas = Some(QuotasRow {
        place: place(),
        read_at: at(0),
        values: [("L-D88FAC3A".to_owned(), applied)].into(),
        failed_at: None,
    });
    story.look(0, &[1], &[], (20, 20));
    assert_eq!(story.told, []);
    story.look(60, &[1], &[], (32, 32));
    assert_eq!(story.told, [(IncidentKind::JobsNearQuota, Happened::Opened)]);
}

#[test]
fn nothing_is_looked_at_or_wrong_in_an_account_that_is_not_watched() {
    let mut story = Story::new();
    story.look(0, &[1], &[], (20, 40));
    let change = JobSweepRow::wished(&place(), story.row.as_ref(), at(1));
    story.take(change);
    story.watched = false;
    story.wake(12);
    assert_eq!(story.told.last(), Some(&(IncidentKind::JobsNearQuota, Happened::Resolved)));
    assert_eq!((story.row().active.len(), story.row().in_jobs, story.row().wake_at()), (0, None, None));
    story.watched = true;
    story.watch(500, 2);
    assert_eq!(story.polls(), Some(502), "watched again");
}

#[test]
fn a_sweep_belongs_to_one_request_until_it_is_over_or_given_back() {
    let mut story = Story::new();
    let claim = |row: Option<&JobSweepRow>, asked, now| claim_sweep(&place(), row, at(asked), at(now));
    let first = claim(None, 10, 11);
    story.take(first);
    assert_eq!(claim(story.row.as_ref(), 20, 21), None, "of another");
    let held = |story: &Story| story.row().sweeping.clone().unwrap();
    let first = held(&story);
    let given_back = JobSweepRow::released(story.row.as_ref(), &first);
    story.take(given_back);
    let second = claim(story.row.as_ref(), 20, 22);
    assert!(story.take(second));
    assert!(JobSweepRow::released(story.row.as_ref(), &first).is_none(), "its claim was lost");
    assert!(JobSweepRow::renewed(story.row.as_ref(), &first, at(23)).is_none());
    let second = JobSweepRow::renewed(story.row.as_ref(), &held(&story), at(23));
    story.take(second);
    let over = JobSweepRow::ended(story.row.as_ref(), (&held(&story), at(22)), at(23));
    story.take(over);
    assert_eq!((story.row().swept_at, story.row().instances_at), (Some(at(22)), Some(at(23))));
    assert_eq!(claim(story.row.as_ref(), 21, 24), None, "served by it");
}
