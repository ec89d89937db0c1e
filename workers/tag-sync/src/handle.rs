//! Messages: what each is for.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spoken;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys;
use drs_fleet_domain::tags::{self, InstanceTagsRow};
use drs_fleet_domain::unhandled::Reason;

use crate::{TagSync, instance, request, sweep};

/// Handles what waits in one lane: one instance's changes, or a sweep.
pub(crate) async fn handle<I: Io>(worker: &TagSync, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let spoken = spoken::of(&work, io.now());
    act(worker, io, work).await?;
    worker.listener.note(io, spoken).await
}

async fn act<I: Io>(worker: &TagSync, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let (mut newest, mut ticked): (Option<InstanceTagsRow>, bool) = (None, false);
    for received in worker.inbox.admit(io, work).await? {
        let place = received.place();
        match &received.event {
            Event::TagsChanged(change) => {
                let registry = worker.registry.current(io).await?;
                let subject = (&place, registry.account_name(&place.account));
                let (told, now) = ((change, received.envelope.time), io.now());
                let key = keys::instance_tags(&change.instance);
                let decide = |row: Option<&_>| tags::changed(subject, told, row, now);
                newest = worker.instances.change(io, &key, decide).await?.row().cloned();
            }
            // Tags of DRS resources: ours, which need nothing more, or a person's, which are theirs.
            Event::ApiCall(_) => {}
            Event::SweepTick => ticked |= !sweeps::is_overtaken(received.sent_at, io.now()),
            Event::SweepPlace { .. } => sweep::sweep(worker, io, &place, received.sent_at).await?,
            Event::SyncTags(asked) => {
                request::serve(worker, io, &place, (asked, received.envelope.time)).await?;
            }
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    // However many ticks have piled up, each place is asked for once.
    if ticked {
        sweeps::ask(io, &worker.registry.current(io).await?.drs_places()).await?;
    }
    match newest {
        // A redelivery of what was stored and not yet written ends here as well.
        Some(row) => instance::bring(worker, io, row).await,
        None => Ok(()),
    }
}
