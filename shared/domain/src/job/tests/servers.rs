//! What a job did with one server.

use super::*;

#[test]
fn what_a_server_went_through_is_read_from_the_log_of_its_job() {
    let line = |second, event: &str, error: Option<&str>| {
        ServerObservation::Logged(JobLogSeen {
            at: at(second),
            event: event.to_owned(),
            server: Some(server(0)),
            error: error.map(str::to_owned),
        })
    };
    let all = [
        line(5, "SNAPSHOT_START", None),
        line(90, "SNAPSHOT_END", None),
        line(91, "CONVERSION_START", None),
        line(500, "CONVERSION_FAIL", Some("no room")),
    ];
    let id: JobId = JOB.parse().unwrap();
    let row = decide_server((&place(), &id, &server(0)), &all, None).unwrap().row;
    let span = |start, end| Span { start: Some(at(start)), end: Some(at(end)) };
    let phases: BTreeMap<_, _> =
        [("CONVERSION".to_owned(), span(91, 500)), ("SNAPSHOT".to_owned(), span(5, 90))].into();
    assert_eq!((&row.phases, row.phase()), (&phases, None));
    assert_eq!(
        crate::launch_remedy::reason(row.failure.as_ref()),
        "its disks could not be converted for EC2 (CONVERSION_FAIL): no room"
    );
    let under_way = decide_server((&place(), &id, &server(0)), &all[..3], None).unwrap().row;
    assert_eq!(under_way.phase(), Some(("CONVERSION", at(91))));
}

#[test]
fn a_server_that_takes_longer_than_its_tag_allows_is_late() {
    let id: JobId = JOB.parse().unwrap();
    let known =
        ServerObservation::Known { name: "crm-1".to_owned(), objective: Some(Duration::from_mins(20)) };
    let launched = |second| ServerObservation::Result { launched: true, at: at(second) };
    let mut story = Story::new();
    story.take(2, &[look(2, seen("STARTED", &["IN_PROGRESS"]))]);
    let job = story.row.clone().unwrap();
    for (second, late) in [(1_200, false), (1_201, true)] {
        let observed = [known.clone(), launched(second)];
        let row = decide_server((&place(), &id, &server(0)), &observed, None).unwrap().row;
        assert_eq!((row.is_late(&job), row.label()), (Some(late), "crm-1"));
    }
}
