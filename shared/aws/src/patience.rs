//! Patience with a spoke: what was read before a page that DRS throttles would all be read again, so the page is asked
//! for again instead.

use std::time::Duration;

use crate::io::Io;
use crate::verdict::{IoError, Verdict};

/// So often.
pub const REPETITIONS: u32 = 6;

/// How long is waited before that at most, and where DRS says nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const USUAL_WAIT: Duration = Duration::from_secs(5);

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
