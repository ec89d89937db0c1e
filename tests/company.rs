//! A company in memory: accounts, each registered for one Region, and the schedule that asks for their sweeps.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_domain::ids::{JobId, SourceServerId};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{Label, Matchers, WindowRow};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::seen::{JobSeen, JobServerSeen};
use jiff::Timestamp;
use serde_json::json;

/// The place of account `n`.
pub fn place(n: u64) -> Place {
    Place {
        account: format!("{:012}", 111_100_000_000 + n).parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
    }
}

/// Registers an account for its place.
pub fn register(io: &MemoryIo, place: &Place) {
    register_in(io, place, vec![AccountRegion { region: place.region.clone(), drs: true, source: false }]);
}

/// Registers an account for several Regions.
pub fn register_in(io: &MemoryIo, place: &Place, regions: Vec<AccountRegion>) {
    io.set_row(&AccountRow {
        id: place.account.clone(),
        name: place.account.to_string(),
        alias: None,
        role_arn: format!("arn:aws:iam::{}:role/drs-fleet", place.account),
        external_id_secret: "drs-fleet/external-id".to_owned(),
        regions,
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
    });
}

/// A window for a drill in that account, for eight hours.
pub fn window(place: &Place, from: Timestamp) -> WindowRow {
    WindowRow {
        id: "w".into(),
        name: "autumn".into(),
        matchers: Matchers::of([(Label::Account, place.account.to_string())]),
        from,
        until: from + Duration::from_hours(8),
        author: "kim".into(),
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    }
}

/// The schedule ticks.
pub fn tick(io: &MemoryIo) {
    io.put_message(
        json!({
            "version": "0", "id": "tick", "source": "drs-fleet.schedule", "detail-type": "Sweep Tick",
            "account": "999999999999", "region": "us-west-2", "resources": [], "detail": {},
            "time": io.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
        .to_string(),
    );
}

/// Job `n` of a place as DRS lists it: a drill that began at `created`, with so many servers in one status.
pub fn drill(n: u32, created: Timestamp, servers: u32, status: (&str, &str)) -> JobSeen {
    let (job, launch) = status;
    let server = |k: u32| JobServerSeen {
        server: server(n, k),
        launch_status: Some(launch.to_owned()),
        recovery_instance: None,
    };
    let id: JobId = format!("drsjob-{n:017}").parse().unwrap();
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(created),
        servers: (0..servers).map(server).collect(),
        ..JobSeen::new(id, job)
    }
}

fn server(job: u32, k: u32) -> SourceServerId {
    format!("s-{job:08}{k:09}").parse().unwrap()
}

/// The job when it is over, with all its servers launched.
pub fn ended(job: &JobSeen, at: Timestamp) -> JobSeen {
    let mut ended = JobSeen { status: "COMPLETED".to_owned(), ended: Some(at), ..job.clone() };
    ended.servers.iter_mut().for_each(|server| server.launch_status = Some("LAUNCHED".to_owned()));
    ended
}
