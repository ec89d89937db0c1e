//! A worker as a process runs it, on a world in memory.

use drs_fleet_aws::consume::{Options, consume};
use drs_fleet_aws::due::serve_due;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::worker::Worker;
use tokio_util::sync::CancellationToken;

/// Its two tasks, until it is dropped.
pub async fn work<W: Worker>(io: MemoryIo, worker: W) {
    let stop = CancellationToken::new();
    let consuming = consume(io.clone(), worker.clone(), Options::default(), stop.clone());
    tokio::join!(consuming, serve_due(io, worker, stop));
}
