use std::time::Duration;

use drs_fleet_aws::io::{Io, Write};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::row::{Outbox, Row};

use super::*;

const NEXT: &str = "drsjob-33333333333333333";

impl Stage {
    /// Writes a row over the one that is there, as a worker would.
    async fn replace<R: Row>(&self, row: &R) {
        let stored = self.hub.io.read::<R>(&[row.key()]).await.unwrap().pop().flatten();
        let none = Outbox::new();
        let expected = stored.map(|stored| stored.rev);
        self.hub
            .io
            .commit(Write { row, expected, outbox_before: &none, outbox: &none, due: None })
            .await
            .unwrap();
    }

    /// Lets the place know that a job runs.
    async fn activate(&self, job: &JobRow) {
        let mut row = JobSweepRow::unknown(&job.place);
        row.active.insert(job.id.clone(), job.started_at().unwrap());
        self.replace(&row).await;
        self.replace(job).await;
    }
}

/// A fleet whose commands see fifty seconds pass in one.
async fn hurried() -> Stage {
    let mut stage = fleet().await;
    stage.hurry(50.0).await;
    stage
}

/// Long enough for a watcher to look again.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}

#[tokio::test]
async fn what_is_over_is_told_at_once_and_the_code_says_whether_all_succeeded() {
    let stage = hurried().await;
    let (told, code) = stage.run_to_code(&format!("watch --plain {OLD}")).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(
        "Payments us-west-2 drsjob-12222222222222222 recovery of 1 server: SUCCEEDED: 1 of 1 launched"
    ));
    assert!(told.ends_with("\nAll over: 1 succeeded.\n"), "{told}");
    let (told, code) = stage.run_to_code(&format!("watch --plain {PARTIAL} 122")).await;
    assert_eq!(code, 2, "{told}");
    let end = format!("All over: 1 succeeded, 1 partial.\n  drs-fleet jobs show {PARTIAL} --failed\n");
    assert!(
        told.contains("PARTIAL: 2 of 3 launched, 1 failed, over after 55m, RTO 54m\n")
            && told.ends_with(&end),
        "{told}"
    );
}

#[tokio::test]
async fn a_job_is_followed_from_its_start_to_its_end_with_a_line_for_each_change() {
    let stage = hurried().await;
    let begun = JobRow { plan: Some("quarterly".into()), ..job(&there(), NEXT, 0) };
    let life = async {
        a_while().await;
        stage.activate(&begun).await;
        // One row at a time, so that there is one change at a time to see.
        a_while().await;
        let known = JobRow { counts: Some(counts(0, 0, 2)), ..begun.clone() };
        stage.replace(&known).await;
        a_while().await;
        let mut server = server(&begun, 1, "crm-db", "IN_PROGRESS");
        phase(&mut server, "SNAPSHOT", 0, None);
        stage.replace(&server).await;
        a_while().await;
        stage.replace(&over(JobRow { counts: Some(counts(2, 0, 2)), ..known }, 0)).await;
    };
    let (watched, ()) = tokio::join!(stage.run_to_code("watch --plain --plan quarterly"), life);
    let (told, code) = watched;
    assert_eq!(code, 0, "{told}");
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 6, "one line for each change: {told}");
    assert_eq!(lines[0], "No job of plan quarterly runs yet; waiting for the first one.");
    let expected = [
        "drill: its servers are not known yet; expected end in 3 h",
        "drill of 2 servers: 0 of 2 launched; expected end in 3 h",
        "drill of 2 servers: 0 of 2 launched; taking snapshots for ",
        "drill of 2 servers: SUCCEEDED: 2 of 2 launched, over after ",
    ];
    for (line, expected) in lines[1..].iter().zip(expected) {
        let (_, line) = line.split_once("  ").unwrap();
        assert!(line.starts_with(&format!("Claims us-east-1 {NEXT} quarterly, {expected}")), "{told}");
    }
    assert_eq!(lines[5], "All over: 1 succeeded.");
}

#[tokio::test]
async fn without_a_job_it_waits_no_longer_than_it_may() {
    let stage = hurried().await;
    let (told, code) = stage.run_to_code("watch --plain --timeout 20s").await;
    assert_eq!(code, 1);
    let expected = "No job runs yet; waiting for the first one.\nerror: no such job began within 20s\n";
    assert_eq!(told, expected);
    let (told, code) = stage.run_to_code(&format!("watch --plain --timeout 10s {NEXT}")).await;
    assert_eq!(code, 1);
    assert!(
        told.starts_with("It is not known yet; waiting for the first one."),
        "whoever started it may know first: {told}"
    );
    let (told, code) = stage.run_to_code("watch --plain --timeout 10s 333").await;
    assert!(code == 1 && told.contains("no job has an id that begins with \"333\""), "{told}");
}

#[tokio::test]
async fn jobs_of_other_plans_and_places_are_left_alone() {
    let stage = hurried().await;
    stage.activate(&running().0).await;
    let (told, code) = stage.run_to_code("watch --plain --timeout 10s --account Payments").await;
    assert!(code == 1 && told.starts_with("No job runs yet"), "{told}");
    let (told, code) = stage.run_to_code("watch --plain --timeout 10s --plan other").await;
    assert!(code == 1 && told.starts_with("No job of plan other runs yet"), "{told}");
}
