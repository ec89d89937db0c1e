//! Calls that are made again at once, because giving up costs more. With a spoke: what was read before a page that DRS
//! throttles would all be read again. With the table: what has been told and is not recorded is told again, and where one of
//! thousands of marks is throttled, whoever is next reads all of them again.

use std::hash::Hash;
use std::time::Duration;

use jiff::Timestamp;

use crate::backoff::Delays;
use crate::io::Io;
use crate::time::after;
use crate::verdict::{IoError, Verdict};

/// So often.
pub const REPETITIONS: u32 = 6;

/// How long is waited before that at most, and where DRS says nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// Attempts to record what has been told: some three seconds in all.
const RECORDINGS: u32 = 6;

/// Between attempts at a write of the table, which makes room for more each second.
const BETWEEN_WRITES: Delays = Delays { first: Duration::from_millis(100), longest: Duration::from_secs(2) };

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
            Err(error) if passes(&error) => {
                io.sleep(BETWEEN_WRITES.after(attempt, &error.message)).await;
            }
            answer => return answer,
        }
    }
    record().await
}

/// Does something with the table, again and again until `end`, when it is somebody else's to do. `salt` is what it is done
/// to: those that were throttled together do not come back together.
///
/// # Errors
/// Of the call: the first that trying again does not help with, or the last before the end.
pub async fn persistently<I: Io, T, Call>(
    io: &I,
    end: Timestamp,
    salt: &impl Hash,
    mut write: impl FnMut() -> Call,
) -> Result<T, IoError>
where
    Call: Future<Output = Result<T, IoError>>,
{
    let mut attempt = 0;
    loop {
        let error = match write().await {
            Err(error) if passes(&error) => error,
            answer => return answer,
        };
        attempt += 1;
        let pause = BETWEEN_WRITES.after(attempt, salt);
        if after(io.now(), pause) >= end {
            return Err(error);
        }
        io.sleep(pause).await;
    }
}

fn passes(error: &IoError) -> bool {
    matches!(error.verdict, Verdict::Transient | Verdict::Throttled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tally_key;
    use crate::memory::MemoryIo;
    use crate::verdict::Neighbour;

    const CLAIM: Duration = Duration::from_mins(1);

    /// How often a write of one claim was tried, how it ended, and after how many seconds.
    async fn tried(io: &MemoryIo, verdicts: impl Fn(u32) -> Option<Verdict>) -> (u32, Option<Verdict>, u64) {
        let (began, mut attempts) = (tokio::time::Instant::now(), 0);
        let write = || {
            attempts += 1;
            let failure = verdicts(attempts).map(|it| IoError::new(Neighbour::Table, "commit", it, "no"));
            async { failure.map_or(Ok(()), Err) }
        };
        let ended = persistently(io, after(io.now(), CLAIM), &tally_key("a"), write).await;
        (attempts, ended.err().map(|error| error.verdict), began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_of_many_is_tried_until_it_goes_through_or_the_claim_ends_and_not_where_that_is_no_help()
    {
        let io = MemoryIo::default();
        let thrice = |attempt| (attempt < 4).then_some(Verdict::Throttled);
        assert!(matches!(tried(&io, thrice).await, (4, None, 0)));
        let (attempts, verdict, seconds) = tried(&io, |_| Some(Verdict::Transient)).await;
        assert_eq!(verdict, Some(Verdict::Transient));
        assert!((30..=64).contains(&attempts) && (57..60).contains(&seconds), "{attempts} in {seconds} s");
        assert_eq!(tried(&io, |_| Some(Verdict::Denied)).await, (1, Some(Verdict::Denied), 0));
    }
}
