//! Messages: what each is for.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spoken;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::{ApiCall, Event};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{Observation, ServerObservation};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::recovery;
use drs_fleet_domain::unhandled::Reason;
use jiff::Timestamp;

use crate::context::Known;
use crate::{JobMonitor, ended, inventory, jobs, recoveries, sweep};

/// Handles what waits in one lane, in turn: a job has few events, and each is a different subject.
pub(crate) async fn handle<I: Io>(worker: &JobMonitor, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let spoken = spoken::of(&work, io.now());
    act(worker, io, work).await?;
    worker.listener.note(io, spoken).await
}

async fn act<I: Io>(worker: &JobMonitor, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let mut ticked = false;
    for received in worker.inbox.admit(io, work).await? {
        let place = received.place();
        let at = received.envelope.time;
        match &received.event {
            Event::LaunchResult { server, job, launched, drill } => {
                let (launched, drill) = (*launched, *drill);
                let result = [ServerObservation::Result { launched, at }];
                jobs::see_server(worker, io, (&place, job, server), &result).await?;
                let result = [Observation::Result { drill, launched, at }];
                heard(worker, io, (&place, job), (&result, at)).await?;
            }
            Event::FailbackChange { instance, state } => {
                let changed = [recovery::Observation::Failback { state: state.clone(), at }];
                // DRS lists them by the ids of EC2: under another, it would be an instance that no sweep finds.
                if instance.is_of_ec2() {
                    recoveries::see(worker, io, (&place, instance), &changed).await?;
                }
                wish(worker, io, &place).await?;
            }
            // Refused: nothing happened.
            Event::ApiCall(ApiCall { error: Some(_), .. }) => {}
            Event::ApiCall(call) => match &call.job {
                Some(job) => match Observation::called(call, at) {
                    gone @ Observation::Deleted { .. } => {
                        ended::vanished(worker, io, (&place, job), gone).await?;
                    }
                    called => {
                        let tagged = inventory::drill_tag(io, &place, &call.servers).await?;
                        let told: Vec<_> = tagged.into_iter().chain([called]).collect();
                        heard(worker, io, (&place, job), (&told, at)).await?;
                    }
                },
                // It changes recovery instances, or starts jobs that it does not name.
                None => wish(worker, io, &place).await?,
            },
            Event::SweepTick => ticked |= !sweeps::is_overtaken(received.sent_at, io.now()),
            Event::SweepPlace { .. } => sweep::sweep(worker, io, &place, received.sent_at).await?,
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    // However many ticks have piled up, each place is asked for once.
    if ticked {
        sweeps::ask(io, &worker.registry.current(io).await?.drs_places()).await?;
    }
    Ok(())
}

/// An event told of a job: while it is active, it is looked at closely from now on.
async fn heard<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, job): (&Place, &JobId),
    (observations, told_at): (&[Observation], Timestamp),
) -> Result<(), IoError> {
    let known = Known::of(worker, io, place).await?;
    let key = keys::job(place, job);
    let decide = |row: Option<&_>| jobs::decide((place, job), observations, row, &known, &[], false);
    let outcome = worker.jobs.change(io, &key, decide).await?;
    match outcome.row().filter(|row| row.is_active()) {
        Some(row) => {
            let began = row.started_at().unwrap_or_else(|| jobs::may_have_begun(told_at));
            let key = keys::job_sweep(place);
            let watch = |row: Option<&_>| JobSweepRow::watched((place, job), began, row, io.now());
            worker.sweeps.change(io, &key, watch).await.map(drop)
        }
        None => Ok(()),
    }
}

/// Has the place swept soon.
async fn wish<I: Io>(worker: &JobMonitor, io: &I, place: &Place) -> Result<(), IoError> {
    let wished = |row: Option<&_>| JobSweepRow::wished(place, row, io.now());
    // The wish that this process remembers may have been served by another since.
    worker.sweeps.change_now(io, &keys::job_sweep(place), wished).await.map(drop)
}
