//! Claims of the consume loop.

mod bulkheads;
mod faults;
mod lanes;
mod leases;
mod load;
mod logs;
mod stopping;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Options, consume};
use crate::fixture::Tallier;
use crate::memory::MemoryIo;
use crate::metrics::Snapshot;

/// Enough for the default long poll to come back empty.
const A_WHILE: Duration = Duration::from_secs(30);

fn put_all(io: &MemoryIo, bodies: &[&str]) {
    for body in bodies {
        io.put_message(*body);
    }
}

/// Consumes until the queue is empty.
async fn consume_all(io: &MemoryIo, worker: &Tallier) -> Snapshot {
    let options = Options { once: true, ..Options::default() };
    consume(io.clone(), worker.clone(), options, CancellationToken::new()).await
}

/// Consumes in the background, until the token is cancelled.
fn start(io: &MemoryIo, worker: &Tallier) -> (CancellationToken, JoinHandle<Snapshot>) {
    let stop = CancellationToken::new();
    let running = tokio::spawn(consume(io.clone(), worker.clone(), Options::default(), stop.clone()));
    (stop, running)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
