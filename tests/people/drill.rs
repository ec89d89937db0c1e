//! R14: a drill of a thousand servers pages nobody, and a real failure elsewhere does.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::spells::SpellEditor;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{Label, Matchers, Routes, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent, JobEvent, OwnEvent};
use drs_fleet_tests::company::{place, register};
use drs_fleet_tests::post::Post;
use jiff::Timestamp;
use jiff::tz::TimeZone;
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
    let now = stage.world.now();
    let window = WindowRow {
        id: "w".into(),
        name: "autumn".into(),
        matchers: Matchers::of([(Label::Account, place(1).account.to_string())]),
        from: now,
        until: now + Duration::from_hours(8),
        author: "kim".into(),
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    };
    editor(stage).open(&window).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
}

async fn close_window(stage: &Stage) {
    editor(stage).end::<WindowRow>("w", "kim").await.unwrap();
}

fn editor(stage: &Stage) -> SpellEditor<MemoryIo> {
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

/// Three routes that look at drills or at accounts, each with a topic of its own.
fn three_routes(stage: &Stage) {
    let topic = |name| json!({ "type": "topic", "arn": format!("arn:aws:sns:us-west-2:999900001111:drs-fleet-{name}") });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "audit": topic("audit"), "erp": topic("erp"), "other": topic("other") },
        "routes": [
            { "name": "audit", "match": { "drill": "drill" }, "continue": true, "channels": ["audit"] },
            { "name": "other", "match": { "account": place(2).account }, "channels": ["other"] },
            { "name": "erp", "match": { "account": place(1).account }, "channels": ["erp"] },
        ],
    }))
    .unwrap();
    let set_at = stage.world.now();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at });
}

/// The topics that were told, by the ends of their names.
fn topics(stage: &Stage) -> Vec<String> {
    let topic = |(_, notice): (_, Notice)| match notice {
        Notice::Topic { arn, .. } => {
            Some(arn.map_or("mail".to_owned(), |arn| arn.rsplit('-').next().unwrap().to_owned()))
        }
        _ => None,
    };
    let mut topics: Vec<_> = stage.world.sent().into_iter().filter_map(topic).collect();
    topics.sort_unstable();
    topics
}

#[tokio::test(start_paused = true)]
async fn a_drill_is_told_over_every_route_that_its_jobs_take_and_a_window_over_those_that_they_would() {
    for by_hand in [false, true] {
        let stage = Stage::new();
        register(&stage.world, &place(1));
        three_routes(&stage);
        stage.notifier();
        if by_hand {
            open_window(&stage).await;
        } else {
            stage.happens(1, told(1, "STARTED", stage.world.now()));
        }
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(topics(&stage), ["audit", "erp"], "by hand: {by_hand}");
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
async fn a_channel_that_the_hub_cannot_use_brings_nobody_the_start_of_a_drill_again() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    register(&stage.world, &place(2));
    let alone =
        json!([{ "name": "alone", "match": { "account": place(2).account }, "group_by": ["account"] }]);
    let routes: Routes = serde_json::from_value(json!({ "routes": alone })).unwrap();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: stage.world.now() });
    stage.notifier_without_webhook();
    for (wave, account) in [(1, 1), (2, 2)] {
        let started = job(wave, "STARTED", stage.world.now());
        let started = JobEvent { account_id: place(account).account, ..started };
        stage.happens(1, OwnEvent::Job(Box::new(started)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(topics(&stage), ["mail"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_hears_of_a_drill_late_is_told_of_its_start_once_and_nobody_else_again() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    register(&stage.world, &place(2));
    three_routes(&stage);
    stage.notifier();
    stage.happens(1, told(1, "STARTED", stage.world.now()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    for wave in [2, 3] {
        let elsewhere = JobEvent { account_id: place(2).account, ..job(wave, "STARTED", stage.world.now()) };
        stage.happens(2, OwnEvent::Job(Box::new(elsewhere)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(topics(&stage), ["audit", "erp", "other"]);
    }
}

/// Bob, who wants quiet for the next hour, and what he read when it is over.
async fn after_bobs_night(happens: impl AsyncFnOnce(&Stage)) -> Vec<String> {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    bob_wants_quiet(&stage, 60);
    stage.notifier();
    happens(&stage).await;
    tokio::time::sleep(Duration::from_hours(2)).await;
    bob_read(&stage)
}

fn bob_wants_quiet(stage: &Stage, minutes: u64) {
    let clock = |minutes: u64| {
        let at = stage.world.now() + Duration::from_mins(minutes);
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    };
    let quiet = json!({ "from": clock(0), "to": clock(minutes), "zone": "UTC" });
    let topic = json!({ "type": "topic", "arn": "arn:aws:sns:us-west-2:999900001111:drs-fleet-bob" });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "bob": topic }, "people": [{ "name": "bob", "channels": ["bob"], "quiet": quiet }],
    }))
    .unwrap();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: stage.world.now() });
}

fn bob_read(stage: &Stage) -> Vec<String> {
    let first_line = |notice| match notice {
        Notice::Topic { arn: Some(_), body, .. } => body.lines().next().map(str::to_owned),
        _ => None,
    };
    stage.world.notices().into_iter().filter_map(first_line).collect()
}

#[tokio::test(start_paused = true)]
async fn who_slept_through_a_drill_reads_in_the_morning_what_came_of_it_and_of_no_failure_in_it() {
    for is_mended in [false, true] {
        let read = after_bobs_night(async |stage| {
            let started_at = stage.world.now();
            stage.happens(1, told(3, "STARTED", started_at));
            tokio::time::sleep(Duration::from_mins(10)).await;
            stage.happens(2, told(3, "COMPLETED", stage.world.now()));
            let opened = failed(3, stage.world.now());
            stage.happens(3, opened.clone());
            tokio::time::sleep(Duration::from_mins(10)).await;
            if is_mended {
                let (happened, at) = (Happened::Resolved, stage.world.now());
                stage.happens(4, IncidentEvent { happened, at, sequence: 2, ..opened });
            }
        });
        assert_eq!(read.await, ["Drill ended: autumn: 99 of 100 servers launched"], "mended: {is_mended}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_slept_when_a_drill_began_reads_its_start_before_its_first_line_and_nothing_of_what_passed() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    bob_wants_quiet(&stage, 30);
    stage.notifier();
    for wave in 1..=3 {
        stage.happens(1, told(wave, "STARTED", stage.world.now()));
        tokio::time::sleep(Duration::from_mins(14)).await;
        stage.happens(1, told(wave, "COMPLETED", stage.world.now()));
    }
    tokio::time::sleep(Duration::from_hours(1)).await;
    let wave = "Drill autumn, wave 3: 99 of 100 servers launched";
    let over = "Drill ended: autumn: 299 of 300 servers launched";
    assert_eq!(bob_read(&stage), ["Drill started: autumn", wave, over]);
}
