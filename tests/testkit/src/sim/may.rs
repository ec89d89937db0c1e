//! What a history may come to: all else that is told nobody asked for.

use std::collections::BTreeSet;

use super::bodies::{SOURCE_REGION, STRANGER, instance, is_unfit, job_id, recovery_instance_id, server_id};
use super::draw::{HUB, PLACES};
use super::history::{Event, History, Job, Tells, Trouble, What};
use super::model::Model;
use super::silence;
use super::wrong::SMALL;
use crate::company::place;

/// The incidents that may be told.
pub(super) fn incidents(history: &History, model: &Model) -> BTreeSet<String> {
    let mut may = BTreeSet::new();
    for (n, server) in &model.ever_stalled {
        may.insert(incident("REPLICATION_STALLED", *n, &server_id(*server)));
    }
    if model.stranger {
        may.insert(stranger());
    }
    if history.weather.has(Trouble::RoleRefused) {
        may.extend((0..PLACES).map(|n| of_account("ACCOUNT_DENIED", n)));
    } else {
        may.extend(["CAPACITY_REPLICATING", "CAPACITY_TOTAL"].map(|kind| of_account(kind, SMALL)));
    }
    if history.weather.has(Trouble::Silence) {
        may.extend(
            silence::places().map(|(account, region)| format!("SPOKE_SILENT/{account}/{region}/{account}")),
        );
    }
    if history.whole {
        let has = |troubles: &[Trouble]| troubles.iter().any(|trouble| history.weather.has(*trouble));
        let mail = has(&[Trouble::MailDeaf, Trouble::Faults]).then_some("mail");
        let slack = has(&[Trouble::Faults]).then_some("slack");
        may.extend(mail.into_iter().chain(slack).map(|name| incident("CHANNEL_FAILING", HUB, name)));
    }
    for step in &history.steps {
        match &step.what {
            What::Shows { place, servers } if !history.weather.has(Trouble::RoleRefused) => {
                let ails = servers.iter().filter_map(|shown| Some((shown.server, shown.ail?)));
                may.extend(ails.map(|(server, ail)| incident(ail.kind(), *place, &server_id(server))));
            }
            What::Shows { .. } => {}
            What::Runs(job) => may.extend(of_job(job)),
            What::Comes(event) => may.extend(of_event(history, event)),
        }
    }
    may
}

/// The incidents that must be open in the end whatever the rows say: of accounts that nobody registered and that speak, and of
/// those whose role lets nobody in, where somebody asked for them.
pub(super) fn must(history: &History, model: &Model) -> BTreeSet<String> {
    let stranger = model.stranger.then(stranger);
    let is_asked_for = |n: &u8| history.weather.has(Trouble::RoleRefused) && model.shown[n].0 > 0;
    let denied = (0..PLACES).filter(is_asked_for).map(|n| of_account("ACCOUNT_DENIED", n));
    stranger.into_iter().chain(denied).collect()
}

fn stranger() -> String {
    format!("UNREGISTERED_ACCOUNT/{STRANGER}/{}/{STRANGER}", place(0).region)
}

fn of_job(job: &Job) -> Vec<String> {
    let id = job_id(&place(job.place.into()), job.number);
    let mut may = vec![incident("JOB_STUCK", job.place, &id)];
    if job.place == SMALL {
        may.push(of_account("JOBS_NEAR_QUOTA", SMALL));
    }
    if job.servers.iter().any(|(_, well)| !well) {
        may.push(incident("JOB_FAILED", job.place, &id));
    }
    if Job::is_drill(job.number) {
        may.push(incident("DRILL_LEFT_RUNNING", job.place, &id));
    }
    if job.fails_back {
        let instances = job.servers.iter().map(|(server, _)| recovery_instance_id(job, *server));
        may.extend(instances.map(|id| incident("FAILBACK_FAILED", job.place, &id)));
    }
    may
}

fn of_event(history: &History, event: &Event) -> Vec<String> {
    let n = event.place;
    match event.tells {
        Tells::Launched(job, _, false) => {
            vec![incident("JOB_FAILED", n, &job_id(&place(n.into()), job))]
        }
        Tells::Tagged(server, version) => {
            let at = place(n.into());
            let machine = instance(&at, server);
            let mut may = vec![format!("INSTANCE_TAG_TAMPERED/{}/{SOURCE_REGION}/{machine}", at.account)];
            if is_unfit(version) {
                may.push(incident("TAGS_UNFIT", n, &server_id(server)));
            }
            if history.weather.has(Trouble::TagsRefused) && n == SMALL {
                may.push(incident("TAGS_REFUSED", n, &server_id(server)));
            }
            may
        }
        _ => Vec::new(),
    }
}

/// As it is called: kind, account, Region and subject.
pub(super) fn incident(kind: &str, n: u8, subject: &str) -> String {
    let place = place(n.into());
    format!("{kind}/{}/{}/{subject}", place.account, place.region)
}

fn of_account(kind: &str, n: u8) -> String {
    incident(kind, n, place(n.into()).account.as_str())
}
