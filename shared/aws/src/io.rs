//! The one seam above the SDK. Workers reach the world, and the time, only through [`Io`].
//!
//! Two implementations: [`crate::sdk`] with the AWS SDK, and [`crate::memory`] in memory for crash tests and
//! simulation. Each method is one I/O point: it may fail, be killed before or after it took effect, or take
//! effect and lose its answer; what is built on it must survive all of these.

mod notice;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use drs_fleet_domain::click::Posted;
use drs_fleet_domain::ids::{AccountId, InstanceId, JobId, SourceServerId};
use drs_fleet_domain::keys::{Key, Place, Range};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::row::{Outbox, Row, Stored};
use drs_fleet_domain::seen::{
    ExtensibleSeen, JobLogSeen, JobSeen, LaunchConfigurationSeen, Page, QuotaSeen, RecoveryInstanceSeen,
    ServerSeen, TaggedInstance,
};
use jiff::Timestamp;

pub use self::notice::{Notice, Receipt};
use crate::verdict::IoError;

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of the message, the same for each delivery.
    pub id: String,
    /// Names this delivery.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
}

/// A write of one item with compare and set on its revision.
#[derive(Clone, Debug)]
pub struct Write<'a, R> {
    /// What is stored.
    pub row: &'a R,
    /// The revision that the item must have; `None` when there must be no item.
    pub expected: Option<u64>,
    /// What was in the outbox of that revision.
    pub outbox_before: &'a Outbox,
    /// What is in it from now on.
    pub outbox: &'a Outbox,
    /// When the item must be looked at again: for its timer or its unfinished outbox.
    pub due: Option<Timestamp>,
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum CommitError<R> {
    /// Another writer was first; this is what it stored (`None`: the item is gone).
    Conflict(Option<Box<Stored<R>>>),
    /// The call failed.
    Io(IoError),
}

impl<R> From<IoError> for CommitError<R> {
    fn from(error: IoError) -> Self {
        Self::Io(error)
    }
}

/// An entry of the index `due`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The item.
    pub key: Key,
    /// When it asked to be looked at.
    pub at: Timestamp,
}

/// So many ids a filter takes.
pub const IDS_AT_ONCE: usize = 200;

/// So many items the table reads at once.
pub const READ_AT_ONCE: usize = 100;

/// Which source servers to describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFilter {
    /// All of them.
    All,
    /// Those with these ids (`filters.sourceServerIDs`), [`IDS_AT_ONCE`] at most.
    Ids(Vec<SourceServerId>),
    /// That of an EC2 instance (`filters.hardwareId`).
    OfInstance(InstanceId),
}

/// Which jobs to describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobFilter {
    /// All that DRS still has.
    All,
    /// Those created since then (`filters.fromDate`).
    Since(Timestamp),
    /// Those with these ids (`filters.jobIDs`), 1,000 at most; none for one that is not there.
    Ids(Vec<JobId>),
}

/// Which recovery instances to describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryFilter {
    /// All of them.
    All,
    /// Those launched from these servers (`filters.sourceServerIDs`), [`IDS_AT_ONCE`] at most.
    OfServers(Vec<SourceServerId>),
}

type Answer<T> = Result<T, IoError>;

