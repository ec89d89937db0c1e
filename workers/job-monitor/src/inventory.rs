//! What else tells of a job's servers: their rows in the inventory, and their recovery instances.

use std::collections::BTreeMap;

use drs_fleet_aws::io::{IDS_AT_ONCE, Io, READ_AT_ONCE, RecoveryFilter, ServerFilter};
use drs_fleet_aws::patience::patiently;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{JobId, RecoveryInstanceId, SourceServerId};
use drs_fleet_domain::job::{Observation, ServerObservation};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::server::ServerRow;

use crate::{JobMonitor, recoveries};

/// What was observed of each server of a job.
pub(crate) type Observed = BTreeMap<SourceServerId, Vec<ServerObservation>>;

/// Adds what the inventory knows of servers of which it is not known yet: a launch result tells an id alone, and a server
/// may be in the inventory only after its job began.
pub(crate) async fn describe<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, job): (&Place, &JobId),
    observed: &mut Observed,
) -> Result<(), IoError> {
    let is_nameless = |server: &&SourceServerId| {
        let held = worker.servers.held(&keys::job_server(place, job, server));
        held.is_none_or(|stored| stored.row.name.is_none())
    };
    let fresh: Vec<SourceServerId> = observed.keys().filter(is_nameless).cloned().collect();
    for (server, row) in rows(io, place, &fresh).await? {
        let known = ServerObservation::Known {
            name: row.name().to_owned(),
            objective: row.recovery_time_objective(),
        };
        observed.entry(server).or_default().push(known);
    }
    Ok(())
}

/// The tag `drs-fleet:drill` that all servers of a job have, where its start is not told yet: what is expected of a few of
/// them is not of the others.
pub(crate) async fn drill_tag<I: Io>(
    io: &I,
    place: &Place,
    servers: &[SourceServerId],
) -> Result<Option<Observation>, IoError> {
    let rows = rows(io, place, servers).await?;
    let tag = rows.values().next().and_then(ServerRow::drill_tag);
    let have_it = |server| tag.is_some() && rows.get(server).and_then(ServerRow::drill_tag) == tag;
    let tag = tag.filter(|_| servers.iter().all(have_it));
    Ok(tag.map(|tag| Observation::Tagged(tag.to_owned())))
}

/// The inventory's rows of these servers, as far as it has them.
pub(crate) async fn rows<I: Io>(
    io: &I,
    place: &Place,
    servers: &[SourceServerId],
) -> Result<BTreeMap<SourceServerId, ServerRow>, IoError> {
    let mut rows = BTreeMap::new();
    for ids in servers.chunks(READ_AT_ONCE) {
        let keys: Vec<Key> = ids.iter().map(|id| keys::server(place, id)).collect();
        let found = io.read::<ServerRow>(&keys).await?.into_iter().flatten();
        rows.extend(found.map(|stored| (stored.row.id.clone(), stored.row)));
    }
    Ok(rows)
}

/// Adds the recovery instances of launched servers of which the job does not tell them: it may leave them out. They are
/// looked for among the recovery instances, then in what DRS shows of the servers.
pub(crate) async fn find_instances<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, job): (&Place, &JobId),
    observed: &mut Observed,
) -> Result<(), IoError> {
    let lacks = |server: &SourceServerId, observed: &Observed| {
        let known = worker.servers.held(&keys::job_server(place, job, server));
        let is_known = known.is_some_and(|stored| stored.row.recovery_instance.is_some());
        !is_known && observed.get(server).is_some_and(|all| is_launched_without_instance(all))
    };
    let lacking: Vec<_> = observed.keys().filter(|server| lacks(server, observed)).cloned().collect();
    for ids in lacking.chunks(IDS_AT_ONCE) {
        let (seen, _) = recoveries::list(io, place, &RecoveryFilter::OfServers(ids.to_vec())).await?;
        for seen in seen.into_iter().filter(|seen| seen.job.as_ref() == Some(job)) {
            note(observed, seen.server, Some(seen.id));
        }
    }
    let lacking: Vec<_> = lacking.into_iter().filter(|server| lacks(server, observed)).collect();
    for ids in lacking.chunks(IDS_AT_ONCE) {
        let (filter, mut next) = (ServerFilter::Ids(ids.to_vec()), None);
        loop {
            let page = patiently(io, || io.source_servers(place, &filter, next.clone())).await?;
            for seen in page.items {
                let launched_it =
                    seen.facts.last_launch.as_ref().is_some_and(|l| l.job.as_ref() == Some(job));
                let instance = seen.facts.recovery_instance.filter(|_| launched_it);
                note(observed, Some(seen.id), instance.and_then(|id| id.parse().ok()));
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn is_launched_without_instance(observed: &[ServerObservation]) -> bool {
    let has_instance = |one: &ServerObservation| match one {
        ServerObservation::Instance(_) => true,
        ServerObservation::Seen { seen, .. } => seen.recovery_instance.is_some(),
        _ => false,
    };
    let is_launched = |one: &ServerObservation| matches!(one, ServerObservation::Seen { seen, .. } if seen.launch_status.as_deref() == Some("LAUNCHED"));
    observed.iter().any(is_launched) && !observed.iter().any(has_instance)
}

fn note(observed: &mut Observed, server: Option<SourceServerId>, instance: Option<RecoveryInstanceId>) {
    if let (Some(server), Some(instance)) = (server, instance)
        && let Some(all) = observed.get_mut(&server)
    {
        all.push(ServerObservation::Instance(instance));
    }
}
