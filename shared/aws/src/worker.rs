//! What a worker is: it sorts messages into lanes and handles what waits in one.

use std::future::Future;

use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::keys::Key;
use jiff::Timestamp;

use crate::io::{Io, Message};
use crate::verdict::IoError;

/// A message understood: which lane it goes into, and what it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorted<W> {
    /// Messages of one lane are handled in turn and together; use the subject's key.
    pub lane: String,
    /// The parsed message.
    pub work: W,
}

/// What logs say of a piece of work, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About<'a> {
    /// Account where it happened.
    pub account: Option<&'a str>,
    /// Region where it happened.
    pub region: Option<&'a str>,
    /// The event that asks for it.
    pub event_id: Option<&'a str>,
}

/// Work that can be found again in the logs.
pub trait Logged {
    /// What logs say of it.
    fn about(&self) -> About<'_>;
}

/// One of the four workers. Everything else (receiving, lanes, leases, settling, draining) is in `consume`.
pub trait Worker: Clone + Send + Sync + 'static {
    /// As its package is called; also in metrics, settings and the index `due`.
    const NAME: &'static str;
    /// So many items are served at a time whose due time has come. More where serving them calls into spokes, of which
    /// some may hang.
    const DUE_AT_ONCE: usize = 16;
    /// What a message asks for.
    type Work: Clone + Send + Logged + 'static;

    /// Messages were received, before any of them is looked at: for who has to know how fresh it hears.
    fn received(&self, _messages: &[Message], _now: Timestamp) {}

    /// Understands a message, without any I/O.
    ///
    /// # Errors
    /// [`Rejected`] when it can never be handled: it goes to the dead-letter queue with this reason.
    fn sort(&self, message: &Message) -> Result<Sorted<Self::Work>, Rejected>;

    /// Whether this work may wait for other work: it makes many calls into a spoke, which may hang, and it will be
    /// asked for again. Sweeps are such work.
    fn may_wait(_work: &Self::Work) -> bool {
        false
    }

    /// Handles what waits in a lane, in order of arrival, as one. Must survive being called again with the
    /// same work, at any point at which it was left.
    fn handle<I: Io>(
        &self,
        io: &I,
        work: Vec<Self::Work>,
    ) -> impl Future<Output = Result<(), IoError>> + Send;

    /// Looks at an item whose due time has come: publishes what its outbox still holds, serves its timer.
    fn wake<I: Io>(&self, io: &I, key: &Key) -> impl Future<Output = Result<(), IoError>> + Send;
}
