//! R14: a drill of a thousand servers pages nobody, and a real failure elsewhere does.

mod asleep;
mod routes;
mod whole;

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::spells::SpellEditor;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::own_event::{Happened, IncidentEvent, JobEvent, OwnEvent};
use drs_fleet_testkit::company::{place, register, window};
use drs_fleet_testkit::post::Post;
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

/// Servers of each wave that stall while it runs, as those do that are launched and stopped.
const STALLED: usize = 5;

/// Ten waves, an hour and a half in all.
async fn drill(stage: &Stage, stalls: bool) {
    for wave in 0..WAVES {
        let n = usize::try_from(wave).unwrap();
        stage.happens(n, told(wave, "STARTED", stage.world.now()));
        let stalled = if stalls { STALLED } else { 0 };
        let opened_at = stage.world.now() + Duration::from_mins(1);
        let all = |what| {
            for server in 0..stalled {
                let (severity, now) = (Severity::Critical, stage.world.now());
                let stall = stall(&place(1), 100 * n + server, severity, what, now);
                stage.happens(1_000 + 10 * n + server, IncidentEvent { opened_at, ..stall });
            }
        };
        tokio::time::sleep(Duration::from_mins(1)).await;
        all((Happened::Opened, 1));
        tokio::time::sleep(Duration::from_mins(7)).await;
        stage.happens(100 + n, told(wave, "COMPLETED", stage.world.now()));
        if wave.is_multiple_of(3) {
            stage.happens(200 + n, failed(wave, stage.world.now()));
        }
        all((Happened::Resolved, 2));
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
}

/// A person opens a window for all that is expected of the account.
async fn open_window(stage: &Stage) {
    let window = window(&place(1), stage.world.now());
    editor(stage).open(&window).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
}

async fn close_window(stage: &Stage) {
    editor(stage).end::<WindowRow>("w", "kim").await.unwrap();
}

pub(super) fn editor(stage: &Stage) -> SpellEditor<MemoryIo> {
    SpellEditor::new(stage.world.clone(), WriteToken::for_command_of_a_person())
}

/// A start, a line for each wave, and a summary, which counts all of it.
fn assert_told(drills: &[(i64, Post)], opened_by: Option<&str>) {
    let lines: Vec<&str> = drills.iter().map(|(_, post)| post.headline.as_str()).collect();
    let [(_, started), waves @ .., (_, ended)] = drills else { panic!("{lines:#?}") };
    assert_eq!(started.headline, "Drill started: autumn");
    assert_eq!(started.facts.get("Opened by").map(String::as_str), opened_by);
    let of_waves = (0..WAVES).map(|wave| {
        let launched = OF_A_WAVE - u32::from(wave.is_multiple_of(3));
        format!("Drill autumn, wave {}: {launched} of {OF_A_WAVE} servers launched", wave + 1)
    });
    assert_eq!(
        waves.iter().map(|(_, post)| post.headline.clone()).collect::<Vec<_>>(),
        of_waves.collect::<Vec<_>>()
    );
    let all = WAVES * OF_A_WAVE;
    assert_eq!(ended.headline, format!("Drill ended: autumn: {} of {all} servers launched", all - 4));
    assert_eq!((ended.facts["Waves"].as_str(), ended.facts["Failed"].as_str()), ("10", "4"));
}

/// The summary counts what was held back: what stalled, and jobs that failed.
fn assert_held(stage: &Stage, incidents: usize) {
    let says = format!("{incidents} incidents of the drill paged nobody");
    let tells = |notice: &Notice| matches!(notice, Notice::Topic { body, .. } if body.contains(&says));
    assert_eq!(stage.world.notices().iter().filter(|notice| tells(notice)).count(), 1, "{says}");
}

#[tokio::test(start_paused = true)]
async fn a_drill_in_a_window_is_a_start_a_line_per_wave_and_a_summary_and_pages_nobody() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    stage.notifier();
    stage.notifier();
    open_window(&stage).await;
    drill(&stage, true).await;
    close_window(&stage).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    for channel in ["mail", "slack"] {
        assert_eq!(stage.digests(channel), [], "no page");
        assert_told(&stage.drills(channel), Some("kim"));
    }
    assert_held(&stage, 10 * STALLED + 4);
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_nobody_opened_a_window_for_is_told_as_one_and_pages_nobody() {
    let stage = Stage::new();
    stage.notifier();
    stage.notifier();
    drill(&stage, false).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    for channel in ["mail", "slack"] {
        assert_eq!(stage.digests(channel), [], "no page");
        assert_told(&stage.drills(channel), None);
    }
    assert_held(&stage, 4);
}

#[tokio::test(start_paused = true)]
async fn a_real_failure_elsewhere_pages_in_the_midst_of_a_drill_and_its_window() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    register(&stage.world, &place(7));
    stage.notifier();
    let began = stage.world.now();
    open_window(&stage).await;
    let fails_at = Duration::from_mins(30);
    tokio::join!(drill(&stage, true), async {
        tokio::time::sleep(fails_at).await;
        stage.happens(900, stall(&place(7), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    });
    for channel in ["mail", "slack"] {
        let told = stage.digests(channel);
        assert_eq!(told.iter().filter(|(_, post)| !post.is_repeated()).count(), 1, "{told:#?}");
        // The window was opened a minute before.
        assert!((31 * 60..=31 * 60 + 35).contains(&told[0].0), "{} s after {began}", told[0].0);
        assert_eq!(told[0].1.facts["Account"], format!("erp-prod ({})", place(7).account));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_stays_with_the_drill_that_it_began_in_however_late_it_ends() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    stage.notifier();
    let minute = || tokio::time::sleep(Duration::from_mins(1));
    stage.happens(1, told(1, "STARTED", stage.world.now()));
    minute().await;
    open_window(&stage).await;
    stage.happens(2, told(2, "STARTED", stage.world.now()));
    stage.happens(3, told(1, "COMPLETED", stage.world.now()));
    minute().await;
    close_window(&stage).await;
    minute().await;
    stage.happens(4, told(2, "COMPLETED", stage.world.now()));
    stage.happens(5, told(2, "COMPLETED", stage.world.now()));
    tokio::time::sleep(Duration::from_hours(1)).await;
    let mut lines: Vec<_> = stage.drills("mail").into_iter().map(|(_, post)| post.headline).collect();
    lines.sort_unstable();
    let wave = "Drill autumn, wave 1: 100 of 100 servers launched";
    let of_window = "Drill ended: autumn: 0 of 0 servers launched";
    let of_plan = "Drill ended: autumn: 100 of 100 servers launched";
    let started = "Drill started: autumn";
    assert_eq!(lines, [wave, wave, of_window, of_plan, started, started]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_closed_while_no_notifier_ran_is_told_afterwards_and_not_one_that_never_opened() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    open_window(&stage).await;
    close_window(&stage).await;
    let later = stage.world.now() + Duration::from_hours(1);
    let never = WindowRow { id: "never".to_owned(), ..window(&place(1), later) };
    editor(&stage).open(&never).await.unwrap();
    editor(&stage).end::<WindowRow>("never", "kim").await.unwrap();
    tokio::time::sleep(Duration::from_mins(5)).await;
    stage.notifier();
    tokio::time::sleep(Duration::from_hours(3)).await;
    let lines: Vec<_> = stage.drills("mail").into_iter().map(|(_, post)| post.headline).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0] == "Drill started: autumn" && lines[1].starts_with("Drill ended: autumn"), "{lines:?}");
}
