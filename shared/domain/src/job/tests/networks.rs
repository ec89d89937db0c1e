//! Jobs that recover source networks.

use super::*;
use crate::incident::IncidentKind;

fn networks(status: &str, launch_statuses: &[&str]) -> JobSeen {
    JobSeen {
        initiated_by: Some("CREATE_NETWORK_RECOVERY".to_owned()),
        networks: launch_statuses.iter().map(|status| (*status).to_owned()).collect(),
        ..seen(status, &[])
    }
}

#[test]
fn a_job_of_networks_ends_as_they_do_and_says_what_its_log_does() {
    let outcome = |launch_statuses: &[&str]| {
        Story::new().take(1_505, &[look(1_505, networks(COMPLETED, launch_statuses))]).outcome()
    };
    assert_eq!(outcome(&["LAUNCHED", "LAUNCHED"]), Some(Outcome::Succeeded));
    assert_eq!(outcome(&["LAUNCHED", "FAILED"]), Some(Outcome::Partial));
    let mut story = Story::new();
    let line =
        JobLogSeen { at: at(900), event: "NETWORK_RECOVERY_FAIL".to_owned(), server: None, error: None };
    let failed = Observation::Failed(Failure::of_job(&line).unwrap());
    let row = story.take(1_505, &[look(1_505, networks(COMPLETED, &["FAILED"])), failed]);
    assert_eq!(row.outcome(), Some(Outcome::Failed));
    assert_eq!(
        row.incidents[&IncidentKind::JobFailed].reason,
        "1 of 1 source network failed: the network could not be recovered (NETWORK_RECOVERY_FAIL)"
    );
    let of_server = JobLogSeen { server: Some(server(0)), ..line };
    assert_eq!(Failure::of_job(&of_server), None, "that is the server's");
}
