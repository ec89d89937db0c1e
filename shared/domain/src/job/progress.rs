//! How far a job is, for people who wait for it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Counts, JobRow, JobServerRow, Span, conditions};
use crate::pace::History;

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// How many servers take part; 0 before `DescribeJobs` told it.
    pub servers: u32,
    /// How many the job is done with well: launched, or terminated by a job that is to do that.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// Where it hangs; none while no server is in a phase, and when it is over.
    pub slowest: Option<Slowest>,
    /// When it ends if it takes as long as such jobs usually do; none where too few ended before.
    pub expected_end: Option<Timestamp>,
}

/// The phase in which a server has been for longer than any other server is in its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slowest {
    /// Such as `CONVERSION`.
    pub phase: String,
    /// How many servers are in it now.
    pub servers: u32,
    /// Since when that server is.
    pub since: Timestamp,
    /// What people call it.
    pub server: String,
}

/// What a server's log says of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stay<'a> {
    /// Such as `CONVERSION`.
    pub phase: &'a str,
    /// How long it took; `None` where its beginning or its end is not in the log.
    pub took: Option<Duration>,
}

impl JobRow {
    /// How far it is, by all rows of its servers that there are. These may know more than the job's own counts: events
    /// tell of servers between two looks at the job.
    pub fn progress(&self, servers: &[JobServerRow], history: &History) -> Progress {
        let listed = self.counts.unwrap_or_default();
        let told = told(servers);
        let furthest = told.max(listed);
        Progress {
            servers: self.counts.map_or(0, |listed| listed.servers.max(told.servers)),
            succeeded: furthest.done.saturating_sub(furthest.failed),
            failed: furthest.failed,
            slowest: slowest(servers).filter(|_| self.is_active()),
            expected_end: self.expected_end(history.usual(self.purpose())),
        }
    }

    /// What people call it: `drill of 100 servers`, with its plan.
    pub fn label(&self) -> String {
        conditions::name(self)
    }
}

impl Progress {
    /// How many servers the job is done with, well or not.
    pub fn done(&self) -> u32 {
        self.succeeded + self.failed
    }
}

impl JobServerRow {
    /// The phases that its job's log tells of, in the order in which they began. The log does not say when a launch
    /// succeeded: it ends when the server is found launched.
    pub fn stays(&self) -> Vec<Stay<'_>> {
        let mut all: Vec<_> = self.phases.iter().collect();
        all.sort_by_key(|(_, span)| span.start.or(span.end));
        let done = self.done_at().filter(|_| self.is_done());
        let took = |span: &Span| {
            let end = span.end.filter(|end| span.start <= Some(*end)).or(done)?;
            Duration::try_from(end.duration_since(span.start?)).ok()
        };
        all.into_iter().map(|(phase, span)| Stay { phase, took: took(span) }).collect()
    }
}

fn told(servers: &[JobServerRow]) -> Counts {
    let mut counts = Counts::default();
    for server in servers {
        counts.servers += 1;
        counts.done += u32::from(server.is_done());
        counts.failed += u32::from(server.launch_status == "FAILED");
    }
    counts
}

