//! Messages about jobs and what they launched.

use super::*;

/// With reasons as the job-monitor words them.
fn of_five_kinds() -> [IncidentEvent; 5] {
    let critical = |event| IncidentEvent { severity: Severity::Critical, ..event };
    let stuck = IncidentEvent {
        subject_name: "recovery of 12 servers".into(),
        plan_name: None,
        drill: Some(false),
        ..event(IncidentKind::JobStuck, Happened::Opened)
    };
    [
        because(
            "2 of 40 servers failed: erp-db-03 (its disks could not be converted for EC2 (CONVERSION_FAIL)), erp-db-04 \
             (the instance could not be launched (LAUNCH_FAILED): InsufficientInstanceCapacity)",
            event(IncidentKind::JobFailed, Happened::Opened),
        ),
        because(
            "nothing of it has moved for 30m; the last step in its log is CONVERSION_START; 3 of 12 servers done",
            critical(stuck),
        ),
        because(
            "38 of its instances still run more than 24h after its end",
            IncidentEvent {
                severity: Severity::Medium,
                ..event(IncidentKind::DrillLeftRunning, Happened::Opened)
            },
        ),
        because(
            "DRS does not hear the failback client (FAILBACK_CLIENT_NOT_SEEN)",
            critical(event(IncidentKind::FailbackFailed, Happened::Reopened)),
        ),
        because(
            "20 of 20 jobs at a time (L-D88FAC3A)",
            event(IncidentKind::JobsNearQuota, Happened::Escalated),
        ),
    ]
}

#[test]
fn an_email_says_of_which_plan_the_job_is_and_whether_it_is_a_drill() {
    insta::assert_snapshot!(emails(&of_five_kinds()));
}

#[test]
fn a_slack_message_says_the_same() {
    let messages = of_five_kinds().each_ref().map(slack);
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(messages) });
}

#[test]
fn what_is_not_known_of_the_job_is_no_fact() {
    let known = event(IncidentKind::FailbackFailed, Happened::Opened);
    let told = |event: &IncidentEvent| {
        let facts = incident::facts(&Digest::of_one(event), event);
        facts.into_iter().map(|(what, _)| what).collect::<Vec<_>>()
    };
    let names = told(&known);
    assert!(["Job", "Plan", "Drill"].iter().all(|what| names.iter().any(|n| n == what)), "{names:?}");
    let unknown = IncidentEvent { job_id: None, plan_name: Some(" ".into()), drill: None, ..known };
    assert_eq!(told(&unknown), ["Severity", "Instance", "Account", "Region", "Since"]);
}
