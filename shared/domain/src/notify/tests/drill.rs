use super::at;
use crate::ids::JobId;
use crate::job::Purpose;
use crate::notify::DrillRow;
use crate::notify::bulletin::{DrillHappened, HeldBack};
use crate::notify::drill::{Closing, Held, Which, begun, looked, moved, stored};
use crate::own_event::{FailedServer, JobEvent, JobHappened};
use crate::row::Row;

fn job(n: u32, happened: JobHappened, failed: u32) -> JobEvent {
    let id: JobId = format!("drsjob-{n:017x}").parse().unwrap();
    let named = FailedServer {
        server_id: "s-00000000000000001".parse().unwrap(),
        name: "db".into(),
        reason: "no room".into(),
    };
    JobEvent {
        event_id: format!("{happened}/{id}"),
        happened,
        account_id: "111122223333".parse().unwrap(),
        account_name: "erp-prod".into(),
        region: "us-west-2".parse().unwrap(),
        job_id: id,
        purpose: Purpose::Drill,
        drill: Some(true),
        plan_name: None,
        drill_tag: None,
        job_type: None,
        initiated_by: None,
        principal: None,
        status: "STARTED".into(),
        outcome: None,
        servers: 100,
        succeeded: 100 - failed,
        failed,
        started_at: None,
        ended_at: None,
        expected_end: None,
        recovery_seconds: Some(600 + u64::from(n)),
        late_servers: 0,
        failed_servers: (0..failed).map(|_| named.clone()).collect(),
        at: at(0),
    }
}

fn of_jobs() -> Which {
    Which::of_plan(None, ["default".to_owned()].into())
}

fn by_hand() -> Which {
    Which { window: Some(("kim".into(), at(3600))), ..of_jobs() }
}

fn says(row: &DrillRow) -> Vec<&'static str> {
    let word = |happened: &DrillHappened| match happened {
        DrillHappened::Started { .. } => "start",
        DrillHappened::Wave { .. } => "wave",
        DrillHappened::Ended { .. } => "end",
    };
    row.outgoing.values().map(|drill| word(&drill.happened)).collect()
}

fn held_back() -> HeldBack {
    HeldBack::from(&super::opened(1))
}

fn held(row: &DrillRow) -> Option<u32> {
    row.outgoing.values().find_map(|drill| match drill.happened {
        DrillHappened::Ended { held, .. } => Some(held),
        _ => None,
    })
}

fn after(row: Option<DrillRow>, which: &Which, event: &JobEvent, second: i64) -> DrillRow {
    moved(which, event, row.as_ref(), at(second)).map(|change| change.row).or(row).unwrap()
}

#[test]
fn a_drill_of_a_thousand_jobs_that_all_fail_fits_into_an_item_and_names_the_first_servers() {
    let (mut row, which) = (None, of_jobs());
    for n in 0..1_000 {
        let ended = JobEvent {
            failed_servers: vec![
                FailedServer {
                    reason: "x".repeat(200),
                    ..job(n, JobHappened::Completed, 1).failed_servers[0].clone()
                };
                20
            ],
            ..job(n, JobHappened::Completed, 20)
        };
        let moved = after(row.take(), &which, &ended, 10);
        row = Some(stored(&moved, moved.number, &std::collections::BTreeMap::new()).unwrap().row);
    }
    let row = looked(&row.unwrap(), None, at(1_000)).unwrap().row;
    let size = serde_json::to_string(&row).unwrap().len();
    assert!(size < 200_000, "{size}");
    let Some(DrillHappened::Ended { failed, failed_servers, .. }) =
        row.outgoing.values().map(|drill| drill.happened.clone()).next_back()
    else {
        panic!()
    };
    assert_eq!((failed, failed_servers.len()), (20_000, 20));
}

