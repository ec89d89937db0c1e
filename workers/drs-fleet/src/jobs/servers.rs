//! The servers of a job, as a table.

use std::time::Duration;

use drs_fleet_domain::job::{JobRow, JobServerRow, Stay};
use drs_fleet_domain::launch_remedy;
use jiff::Timestamp;

use crate::text::{lasting, length, of_objective, plain, table};

/// A line for each server.
pub(super) fn print(job: &JobRow, servers: &[&JobServerRow], now: Timestamp) -> String {
    let headings = ["NAME", "SERVER", "STATUS", "RTO", "PHASES", "INSTANCE", "FAILURE"];
    let none = || "-".to_owned();
    let line = |server: &&JobServerRow| {
        [
            plain(server.label()),
            server.server.to_string(),
            plain(&server.launch_status),
            of_objective(server.recovery_time(job), server.objective.map(Duration::from)),
            phases(job, server, now),
            server.recovery_instance.as_ref().map_or_else(none, ToString::to_string),
            reason(server).map_or_else(none, |reason| plain(&reason)),
        ]
    };
    table(headings, &servers.iter().map(line).collect::<Vec<_>>())
}

/// Why a server failed; what else its job's log says that went wrong does not matter of one that was launched.
pub(super) fn reason(server: &JobServerRow) -> Option<String> {
    let skipped = server.failure.as_ref().is_some_and(|failure| failure.event == "SERVER_SKIPPED");
    (server.launch_status == "FAILED" || skipped).then(|| launch_remedy::reason(server.failure.as_ref()))
}

/// The phase that it is in and for how long, while its job runs; else how long each took.
fn phases(job: &JobRow, server: &JobServerRow, now: Timestamp) -> String {
    if let Some((phase, since)) = server.phase().filter(|_| job.is_active() && !server.is_done()) {
        return format!("{} for {}", plain(launch_remedy::phase(phase)), lasting(since, now));
    }
    let stay =
        |stay: &Stay<'_>| Some(format!("{} {}", plain(&stay.phase.to_lowercase()), length(stay.took?)));
    let told: Vec<_> = server.stays().iter().filter_map(stay).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}
