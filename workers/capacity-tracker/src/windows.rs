//! Windows for drills that tags open: a sweep reads the tags, the notifier tells of the windows.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::row::{Change, Row};
use drs_fleet_domain::seen::ServerSeen;

use crate::CapacityTracker;

/// Opens the windows of these servers' tags, and of their account's, unless they are open already. Before anything is
/// decided on the servers: what is expected pages nobody from the first sweep on.
pub(crate) async fn open<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    servers: &[ServerSeen],
) -> Result<(), IoError> {
    let registry = worker.registry.current(io).await?;
    let of_account = registry.account(&place.account).map(|account| &account.tags);
    let tags = servers.iter().map(|server| &server.tags).chain(of_account);
    for window in
        WindowRow::of_tags(tags.filter_map(|tags| tags.get(DRILL_TAG)).map(String::as_str), io.now())
    {
        let opened = |row: Option<&WindowRow>| match row {
            Some(_) => None,
            None => Change::between(None, window.clone(), Vec::new()),
        };
        if worker.windows.change(io, &window.key(), opened).await?.changed() {
            tracing::info!(%place, window = window.id, from = %window.from, until = %window.until, "a tag opens a window");
        }
    }
    Ok(())
}
