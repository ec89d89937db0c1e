//! What is known of an incident beyond what people were told: the row of its subject keeps the newest cause.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::ids::{InstanceId, JobId, RecoveryInstanceId, SourceServerId};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::{ChannelName, ChannelRow};
use drs_fleet_domain::own_event::IncidentEvent;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::row::Troubled;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::{InstanceTagsRow, ServerTagsRow};
use drs_fleet_domain::unhandled::{self, UnhandledRow};
use drs_fleet_domain::words::{self, SubjectKind};

use crate::hub::Hub;

/// The newest cause of the incident that `told` is about; `None` when no more is known than that.
pub(super) async fn reason(hub: &Hub, told: &IncidentEvent) -> Result<Option<String>, IoError> {
    let place = told.place();
    match words::subject(told.kind) {
        SubjectKind::Account if told.kind == IncidentKind::UnregisteredAccount => {
            let key = unhandled::key_of_stranger(CapacityTracker::NAME, &told.account_id);
            of::<UnhandledRow>(hub, key, told).await
        }
        SubjectKind::Account if told.kind == IncidentKind::JobsNearQuota => {
            of::<JobSweepRow>(hub, keys::job_sweep(&place), told).await
        }
        SubjectKind::Job => match told.subject.parse::<JobId>() {
            Ok(id) => of::<JobRow>(hub, keys::job(&place, &id), told).await,
            Err(_) => Ok(None),
        },
        SubjectKind::Server if matches!(told.kind, IncidentKind::TagsUnfit | IncidentKind::TagsRefused) => {
            match told.subject.parse::<SourceServerId>() {
                Ok(id) => of::<ServerTagsRow>(hub, keys::server_tags(&place, &id), told).await,
                Err(_) => Ok(None),
            }
        }
        SubjectKind::Server => match told.subject.parse::<SourceServerId>() {
            Ok(id) => of::<ServerRow>(hub, keys::server(&place, &id), told).await,
            Err(_) => Ok(None),
        },
        SubjectKind::RecoveryInstance if told.kind == IncidentKind::InstanceTagTampered => {
            match told.subject.parse::<InstanceId>() {
                Ok(id) => of::<InstanceTagsRow>(hub, keys::instance_tags(&id), told).await,
                Err(_) => Ok(None),
            }
        }
        SubjectKind::RecoveryInstance => match told.subject.parse::<RecoveryInstanceId>() {
            Ok(id) => of::<RecoveryRow>(hub, keys::recovery(&place, &id), told).await,
            Err(_) => Ok(None),
        },
        SubjectKind::Channel => match ChannelName::try_from(told.subject.clone()) {
            Ok(name) => of::<ChannelRow>(hub, keys::channel(&name), told).await,
            Err(_) => Ok(None),
        },
        SubjectKind::Account => of::<PlaceRow>(hub, keys::place(&place), told).await,
    }
}

async fn of<R: Troubled>(hub: &Hub, key: Key, told: &IncidentEvent) -> Result<Option<String>, IoError> {
    let stored = hub.io.read::<R>(&[key]).await?.pop().flatten();
    // A later incident of the same kind is another one; of one that is over no cause is kept.
    let known = stored.as_ref().and_then(|stored| stored.row.incidents().get(&told.kind));
    let known = known.filter(|known| known.opened_at == told.opened_at && !known.reason.is_empty());
    Ok(known.map(|known| known.reason.clone()).filter(|reason| *reason != told.reason))
}
