//! Events about jobs: load, decide, apply.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::{ApiCall, Event};
use drs_fleet_domain::ids::{JobId, SourceServerId};
use drs_fleet_domain::job::{self, Observation, ServerObservation};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::unhandled::Reason;

use crate::{JobMonitor, sweep};

/// Handles what waits in one lane, in turn: a job has few events, and each is a different subject.
pub(crate) async fn handle<I: Io>(worker: &JobMonitor, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let mut ticked = false;
    for received in worker.inbox.admit(io, work).await? {
        let place = received.place();
        match &received.event {
            Event::LaunchResult { server, job, launched, drill } => {
                see(worker, io, (&place, job), &Observation::Result { drill: *drill }).await?;
                let at = received.envelope.time;
                let result = ServerObservation::Result { launched: *launched, at };
                see_server(worker, io, (&place, job, server), &result).await?;
            }
            Event::ApiCall(ApiCall { error: None, job: Some(job), .. }) => {
                let started = Observation::Started { at: received.envelope.time };
                see(worker, io, (&place, job), &started).await?;
            }
            // Refused, or it names no job: the next sweep sees what it did.
            Event::ApiCall(_) => {}
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

/// Applies one observation of a job.
pub(crate) async fn see<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, id): (&Place, &JobId),
    observation: &Observation,
) -> Result<(), IoError> {
    let key = keys::job(place, id);
    worker.jobs.change(io, &key, |row| job::decide((place, id), observation, row)).await?;
    Ok(())
}

/// Applies one observation of a job's server.
pub(crate) async fn see_server<I: Io>(
    worker: &JobMonitor,
    io: &I,
    subject: (&Place, &JobId, &SourceServerId),
    observation: &ServerObservation,
) -> Result<(), IoError> {
    let (place, id, server) = subject;
    let key = keys::job_server(place, id, server);
    worker.servers.change(io, &key, |row| job::decide_server(subject, observation, row)).await?;
    Ok(())
}
