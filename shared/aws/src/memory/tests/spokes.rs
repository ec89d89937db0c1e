//! Spokes that show what was set, and fail as set.

use super::*;

#[tokio::test(start_paused = true)]
async fn spokes_show_what_was_set_page_by_page_and_fail_as_set() {
    let io = MemoryIo::default();
    let shown = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap();
    assert!(!shown.initialized && shown.items.is_empty());
    io.set_jobs(&place(), (0..120).map(job).collect());
    let mut page = None;
    let mut seen = BTreeSet::new();
    loop {
        let answer = io.jobs(&place(), &JobFilter::All, page).await.unwrap();
        seen.extend(answer.items.into_iter().map(|job| job.id));
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 120);
    let denied = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "no");
    io.set_spoke_failure(&place(), Some(denied));
    assert_eq!(io.jobs(&place(), &JobFilter::All, None).await.unwrap_err().verdict, Verdict::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_listing_fails_from_the_page_that_was_set_and_other_places_do_not() {
    let (io, other) = (MemoryIo::default(), Place { region: "us-east-1".parse().unwrap(), ..place() });
    io.set_jobs(&place(), (0..120).map(job).collect());
    io.set_jobs(&other, (0..120).map(job).collect());
    let denied = IoError::new(Neighbour::Spoke, "DescribeJobs", Verdict::Denied, "no");
    io.set_page_failure(&place(), Some((50, denied)));
    let first = io.jobs(&place(), &JobFilter::All, None).await.unwrap();
    assert_eq!(
        io.jobs(&place(), &JobFilter::All, first.next.clone()).await.unwrap_err().verdict,
        Verdict::Denied
    );
    io.jobs(&other, &JobFilter::All, first.next.clone()).await.unwrap();
    io.set_page_failure(&place(), None);
    io.jobs(&place(), &JobFilter::All, first.next).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_hangs_fails_after_its_time_and_other_places_answer_at_once() {
    let (io, other) = (MemoryIo::default(), Place { region: "us-east-1".parse().unwrap(), ..place() });
    io.set_spoke_hang(&place(), Some(Duration::from_secs(10)));
    let began = Instant::now();
    io.jobs(&other, &JobFilter::All, None).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 0);
    let hanging = place();
    let (one, two) = tokio::join!(io.jobs(&hanging, &JobFilter::All, None), io.quotas(&hanging));
    assert_eq!(
        (one.unwrap_err().verdict, two.unwrap_err().verdict),
        (Verdict::Transient, Verdict::Transient)
    );
    assert_eq!((began.elapsed().as_secs(), io.most_calls_at_once(&place())), (10, 2));
    io.set_spoke_hang(&place(), None);
    let quota = QuotaSeen { code: "L-C1D14A2B".into(), value: 300, applied: true };
    io.set_quotas(&place(), vec![quota.clone()]);
    assert_eq!(io.quotas(&place()).await.unwrap(), [quota]);
}
