//! What the job-monitor and the tag-sync keep, held against the model.

use std::collections::BTreeSet;

use drs_fleet_aws::memory::MemoryIo;

use super::bodies::{
    arn, instance, is_tampered, is_unfit, job, launch_status, owner, recovery_instance_id, server_id,
};
use super::check::{Checked, Rows, is_open, of_place, rows_of};
use super::draw::PLACES;
use super::history::{History, Job, Trouble};
use super::model::{Model, Server};
use super::told::Published;
use super::wrong::{SMALL, are_quotas_unread};
use crate::company::place;

/// Each job is over as DRS shows it, and its end was told once.
pub(super) fn jobs(model: &Model, rows: &Rows, published: &[Published], checked: &mut Checked) {
    let ends = published.iter().filter(|event| event.kind == "Job Completed");
    let ends: BTreeSet<_> = ends.map(|event| (&event.id, event.detail["jobId"].as_str().unwrap())).collect();
    for told in model.jobs.values() {
        let (id, who) = (job(told).id.to_string(), format!("job {} of account {}", told.number, told.place));
        let row = rows_of(rows, "job").iter().find(|row| row["id"] == id);
        let must = if told.over { "COMPLETED" } else { "STARTED" };
        checked.equal(&who, &row.and_then(|row| row["status"].as_str()), &Some(must));
        let (is_drill, ended) =
            (Job::is_drill(told.number), |well| told.over && told.servers.iter().any(|(_, is)| *is == well));
        let wrong = [
            ("JOB_FAILED", ended(false)),
            ("DRILL_LEFT_RUNNING", is_drill && ended(true)),
            ("JOB_STUCK", !told.over),
        ];
        for (kind, must) in wrong {
            let open = row.is_some_and(|row| is_open(&row["incidents"][kind]));
            checked.equal(&format!("{kind} of {who}"), &open, &must);
        }
        for (server, _) in told.servers.iter().filter(|(_, well)| told.over && *well) {
            let id = recovery_instance_id(told, *server);
            let row = rows_of(rows, "recovery-instance").iter().find(|row| row["id"] == id);
            let open = row.map(|row| is_open(&row["incidents"]["FAILBACK_FAILED"]));
            let what = format!("failback of server {server} of {who}");
            checked.equal(&what, &open, &Some(told.fails_back));
        }
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

/// Where both jobs of the small account run for ever, it may begin no other.
pub(super) fn quota_of_jobs(history: &History, model: &Model, rows: &Rows, checked: &mut Checked) {
    for n in (0..PLACES).filter(|_| history.whole) {
        let row = of_place(rows, "job-sweep", n).next();
        let open = row.is_some_and(|row| is_open(&row["incidents"]["JOBS_NEAR_QUOTA"]));
        let run = model.jobs.values().filter(|job| job.place == n && !job.over).count();
        let is_full = n == SMALL && run == 2;
        if open != is_full && !(is_full && are_quotas_unread(history, rows, n)) {
            checked.problem(format!("JOBS_NEAR_QUOTA of account {n} is open: {open}, and {run} jobs run"));
        }
    }
}

/// What was connected all the time has the newest tags of its machine, without that a sweep looked.
pub(super) fn tags_told(history: &History, model: &Model, world: &MemoryIo, checked: &mut Checked) {
    for (server, version) in model.tags.iter().filter(|(server, _)| model.always_connected.contains(server)) {
        if !is_refused(history, *server) {
            tag(*server, *version, world, checked);
        }
    }
}

/// Whether DRS lets nobody set its tags.
fn is_refused(history: &History, (n, _): Server) -> bool {
    n == SMALL && history.weather.has(Trouble::TagsRefused)
}

/// What is connected in the end has the newest tags of its machine.
pub(super) fn tags(history: &History, model: &Model, rows: &Rows, world: &MemoryIo, checked: &mut Checked) {
    for (server, version) in &model.tags {
        let is_refused = is_refused(history, *server);
        if model.is_connected(*server) {
            if !is_refused {
                tag(*server, *version, world, checked);
            }
            wrong(*server, ("TAGS_UNFIT", is_unfit(*version)), rows, checked);
            // What was not connected when its tags were changed may be tried for the first time by a sweep.
            if !is_refused || model.always_connected.contains(server) {
                wrong(*server, ("TAGS_REFUSED", is_refused), rows, checked);
            }
        }
        tampered(*server, *version, rows, checked);
    }
}

fn wrong((n, server): Server, (kind, must): (&str, bool), rows: &Rows, checked: &mut Checked) {
    let id = server_id(server);
    let row = of_place(rows, "server-tags", n).find(|row| row["server"] == id);
    let open = row.is_some_and(|row| is_open(&row["incidents"][kind]));
    checked.equal(&format!("{kind} of server {server} of account {n}"), &open, &must);
}

/// Who never saw the tag of DRS does not miss it.
fn tampered((n, server): Server, version: u64, rows: &Rows, checked: &mut Checked) {
    let machine = instance(&place(n.into()), server);
    let row = rows_of(rows, "instance-tags").iter().find(|row| row["instance"] == machine);
    let open = row.is_some_and(|row| is_open(&row["incidents"]["INSTANCE_TAG_TAMPERED"]));
    let was_seen = row.is_some_and(|row| row["protected"].is_object());
    checked.equal(&format!("tampering with {machine}"), &open, &(was_seen && is_tampered(version)));
}

fn tag((n, server): Server, version: u64, world: &MemoryIo, checked: &mut Checked) {
    let place = place(n.into());
    let is = world.tags(&place, &arn(&place, server)).remove("owner");
    checked.equal(&format!("tag of server {server} of account {n}"), &is, &Some(owner(version)));
}
