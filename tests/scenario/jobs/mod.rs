//! Jobs of any origin: heard of by an event or found by a look, followed to their end, and as DRS knows them.

mod drills;
mod origins;
mod recoveries;

use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{JobRow, JobServerRow};
use drs_fleet_domain::keys;
use drs_fleet_local::drs::{JobView, LaunchView};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::hub::Hub;
use crate::support::wait::until;

/// Starts a drill as the console does.
async fn drill(hub: &Hub, spoke: usize, servers: &[String], plan: &str) -> JobId {
    let servers: Vec<_> = servers.iter().map(|id| json!({ "sourceServerID": id })).collect();
    let body = json!({ "isDrill": true, "sourceServers": servers, "tags": { "drs-fleet:plan": plan } });
    let answer = hub.call(hub.site(spoke), ("drs", "StartRecovery"), &body).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["job"]["jobID"].as_str().unwrap().parse().unwrap()
}

/// The ids of servers that can be launched without fail.
fn healthy(hub: &Hub, spoke: usize) -> Vec<String> {
    let world = hub.world();
    let all = world.drs.servers(hub.site(spoke), world.clock.now());
    all.into_iter().filter(|server| server.state == "CONTINUOUS").map(|server| server.id).collect()
}

/// What DRS knows of a job.
fn truth(hub: &Hub, spoke: usize, id: &JobId) -> Option<JobView> {
    hub.world().drs.jobs(hub.site(spoke)).into_iter().find(|job| job.id == id.as_str())
}

async fn row(hub: &Hub, spoke: usize, id: &JobId) -> Option<JobRow> {
    hub.row(&keys::job(&hub.place(spoke), id)).await
}

/// The job once it is over and in the history.
async fn over(hub: &Hub, spoke: usize, id: &JobId) -> JobRow {
    until(format!("the end of {id}"), async || {
        row(hub, spoke, id).await.filter(|row| !row.is_active() && row.settled)
    })
    .await
}

async fn servers_of(hub: &Hub, spoke: usize, id: &JobId) -> Vec<JobServerRow> {
    hub.rows(&keys::job_servers(&hub.place(spoke), id)).await
}

fn second(time: Timestamp) -> i64 {
    time.as_second()
}

/// The table says of a job that is over what DRS knows of it.
async fn assert_true(hub: &Hub, spoke: usize, id: &JobId) {
    let (told, truth) = (over(hub, spoke, id).await, truth(hub, spoke, id).unwrap());
    assert_eq!(
        (told.status.as_str(), told.kind.as_deref()),
        (truth.status.as_str(), Some(truth.kind.as_str()))
    );
    assert_eq!(told.initiated_by.as_deref(), Some(truth.initiated_by.as_str()));
    assert_eq!((told.created, told.ended), (Some(truth.created), truth.ended));
    let counts = told.counts.unwrap();
    let failed = truth.servers.iter().filter(|server| server.status == "FAILED").count();
    assert_eq!((counts.servers as usize, counts.failed as usize), (truth.servers.len(), failed));
    let rows = servers_of(hub, spoke, id).await;
    assert_eq!(rows.len(), truth.servers.len());
    for row in &rows {
        let server = truth.servers.iter().find(|server| server.server == row.server.as_str()).unwrap();
        assert_server(row, server, told.ended.unwrap());
    }
    let launches: Vec<_> = truth.servers.iter().filter(|s| s.status == "LAUNCHED").collect();
    if let Some(last) = launches.iter().filter_map(|server| server.finished).max()
        && told.purpose().recovers()
    {
        let took = i64::try_from(told.recovery_time().unwrap().as_secs()).unwrap();
        let whole = second(truth.ended.unwrap()) - second(truth.created);
        assert!((second(last) - second(truth.created) - 1..=whole).contains(&took), "{took} s: {told:?}");
    }
}

/// No event tells the second at which a server was launched where that event was lost: then it is when it was seen.
fn assert_server(row: &JobServerRow, server: &LaunchView, ended: Timestamp) {
    assert_eq!(row.launch_status, server.status, "{row:?}");
    let instance = row.recovery_instance.as_ref().map(|id| id.as_str().to_owned());
    assert_eq!(instance, server.recovery_instance, "{row:?}");
    if let Some(finished) = server.finished {
        match row.result_at {
            Some(at) => assert_eq!(second(at), second(finished), "{row:?}"),
            None => assert!(
                (second(finished)..=second(ended)).contains(&second(row.found_at.unwrap())),
                "{row:?}"
            ),
        }
    }
    for phase in &server.phases {
        let Some(span) = row.phases.get(&phase.name) else {
            assert_eq!(phase.name, "USING_PREVIOUS_SNAPSHOT", "{row:?}");
            continue;
        };
        assert_eq!(span.start, Some(phase.started), "{}: {row:?}", phase.name);
        // No line of the log tells the end of a launch that went well.
        let is_told = phase.name != "LAUNCH" || server.status == "FAILED";
        assert!(!is_told || span.end == phase.ended, "{}: {row:?}", phase.name);
    }
    let error = row.failure.as_ref().and_then(|failure| failure.error.clone());
    assert_eq!(error, server.error, "{row:?}");
}
