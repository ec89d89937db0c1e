//! What the tagging API lists of the machines of an account and Region.

use std::collections::BTreeMap;

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::sweep::Claimed;
use jiff::Timestamp;

/// So often a list is begun anew whose token expired.
const BEGINNINGS: usize = 3;

/// The tags of machines that are or were tagged, and AWS's time of the list. One that is absent may have no tags, or may not
/// be listed for other reasons: nothing is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) at: Timestamp,
    pub(crate) tags: BTreeMap<InstanceId, BTreeMap<String, String>>,
}

/// Reads all pages.
pub(crate) async fn read<I: Io, R: Claimed>(
    io: &I,
    place: &Place,
    holding: &mut Holding<R>,
) -> Result<Listing, Stopped> {
    for _ in 0..BEGINNINGS {
        if let Some(listing) = read_through(io, place, holding).await? {
            return Ok(listing);
        }
    }
    let message = format!("its pages expired {BEGINNINGS} times before they were read");
    Err(IoError::new(Neighbour::Spoke, "GetResources", Verdict::Transient, message).into())
}

/// `None` where a token expired.
async fn read_through<I: Io, R: Claimed>(
    io: &I,
    place: &Place,
    holding: &mut Holding<R>,
) -> Result<Option<Listing>, Stopped> {
    let (mut listing, mut next) = (None, None);
    loop {
        let answer = holding.patiently(io, || io.tagged_instances(place, next.clone())).await?;
        let Some(page) = answer else { return Ok(None) };
        // The first page is the oldest.
        let all = listing.get_or_insert_with(|| Listing { at: page.date, tags: BTreeMap::new() });
        all.tags.extend(page.items.into_iter().map(|seen| (seen.instance, seen.tags)));
        next = page.next;
        if next.is_none() {
            return Ok(listing);
        }
    }
}
