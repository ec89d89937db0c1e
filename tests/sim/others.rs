//! What the job-monitor and the tag-sync keep, held against the model.

use std::collections::BTreeSet;

use drs_fleet_aws::memory::MemoryIo;

use super::bodies::{arn, job, launch_status, owner, server_id};
use super::check::{Checked, Rows, is_open, rows_of};
use super::model::{Model, Server};
use crate::company::place;

/// Each job is over as DRS shows it, and its end was told once.
pub(super) fn jobs(model: &Model, rows: &Rows, world: &MemoryIo, checked: &mut Checked) {
    let events: Vec<_> = world.published_events();
    let ends: BTreeSet<_> = events
        .iter()
        .filter(|event| event.detail_type() == "Job Completed")
        .map(|event| (event.event_id(), event.detail().unwrap()["jobId"].as_str().unwrap().to_owned()))
        .collect();
    for told in model.jobs.values() {
        let (id, who) = (job(told).id.to_string(), format!("job {} of account {}", told.number, told.place));
        let row = rows_of(rows, "job").iter().find(|row| row["id"] == id);
        let must = if told.over { "COMPLETED" } else { "STARTED" };
        checked.equal(&who, &row.and_then(|row| row["status"].as_str()), &Some(must));
        let failed = told.over && told.servers.iter().any(|(_, well)| !well);
        let open = row.is_some_and(|row| is_open(&row["incidents"]["JOB_FAILED"]));
        checked.equal(&format!("failure of {who}"), &open, &failed);
        let told_over = ends.iter().filter(|(_, of)| *of == id).count();
        checked.equal(&format!("ends told of {who}"), &told_over, &usize::from(told.over));
        for (server, well) in &told.servers {
            let of = |row: &&serde_json::Value| row["job"] == id && row["server"] == server_id(*server);
            let row = rows_of(rows, "job-server").iter().find(of);
            let is = row.and_then(|row| row["launch_status"].as_str());
            if told.over {
                checked.equal(&format!("server {server} of {who}"), &is, &Some(launch_status(true, *well)));
            }
        }
    }
}

/// What was connected all the time has the newest tags of its machine, without that a sweep looked.
pub(super) fn tags_told(model: &Model, world: &MemoryIo, checked: &mut Checked) {
    for (server, version) in model.tags.iter().filter(|(server, _)| model.always_connected.contains(server)) {
        tag(*server, *version, world, checked);
    }
}

/// What is connected in the end has the newest tags of its machine.
pub(super) fn tags(model: &Model, world: &MemoryIo, checked: &mut Checked) {
    for (server, version) in model.tags.iter().filter(|(server, _)| model.is_connected(**server)) {
        tag(*server, *version, world, checked);
    }
}

fn tag((n, server): Server, version: u64, world: &MemoryIo, checked: &mut Checked) {
    let place = place(n.into());
    let is = world.tags(&place, &arn(&place, server)).remove("owner");
    checked.equal(&format!("tag of server {server} of account {n}"), &is, &Some(owner(version)));
}