/// Everything a worker may do to the world. Clones share connections and caches.
pub trait Io: Clone + Send + Sync + 'static {
    /// The time. Workers have no other clock.
    fn now(&self) -> Timestamp;

    /// Waits. Workers have no other timer.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// [`Time::grain`](crate::time::Time::grain).
    fn grain(&self) -> Duration {
        Duration::ZERO
    }

    /// Takes up to ten messages, waiting up to `wait` for the first.
    fn receive(&self, max: usize, wait: Duration) -> impl Future<Output = Answer<Vec<Message>>> + Send;

    /// Deletes up to ten messages. Answers for each, in order: a failure in one leaves the others deleted.
    fn delete(&self, messages: &[Message]) -> impl Future<Output = Answer<Vec<Answer<()>>>> + Send;

    /// Sets for how long up to ten messages stay hidden from now on (zero releases them). Answers for each.
    fn hide(&self, messages: &[(Message, Duration)]) -> impl Future<Output = Answer<Vec<Answer<()>>>> + Send;

    /// Puts a copy of a message on the dead-letter queue with `attributes`; the caller deletes the original.
    fn dead_letter(
        &self,
        message: &Message,
        attributes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Puts up to ten messages on the worker's own queue; an error means that any of them may be missing.
    fn enqueue(&self, bodies: &[String]) -> impl Future<Output = Answer<()>> + Send;

    /// Reads items by key; answers in the order of the keys. Eventually consistent, but for kinds that are seen at
    /// once.
    fn read<R: Row>(&self, keys: &[Key]) -> impl Future<Output = Answer<Vec<Option<Stored<R>>>>> + Send;

    /// Reads all items of a range whose kind is `R`, in the order of their sort keys, all pages. Eventually
    /// consistent, but for kinds that are seen at once.
    fn query<R: Row>(&self, range: &Range) -> impl Future<Output = Answer<Vec<Stored<R>>>> + Send;

    /// Writes an item if its revision is as expected; answers the new revision.
    fn commit<R: Row>(&self, write: Write<'_, R>)
    -> impl Future<Output = Result<u64, CommitError<R>>> + Send;

    /// Removes published entries from an item's outbox, and, if the item still has revision `rev`, sets its
    /// due time. Leaves the revision as it is.
    fn published(
        &self,
        key: &Key,
        rev: u64,
        event_ids: &[String],
        due: Option<Timestamp>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Deletes an item.
    fn forget(&self, key: &Key) -> impl Future<Output = Answer<()>> + Send;

    /// Up to `max` items of a shard of the index `due` whose time has come, oldest first.
    fn due(&self, shard: &str, until: Timestamp, max: usize)
    -> impl Future<Output = Answer<Vec<Due>>> + Send;

    /// Publishes own events on the hub's bus; all of them, or an error.
    fn publish(&self, events: &[OwnEvent]) -> impl Future<Output = Answer<()>> + Send;

    /// One page of `DescribeSourceServers` in a spoke.
    fn source_servers(
        &self,
        place: &Place,
        filter: &ServerFilter,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Page<ServerSeen>>> + Send;

    /// One page of `DescribeJobs` in a spoke, newest first.
    fn jobs(
        &self,
        place: &Place,
        filter: &JobFilter,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Page<JobSeen>>> + Send;

    /// One page of `DescribeJobLogItems` in a spoke, oldest first; empty for a job that is not there.
    fn job_log(
        &self,
        place: &Place,
        job: &JobId,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Page<JobLogSeen>>> + Send;

    /// One page of `DescribeRecoveryInstances` in a spoke.
    fn recovery_instances(
        &self,
        place: &Place,
        filter: &RecoveryFilter,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Page<RecoveryInstanceSeen>>> + Send;

    /// The quotas of DRS in a spoke: the applied value of each, else AWS's default.
    fn quotas(&self, place: &Place) -> impl Future<Output = Answer<Vec<QuotaSeen>>> + Send;

    /// One page of `ListExtensibleSourceServers` in a spoke: servers of the account `staging` that replicate there
    /// and are not extended into this one.
    fn extensible_servers(
        &self,
        place: &Place,
        staging: &AccountId,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Page<ExtensibleSeen>>> + Send;

    /// `CreateExtendedSourceServer` in a spoke, of a server of a staging account. Answers the new server's id.
    fn extend(
        &self,
        place: &Place,
        staging_server_arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Answer<SourceServerId>> + Send;

    /// Adds or overwrites tags of a DRS resource.
    fn tag(
        &self,
        place: &Place,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Removes tags of a DRS resource.
    fn untag(
        &self,
        place: &Place,
        arn: &str,
        keys: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// One page of `GetResources` of the Resource Groups Tagging API: EC2 instances of an account and Region that are or
    /// were tagged, with all their tags. `None` where the token has expired, so that the first page must be asked for again.
    fn tagged_instances(
        &self,
        place: &Place,
        page: Option<String>,
    ) -> impl Future<Output = Answer<Option<Page<TaggedInstance>>>> + Send;

    /// The types of EC2 instances of an account and Region, [`IDS_AT_ONCE`] at most (`DescribeInstances`). Those that are not
    /// there are left out.
    fn instance_types(
        &self,
        place: &Place,
        instances: &[InstanceId],
    ) -> impl Future<Output = Answer<BTreeMap<InstanceId, String>>> + Send;

    /// `GetLaunchConfiguration` of a source server.
    fn launch_configuration(
        &self,
        place: &Place,
        server: &SourceServerId,
    ) -> impl Future<Output = Answer<LaunchConfigurationSeen>> + Send;

    /// Switches `copyTags` on in the launch configuration of a source server (`UpdateLaunchConfiguration`).
    fn copy_tags(&self, place: &Place, server: &SourceServerId) -> impl Future<Output = Answer<()>> + Send;

    /// Sends a message to people.
    fn send(&self, notice: &Notice) -> impl Future<Output = Answer<Receipt>> + Send;

    /// Whether the hub's Slack app signed what was posted to the hub's public endpoint.
    fn is_signed(&self, posted: &Posted) -> impl Future<Output = Answer<bool>> + Send;

    /// Forgets what is cached of an account: its role, credentials and clients.
    fn evict(&self, account: &AccountId);
}
