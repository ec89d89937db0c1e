//! Calls of a spoke that is told to slow down: nothing above a command would repeat them.

use std::future::Future;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Verdict};

/// How often a call is repeated.
const REPETITIONS: u32 = 6;

/// Makes a call again after DRS throttled it: then it did nothing.
pub(super) async fn unhurried<I: Io, T, F>(io: &I, call: impl Fn() -> F) -> Result<T, IoError>
where
    F: Future<Output = Result<T, IoError>>,
{
    for attempt in 0..REPETITIONS {
        match call().await {
            Err(error) if error.verdict == Verdict::Throttled => {
                let wait = error.retry_after.unwrap_or(Duration::from_millis(500 << attempt));
                io.sleep(wait).await;
            }
            done => return done,
        }
    }
    call().await
}