fn slowest(servers: &[JobServerRow]) -> Option<Slowest> {
    let in_phase = || {
        let running = servers.iter().filter(|server| !server.is_done());
        running.filter_map(|server| Some((server, server.phase()?)))
    };
    let (server, (phase, since)) =
        in_phase().min_by_key(|(server, (phase, since))| (*since, *phase, &server.server))?;
    let beside = in_phase().filter(|(_, (other, _))| *other == phase).count();
    Some(Slowest {
        phase: phase.to_owned(),
        servers: u32::try_from(beside).unwrap_or(u32::MAX),
        since,
        server: server.label().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Place;
    use crate::pace::{PaceRow, Taken};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn place() -> Place {
        Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn job(counts: Option<Counts>) -> JobRow {
        let id = "drsjob-04ca7d0d3fb6afa3e".parse().unwrap();
        let status = "STARTED".to_owned();
        JobRow { status, drill: Some(true), created: Some(at(0)), counts, ..JobRow::unknown((&place(), &id)) }
    }

    /// A server, and for each of its phases when it began and ended.
    fn server(n: u32, status: &str, phases: &[(&str, Option<i64>, Option<i64>)]) -> JobServerRow {
        let span = |(name, start, end): &(&str, Option<i64>, Option<i64>)| {
            ((*name).to_owned(), Span { start: start.map(at), end: end.map(at) })
        };
        JobServerRow {
            place: place(),
            job: "drsjob-04ca7d0d3fb6afa3e".parse().unwrap(),
            server: format!("s-{n:017}").parse().unwrap(),
            name: Some(format!("crm-{n}")),
            objective: None,
            launch_status: status.to_owned(),
            recovery_instance: None,
            result_at: None,
            found_at: None,
            phases: phases.iter().map(span).collect(),
            failure: None,
        }
    }

    fn history(jobs: u32) -> History {
        let taken = |n: u32| Taken {
            ended: at(i64::from(n) - 1_000),
            job: format!("drsjob-{n:017}").parse().unwrap(),
            purpose: crate::job::Purpose::Drill,
            seconds: 600,
            pause: 60,
        };
        [PaceRow { place: place(), jobs: (0..jobs).map(taken).collect() }].into_iter().collect()
    }

    #[test]
    fn the_slowest_phase_is_the_one_with_the_longest_stay_of_a_server_that_is_not_done() {
        let servers = [
            server(1, "IN_PROGRESS", &[("SNAPSHOT", Some(1), Some(60)), ("CONVERSION", Some(100), None)]),
            server(2, "IN_PROGRESS", &[("SNAPSHOT", Some(1), Some(60)), ("CONVERSION", Some(90), None)]),
            server(3, "IN_PROGRESS", &[("CONVERSION", Some(80), Some(95)), ("LAUNCH", Some(95), None)]),
            server(4, "FAILED", &[("SNAPSHOT", Some(2), None)]),
            server(5, "PENDING", &[]),
        ];
        let slowest = job(None).progress(&servers, &History::default()).slowest.unwrap();
        assert_eq!((slowest.phase.as_str(), slowest.servers, slowest.since), ("CONVERSION", 2, at(90)));
        assert_eq!(slowest.server, "crm-2");
        let over = JobRow { status: "COMPLETED".to_owned(), ..job(None) };
        assert_eq!(over.progress(&servers, &History::default()).slowest, None);
        assert_eq!(job(None).progress(&servers[3..], &History::default()).slowest, None);
    }

    #[test]
    fn events_between_two_looks_are_counted_and_servers_without_a_row_are_not_forgotten() {
        let counts = |done, failed, servers| Some(Counts { done, failed, servers });
        let rows = [server(1, "LAUNCHED", &[]), server(2, "FAILED", &[]), server(3, "IN_PROGRESS", &[])];
        let told = |counts, rows: &[JobServerRow]| {
            let progress = job(counts).progress(rows, &History::default());
            (progress.succeeded, progress.failed, progress.servers)
        };
        assert_eq!(told(counts(1, 0, 3), &rows), (1, 1, 3), "the rows are further");
        assert_eq!(told(counts(3, 2, 4), &rows), (1, 2, 4), "the job is further");
        assert_eq!(told(None, &rows[..1]), (1, 0, 0), "how many there are is not known yet");
        assert_eq!(told(counts(5, 1, 40), &[]), (4, 1, 40));
    }

    #[test]
    fn the_end_is_expected_only_where_enough_such_jobs_ended_and_only_of_one_that_runs() {
        let expected = |job: &JobRow, history| job.progress(&[], &history).expected_end;
        assert_eq!(expected(&job(None), history(2)), None);
        assert_eq!(expected(&job(None), history(3)), Some(at(600)));
        let recovery = JobRow { drill: Some(false), ..job(None) };
        assert_eq!(expected(&recovery, history(3)), None, "drills say nothing of recoveries");
        let over = JobRow { status: "COMPLETED".to_owned(), ended: Some(at(500)), ..job(None) };
        assert_eq!(expected(&over, history(3)), None);
    }

    #[test]
    fn phases_come_in_the_order_of_the_log_with_what_is_known_of_their_length() {
        let phases = [
            ("LAUNCH", Some(300), None),
            ("CONVERSION", Some(100), Some(300)),
            ("SNAPSHOT", None, Some(90)),
            ("CLEANUP", Some(50), Some(40)),
        ];
        let told = |row: &JobServerRow| {
            let stays = row.stays();
            let told: Vec<_> =
                stays.iter().map(|s| format!("{} {:?}", s.phase, s.took.map(|t| t.as_secs()))).collect();
            told.join(", ")
        };
        let running = server(1, "IN_PROGRESS", &phases);
        assert_eq!(told(&running), "CLEANUP None, SNAPSHOT None, CONVERSION Some(200), LAUNCH None");
        let launched = JobServerRow { found_at: Some(at(420)), ..server(1, "LAUNCHED", &phases[..2]) };
        assert_eq!(told(&launched), "CONVERSION Some(200), LAUNCH Some(120)", "it ends with the launch");
    }
}
