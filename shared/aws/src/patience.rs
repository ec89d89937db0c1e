//! Calls that are made again at once, because giving up costs more. With a spoke: what was read before a page that DRS
//! throttles would all be read again. With the table: what has been told and is not recorded is told again.

use std::time::Duration;

use crate::backoff::Delays;
use crate::io::Io;
use crate::verdict::{IoError, Verdict};

/// So often.
pub const REPETITIONS: u32 = 6;

/// How long is waited before that at most, and where DRS says nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// Attempts to record what has been told, and between them: some three seconds in all.
const RECORDINGS: u32 = 6;
const BETWEEN_RECORDINGS: Delays =
    Delays { first: Duration::from_millis(100), longest: Duration::from_secs(2) };

/// How long to wait before the same call is made again; `None` for an error that it does not help with.
pub fn wait(error: &IoError) -> Option<Duration> {
    let throttled = error.verdict == Verdict::Throttled;
    throttled.then(|| error.retry_after.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT))
}

/// Makes a call, again and again while it is throttled. The loop that called us keeps the lease of its message meanwhile.
///
/// # Errors
/// Of the call: the first that waiting does not help with, or the last of so many that it did not.
pub async fn patiently<I: Io, T, Call>(io: &I, mut call: impl FnMut() -> Call) -> Result<T, IoError>
where
    Call: Future<Output = Result<T, IoError>>,
{
    for _ in 0..REPETITIONS {
        let answer = call().await;
        match answer.as_ref().err().and_then(wait) {
            Some(time) => io.sleep(time).await,
            None => return answer,
        }
    }
    call().await
}

/// Records what has been told. Whoever was told is told again where that fails, so it is tried for some seconds.
///
/// # Errors
/// Of the call: the first that trying again does not help with, or the last.
pub async fn recording<I: Io, T, Call>(io: &I, mut record: impl FnMut() -> Call) -> Result<T, IoError>
where
    Call: Future<Output = Result<T, IoError>>,
{
    for attempt in 1..RECORDINGS {
        match record().await {
            Err(error) if matches!(error.verdict, Verdict::Transient | Verdict::Throttled) => {
                io.sleep(BETWEEN_RECORDINGS.after(attempt, &error.message)).await;
            }
            answer => return answer,
        }
    }
    record().await
}
