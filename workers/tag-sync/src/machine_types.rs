//! The types of machines, which only EC2 tells. One tag waits for them, and no other: where EC2 refuses, throttles or does not
//! answer, that tag stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::{IDS_AT_ONCE, Io};
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::sweep::Claimed;
use drs_fleet_domain::tags::{self, InstanceTagsRow};

use crate::TagSync;

/// The accounts and Regions whose EC2 does not answer, and that were told of: once, not with every sweep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silent(Arc<Mutex<BTreeSet<Place>>>);

impl Silent {
    /// Notes how a call ended; answers whether that is the first that failed.
    fn note(&self, place: &Place, failed: bool) -> bool {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            return silent.insert(place.clone());
        }
        silent.remove(place);
        false
    }
}

/// Brings the rows of machines in `places` up to date, where a type is unknown or was told long ago.
pub(crate) async fn refresh<I: Io, R: Claimed>(
    worker: &TagSync,
    io: &I,
    rows: &mut BTreeMap<InstanceId, InstanceTagsRow>,
    is_read: impl Fn(&Place) -> bool,
    holding: &mut Holding<R>,
) -> Result<(), Stopped> {
    let (mut asked, now) = (BTreeMap::<Place, Vec<InstanceId>>::new(), io.now());
    for row in rows.values().filter(|row| row.has_old_type(now) && is_read(&row.place)) {
        asked.entry(row.place.clone()).or_default().push(row.instance.clone());
    }
    for (place, instances) in asked {
        for some in instances.chunks(IDS_AT_ONCE) {
            let Ok(types) = ask(worker, io, &place, some).await? else { break };
            for (instance, name) in types {
                let row = keep(worker, io, &instance, &name).await?;
                rows.extend(row.map(|row| (instance, row)));
            }
            holding.goes_on(io).await?;
        }
    }
    Ok(())
}

/// The row of a machine with its type, which is asked for when nobody knows it. Answers as well why it is worth to ask again
/// soon, if it is.
pub(crate) async fn learn<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
) -> Result<(InstanceTagsRow, Option<IoError>), IoError> {
    if row.machine_type.is_some() {
        return Ok((row.clone(), None));
    }
    let types = match ask(worker, io, &row.place, std::slice::from_ref(&row.instance)).await? {
        Ok(types) => types,
        Err(error) => {
            let passes = matches!(error.verdict, Verdict::Transient | Verdict::Throttled);
            return Ok((row.clone(), Some(error).filter(|_| passes)));
        }
    };
    let Some(name) = types.get(&row.instance) else { return Ok((row.clone(), None)) };
    let known = keep(worker, io, &row.instance, name).await?;
    Ok((known.unwrap_or_else(|| row.clone()), None))
}

/// What EC2 says, or why it does not. A failure of anything but the account is one of the whole work.
async fn ask<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    instances: &[InstanceId],
) -> Result<Result<BTreeMap<InstanceId, String>, IoError>, IoError> {
    let answer = io.instance_types(place, instances).await;
    let is_first = worker.silent.note(place, answer.is_err());
    match answer {
        Err(error) if error.neighbour == Neighbour::Spoke => {
            if is_first {
                tracing::warn!(%place, %error, "EC2 does not tell the types of machines; source:instance-type stays as it is");
            }
            Ok(Err(error))
        }
        answer => answer.map(Ok),
    }
}

async fn keep<I: Io>(
    worker: &TagSync,
    io: &I,
    instance: &InstanceId,
    name: &str,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let now = io.now();
    let told = |row: Option<&InstanceTagsRow>| tags::typed(row?, name, now);
    let outcome = worker.instances.change(io, &keys::instance_tags(instance), told).await?;
    Ok(outcome.row().cloned())
}
