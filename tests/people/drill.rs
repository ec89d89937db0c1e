//! R14: a drill of a thousand servers pages nobody, and a real failure elsewhere does.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::spells::SpellEditor;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{Drill, DrillHappened, Label, Matchers, Routes, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent, JobEvent, OwnEvent};
use drs_fleet_tests::company::{place, register};
use jiff::Timestamp;
use serde_json::json;

use super::stage::{Stage, stall};

const WAVES: u32 = 10;
/// The longest list of servers that `StartRecovery` takes.
const OF_A_WAVE: u32 = 100;

fn told(wave: u32, happened: &str, at: Timestamp) -> OwnEvent {
    OwnEvent::Job(Box::new(job(wave, happened, at)))
}

fn job(wave: u32, happened: &str, at: Timestamp) -> JobEvent {
    let failed = u32::from(wave.is_multiple_of(3));
    serde_json::from_value(json!({
        "eventId": format!("{happened}/{wave}"), "happened": happened, "accountId": place(1).account,
        "accountName": "erp-prod", "region": place(1).region, "jobId": format!("drsjob-{wave:017x}"),
        "purpose": "DRILL", "drill": true, "planName": "autumn", "status": "STARTED",
        "servers": OF_A_WAVE, "succeeded": OF_A_WAVE - failed, "failed": failed, "lateServers": 0, "at": at,
    }))
    .unwrap()
}

/// What the job-monitor makes of a job of which a server failed.
fn failed(wave: u32, at: Timestamp) -> IncidentEvent {
    let job = job(wave, "COMPLETED", at);
    let incident = format!("JOB_FAILED/{}/{}/{}", job.account_id, job.region, job.job_id);
    IncidentEvent {
        event_id: format!("{incident}#1"),
        incident,
        severity: Severity::High,
        ..job.as_incident()
    }
}

async fn drill(stage: &Stage) {
    for wave in 0..WAVES {
        let n = usize::try_from(wave).unwrap();
        stage.happens(n, told(wave, "STARTED", stage.world.now()));
        tokio::time::sleep(Duration::from_mins(8)).await;
        stage.happens(100 + n, told(wave, "COMPLETED", stage.world.now()));
        if wave.is_multiple_of(3) {
            stage.happens(200 + n, failed(wave, stage.world.now()));
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_drill_is_a_start_a_line_per_wave_and_a_summary_and_pages_nobody() {
    let stage = Stage::new();
    stage.notifier();
    stage.notifier();
    drill(&stage).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    for channel in ["mail", "slack"] {
        assert_eq!(stage.digests(channel), [], "no page");
        let told = stage.drills(channel);
        let waves = |drill: &&Drill| matches!(drill.happened, DrillHappened::Wave { .. });
        assert_eq!((told.len(), told.iter().filter(waves).count()), (12, 10), "{told:#?}");
        assert!(matches!(told[0].happened, DrillHappened::Started { .. }));
        let DrillHappened::Ended { waves, servers, failed, .. } = told[11].happened else {
            panic!("{told:#?}")
        };
        assert_eq!((waves, servers, failed), (WAVES, WAVES * OF_A_WAVE, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_real_failure_elsewhere_pages_in_the_midst_of_a_drill() {
    let stage = Stage::new();
    stage.notifier();
    let began = stage.world.now();
    tokio::join!(drill(&stage), async {
        tokio::time::sleep(Duration::from_mins(30)).await;
        stage.happens(900, stall(&place(7), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    });
    let told = stage.digests("mail");
    assert_eq!(told.len(), 1);
    assert!(told[0].0 <= 30 * 60 + 35, "{} s after {began}", told[0].0);
    assert_eq!(told[0].1.first[0].account_id, place(7).account);
}

#[tokio::test(start_paused = true)]
async fn a_drill_is_told_over_every_route_that_its_jobs_take_and_a_window_over_those_that_they_would() {
    for by_hand in [false, true] {
        let stage = Stage::new();
        register(&stage.world, &place(1));
        let routes: Routes = serde_json::from_value(json!({
            "channels": { "audit": { "type": "event-bridge" }, "erp": { "type": "event-bridge" },
                          "other": { "type": "event-bridge" } },
            "routes": [
                { "name": "audit", "match": { "drill": "drill" }, "continue": true, "channels": ["audit"] },
                { "name": "other", "match": { "account": place(2).account }, "channels": ["other"] },
                { "name": "erp", "match": { "account": place(1).account }, "channels": ["erp"] },
            ],
        }))
        .unwrap();
        let now = stage.world.now();
        stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: now });
        stage.notifier();
        if by_hand {
            let editor = SpellEditor::new(stage.world.clone(), WriteToken::for_command_of_a_person());
            let matchers = Matchers::of([(Label::Account, place(1).account.to_string())]);
            editor.open(&window(matchers, now)).await.unwrap();
        } else {
            stage.happens(1, told(1, "STARTED", now));
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
        let started = |channel| stage.drills(channel).len();
        let all = ["audit", "erp", "other", "mail"].map(started);
        assert_eq!(all, [1, 1, 0, 0], "by hand: {by_hand}");
    }
}

fn window(matchers: Matchers, now: Timestamp) -> WindowRow {
    WindowRow {
        id: "w".into(),
        name: "spring drill".into(),
        matchers,
        from: now + Duration::from_mins(5),
        until: now + Duration::from_hours(8),
        author: "kim".into(),
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    }
}
