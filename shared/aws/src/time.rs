//! The clock behind `Io::now` and `Io::sleep`: real, or one that runs fast.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// A clock. Signatures, credentials and time-outs of calls stay on real time whatever it says.
pub trait Time: Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits for `time` of this clock.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// Real time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