#[test]
fn a_drill_is_told_as_a_start_a_line_per_job_and_a_summary_however_often_its_events_come() {
    let mut row = None;
    for n in 0..10 {
        for happened in [JobHappened::Started, JobHappened::Completed, JobHappened::Started] {
            row = Some(after(row, &of_jobs(), &job(n, happened, n % 2), i64::from(n)));
        }
    }
    let row = row.unwrap();
    // The bulletins are stored first, then it may end.
    let row = stored(&row, row.number, &std::collections::BTreeMap::new()).unwrap().row;
    assert_eq!(row.wake_at(), Some(at(9 + 600)));
    assert_eq!(looked(&row, None, at(608)), None);
    let over = looked(&row, None, at(609)).unwrap().row;
    assert_eq!((says(&over), over.number), (vec!["end"], 12), "1 start, 10 waves, 1 end");
    assert_eq!(held(&over), Some(5), "without a window, the jobs that failed");
    let Some(DrillHappened::Ended { waves, servers, failed, longest_seconds, .. }) =
        over.outgoing.values().last().map(|drill| drill.happened.clone())
    else {
        panic!("it is over")
    };
    assert_eq!((waves, servers, failed, longest_seconds), (10, 1000, 5, Some(609)));
}

#[test]
fn what_is_told_again_of_a_drill_that_is_over_begins_no_other_and_a_new_job_does() {
    let row = after(None, &of_jobs(), &job(1, JobHappened::Completed, 0), 0);
    let row = looked(&row, None, at(700)).unwrap().row;
    assert!(row.ended_at.is_some());
    assert_eq!(moved(&of_jobs(), &job(1, JobHappened::Completed, 0), Some(&row), at(800)), None);
    let next = after(Some(row.clone()), &of_jobs(), &job(2, JobHappened::Started, 0), 900);
    assert_eq!((next.ended_at, next.waves.len()), (None, 1));
    assert!(next.number > row.number, "no bulletin takes another's key");
}

#[test]
fn a_drill_goes_on_while_a_job_runs_but_not_for_ever() {
    let row = after(None, &of_jobs(), &job(1, JobHappened::Started, 0), 0);
    let row = stored(&row, row.number, &std::collections::BTreeMap::new()).unwrap().row;
    assert_eq!(looked(&row, None, at(20 * 3600)), None);
    assert!(looked(&row, None, at(24 * 3600)).unwrap().row.ended_at.is_some());
}

#[test]
fn a_job_that_outlasts_its_window_is_still_a_wave_of_it_and_begins_no_other_drill() {
    let row = begun(&by_hand(), None, at(0)).unwrap().row;
    let row = after(Some(row), &by_hand(), &job(1, JobHappened::Started, 0), 10);
    let closing = Closing { at: at(900), held: Held::default(), routes: [].into() };
    let over = looked(&row, Some(&closing), at(900)).unwrap().row;
    let late = after(Some(over), &by_hand(), &job(1, JobHappened::Completed, 3), 1000);
    assert_eq!(says(&late), ["start", "end", "wave"]);
    assert_eq!(late.ended_at, Some(at(900)));
    assert_eq!(moved(&by_hand(), &job(1, JobHappened::Completed, 3), Some(&late), at(1001)), None);
    assert_eq!(moved(&by_hand(), &job(2, JobHappened::Started, 0), Some(&late), at(1001)), None);
}

#[test]
fn a_window_begins_and_ends_when_its_person_says_whatever_its_jobs_do() {
    let row = begun(&by_hand(), None, at(0)).unwrap().row;
    assert_eq!(says(&row), ["start"]);
    let row = after(Some(row), &by_hand(), &job(1, JobHappened::Completed, 0), 10);
    let row = stored(&row, row.number, &std::collections::BTreeMap::new()).unwrap().row;
    assert_eq!(looked(&row, None, at(1000)), None, "it waits for other jobs");
    let routes = ["default", "erp"].map(str::to_owned);
    let closing =
        Closing { at: at(900), held: Held::of(vec![held_back(); 30]), routes: routes.clone().into() };
    let closed = looked(&row, Some(&closing), at(1000)).unwrap().row;
    assert_eq!((says(&closed), held(&closed)), (vec!["end"], Some(30)));
    assert!(closed.routes().eq(&routes), "whose incidents were held back hears of it");
    assert_eq!(begun(&by_hand(), Some(&closed), at(1100)), None);
}
