//! Windows for drills that tags of servers open: a sweep reads the tags, the notifier tells of the windows.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::notify::window::MOST_OF_TAGS;
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::row::{Change, Row};
use drs_fleet_domain::seen::ServerSeen;

use crate::CapacityTracker;

/// Opens the windows of these servers' tags, unless they are there already. Before anything is decided on the servers:
/// what is expected pages nobody from the first sweep on.
pub(crate) async fn open<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    servers: &[ServerSeen],
) -> Result<(), IoError> {
    let tags = servers.iter().filter_map(|server| server.tags.get(DRILL_TAG)).map(String::as_str);
    let (mut windows, unread) = WindowRow::of_tags(tags, io.now());
    if unread > 0 {
        tracing::warn!(%place, unread, "tags {DRILL_TAG} that cannot be read open no window; servers show says why");
    }
    windows.retain(|window| worker.windows.held(&window.key()).is_none());
    if windows.is_empty() {
        return Ok(());
    }
    let (stored, now) = (io.query::<WindowRow>(&keys::windows()).await?, io.now());
    let is_to_come = |row: &WindowRow| row.is_of_tag() && now < row.closes_at();
    let to_come = stored.iter().filter(|stored| is_to_come(&stored.row)).count();
    let mut room = MOST_OF_TAGS.saturating_sub(to_come);
    worker.windows.remember(stored);
    for window in windows {
        let opened = |row: Option<&WindowRow>| match row {
            None if room > 0 => Change::between(None, window.clone(), Vec::new()),
            _ => None,
        };
        let outcome = worker.windows.change(io, &window.key(), opened).await?;
        if outcome.changed() {
            room -= 1;
            tracing::info!(%place, window = window.id, from = %window.from, until = %window.until, "a tag opens a window");
        } else if outcome.row().is_none() {
            tracing::warn!(%place, window = window.id, "{MOST_OF_TAGS} windows of tags are open or to come: this one is not opened");
        }
    }
    Ok(())
}
