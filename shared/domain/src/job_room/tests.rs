use proptest::prelude::*;

use super::*;
use crate::job_sweep::InJobs;
use crate::quota::QuotaOrigin;

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn sweep(jobs: u32, servers: u32) -> JobSweepRow {
    JobSweepRow { in_jobs: Some(InJobs { jobs, servers }), ..JobSweepRow::unknown(&place()) }
}

fn room(sweep: Option<&JobSweepRow>) -> Room {
    let place = place();
    Room::of(&Stored { place: &place, account_name: "Payments", sweep, quotas: None, servers: &[] })
}

fn code(refusal: Option<&Refusal>) -> Option<&'static str> {
    refusal.map(|refusal| match refusal {
        Refusal::Quota { code, .. } => *code,
        Refusal::Unknown => "unknown",
    })
}

fn codes(verdict: &Verdict) -> (Option<&'static str>, u32, Option<&'static str>) {
    (code(verdict.as_one_job.as_ref()), verdict.jobs, code(verdict.split.as_ref()))
}

#[test]
fn a_call_is_refused_by_the_quota_that_it_exceeds_and_fits_when_it_is_split() {
    let verdict = |jobs, servers, wanted| codes(&room(Some(&sweep(jobs, servers))).verdict(wanted));
    assert_eq!(verdict(0, 0, 100), (None, 1, None));
    assert_eq!(verdict(0, 0, 101), (Some("L-B827C881"), 2, None));
    assert_eq!(verdict(20, 100, 1), (Some("L-D88FAC3A"), 1, Some("L-D88FAC3A")));
    assert_eq!(verdict(18, 100, 250), (Some("L-B827C881"), 3, Some("L-D88FAC3A")));
    assert_eq!(verdict(5, 401, 100), (Some("L-05AFA8C6"), 1, Some("L-05AFA8C6")));
    assert_eq!(verdict(5, 400, 100), (None, 1, None));
    assert_eq!(verdict(0, 0, 501), (Some("L-B827C881"), 6, Some("L-05AFA8C6")));
}

#[test]
fn the_refusal_says_what_aws_answers() {
    let verdict = room(Some(&sweep(20, 0))).verdict(1);
    let expected = Refusal::Quota {
        code: "L-D88FAC3A",
        of: "jobs at a time",
        wanted: 21,
        limit: 20,
        error: "ServiceQuotaExceededException",
        status: 402,
    };
    assert_eq!(verdict.as_one_job, Some(expected));
}

#[test]
fn what_was_never_looked_at_is_not_taken_for_empty() {
    assert_eq!(codes(&room(None).verdict(10)), (Some("unknown"), 1, Some("unknown")));
    let heard = JobSweepRow { in_jobs: None, ..sweep(0, 0) };
    assert_eq!(room(Some(&heard)).jobs.used, None);
}

#[test]
fn a_job_that_was_only_heard_of_counts_and_so_do_its_servers() {
    let mut sweep = sweep(1, 1);
    for n in 0..3 {
        sweep.active.insert(format!("drsjob-{n:017}").parse().unwrap(), Timestamp::UNIX_EPOCH);
    }
    let row = |n: u32| JobServerRow {
        place: place(),
        job: "drsjob-00000000000000000".parse().unwrap(),
        server: format!("s-{n:017}").parse().unwrap(),
        name: None,
        objective: None,
        launch_status: "PENDING".to_owned(),
        recovery_instance: None,
        result_at: None,
        found_at: None,
        phases: std::collections::BTreeMap::new(),
        failure: None,
    };
    let (place, servers) = (place(), [row(1), row(2), row(2)]);
    let room = Room::of(&Stored {
        place: &place,
        account_name: "Payments",
        sweep: Some(&sweep),
        quotas: None,
        servers: &servers,
    });
    assert_eq!((room.jobs.used, room.servers_in_jobs.used, room.busy), (Some(3), Some(2), 2));
}

proptest! {
    #[test]
    fn what_is_let_in_never_exceeds_a_quota(
        jobs in 0_u32..30, servers in 0_u32..600, wanted in 1_u32..2_000, per_job in 0_u32..150,
    ) {
        let mut room = room(Some(&sweep(jobs, servers)));
        room.servers_per_job = QuotaValue { value: per_job, origin: QuotaOrigin::Applied };
        let verdict = room.verdict(wanted);
        let fits = |more: u32| jobs + more <= 20 && servers + wanted <= 500;
        prop_assert_eq!(verdict.as_one_job.is_none(), wanted <= per_job && fits(1));
        if verdict.split.is_none() {
            prop_assert!(fits(verdict.jobs) && verdict.jobs * per_job >= wanted, "{verdict:?}");
            prop_assert!((verdict.jobs - 1) * per_job < wanted, "one job less would do: {verdict:?}");
        }
    }
}
