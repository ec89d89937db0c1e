//! [`Io`] with the AWS SDK: one file per neighbour.
//!
//! Every call has one layer of retries. It is the SDK's for STS, EventBridge, SNS and Secrets Manager, whose
//! calls are few and have nobody above them who would wait better. It is off for SQS (a lost receive or delete
//! is only a redelivery), `DynamoDB` (the lane waits, so that a slow table does not multiply its own load) and
//! DRS (the lane waits as long as `Retry-After` says, which the SDK does not read), and for Service Quotas (which are
//! asked again after half an hour, and meanwhile done without) and EC2 (without whose answer one tag stays as it is). Calls into a spoke wait for their
//! turn in [`crate::limiter`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use drs_fleet_domain::click::Posted;
use drs_fleet_domain::ids::{AccountId, InstanceId, JobId, SourceServerId};
use drs_fleet_domain::keys::{Key, Place, Range};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::registry::Errand;
use drs_fleet_domain::row::{Row, Stored};
use drs_fleet_domain::seen::{
    ExtensibleSeen, JobLogSeen, JobSeen, LaunchConfigurationSeen, Page, QuotaSeen, RecoveryInstanceSeen,
    ServerSeen, TaggedInstance,
};
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::assume::{Clients, Spokes};
use crate::config::IoSettings;
use crate::heard;
use crate::io::{
    CommitError, Due, Io, JobFilter, Message, Notice, Receipt, RecoveryFilter, ServerFilter, Write,
};
use crate::limiter::{Limiter, Service};
use crate::secrets::Secrets;
use crate::time::Time;
use crate::verdict::{IoError, Verdict};

mod batch;
mod channels;
pub(crate) mod click;
pub(crate) mod drs;
pub(crate) mod ec2;
mod extension;
mod jobs;
mod publish;
mod queue;
mod quotas;
mod server;
mod table;
mod tags;
#[cfg(test)]
pub(crate) mod wire;

use channels::Channels;
use click::Verifier;
use publish::Publisher;
use queue::Queue;
pub(crate) use table::Table;

pub(crate) type Answer<T> = Result<T, IoError>;

/// How long a call may take, its connection included; long polls have a limit of their own.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The world as AWS shows it. Clones share connections and caches.
#[derive(Clone, Debug)]
pub struct SdkIo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    time: Arc<dyn Time>,
    queue: Queue,
    table: Table,
    bus: Publisher,
    spokes: Spokes,
    limiter: Limiter,
    channels: Channels,
    clicks: Verifier,
    received: Mutex<Option<Timestamp>>,
}

impl SdkIo {
    /// Builds the clients and makes no call. `config` brings credentials, Region, HTTP client and, for the
    /// local cloud, the endpoint; retries and time-outs are set here.
    pub fn new(config: &SdkConfig, settings: IoSettings, time: Arc<dyn Time>) -> Self {
        Self::sharing(Limiter::default(), config, settings, time)
    }

    /// As [`SdkIo::new`], for a process with several: they share what limits the calls into each account.
    pub fn sharing(limiter: Limiter, config: &SdkConfig, settings: IoSettings, time: Arc<dyn Time>) -> Self {
        let limits = TimeoutConfig::builder()
            .connect_timeout(CONNECT_LIMIT)
            .operation_attempt_timeout(CALL_LIMIT)
            .build();
        let with = |retries| config.to_builder().retry_config(retries).timeout_config(limits.clone()).build();
        let (patient, bare) = (with(RetryConfig::standard()), with(RetryConfig::disabled()));
        let secrets = Secrets::new(&patient);
        let table = Table::new(&bare, &settings.table, &settings.worker);
        let bus = Publisher::new(&patient, settings.bus.clone());
        let channels = Channels::new(&patient, &settings, bus.clone(), secrets.clone());
        let IoSettings { worker, queues, slack_signing_secret, .. } = settings;
        let clicks = Verifier::new(slack_signing_secret, secrets.clone());
        Self(Arc::new(Inner {
            time,
            limiter,
            queue: Queue::new(&bare, queues, &limits),
            spokes: Spokes::new(&bare, &patient, table.clone(), secrets, &worker),
            table,
            bus,
            channels,
            clicks,
            received: Mutex::default(),
        }))
    }

    /// When the queue last answered, on real time: what the health endpoint shows.
    pub fn last_receive(&self) -> Option<Timestamp> {
        *self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spokes(&self) -> &Spokes {
        &self.0.spokes
    }

    /// Makes a worker's call into a spoke when the account's turn has come.
    async fn call<T, F: Future<Output = Answer<T>> + Send>(
        &self,
        place: &Place,
        service: Service,
        operation: &'static str,
        call: impl FnOnce(Clients) -> F + Send,
    ) -> Answer<T> {
        self.call_for(Errand::Watch, place, (service, operation), call).await
    }

    async fn call_for<T, F: Future<Output = Answer<T>> + Send>(
        &self,
        errand: Errand,
        place: &Place,
        (service, operation): (Service, &'static str),
        call: impl FnOnce(Clients) -> F + Send,
    ) -> Answer<T> {
        let under_limit = async {
            let clients = self.0.spokes.clients(place, errand).await?;
            boxed(call(clients)).await
        };
        let answer = self.0.limiter.call(&place.account, service, operation, under_limit).await;
        if let Err(IoError { verdict: Verdict::Denied, .. }) = &answer
            && service == Service::Drs
        {
            // A refusal may be a role that was changed: the next call assumes it afresh. A role that may only not read
            // quotas is as good as before.
            self.0.spokes.evict(&place.account);
        }
        answer
    }
}

/// The SDK's futures take some 10 KB each. In a box, they are not part of every future above them, and are not
/// moved with it when it becomes a task.
fn boxed<'a, T>(call: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(call)
}

impl Io for SdkIo {
    fn now(&self) -> Timestamp {
        self.0.time.now()
    }

    async fn sleep(&self, time: Duration) {
        self.0.time.sleep(time).await;
    }

    fn grain(&self) -> Duration {
        self.0.time.grain()
    }

    async fn receive(&self, max: usize, wait: Duration) -> Answer<Vec<Message>> {
        let messages = boxed(self.0.queue.receive(max, wait)).await?;
        *self.0.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(Timestamp::now());
        Ok(messages)
    }

    async fn delete(&self, messages: &[Message]) -> Answer<Vec<Answer<()>>> {
        boxed(self.0.queue.delete(messages)).await
    }

    async fn hide(&self, messages: &[(Message, Duration)]) -> Answer<Vec<Answer<()>>> {
        boxed(self.0.queue.hide(messages)).await
    }

    async fn dead_letter(&self, message: &Message, attributes: &BTreeMap<String, String>) -> Answer<()> {
        boxed(self.0.queue.dead_letter(message, attributes)).await
    }

    async fn enqueue(&self, bodies: &[String]) -> Answer<()> {
        boxed(self.0.queue.enqueue(bodies)).await
    }

    async fn read<R: Row>(&self, keys: &[Key]) -> Answer<Vec<Option<Stored<R>>>> {
        heard::of_table(self.0.table.read(keys).await)
    }

    async fn query<R: Row>(&self, range: &Range) -> Answer<Vec<Stored<R>>> {
        heard::of_table(boxed(self.0.table.query(range)).await)
    }

    async fn commit<R: Row>(&self, write: Write<'_, R>) -> Result<u64, CommitError<R>> {
        heard::of_table(boxed(self.0.table.commit(write)).await)
    }

    async fn published(
        &self,
        key: &Key,
        rev: u64,
        event_ids: &[String],
        due: Option<Timestamp>,
    ) -> Answer<()> {
        heard::of_table(boxed(self.0.table.published(key, rev, event_ids, due)).await)
    }

    async fn forget(&self, key: &Key) -> Answer<()> {
        boxed(self.0.table.forget(key)).await
    }

    async fn due(&self, shard: &str, until: Timestamp, max: usize) -> Answer<Vec<Due>> {
        boxed(self.0.table.due(shard, until, max)).await
    }

    async fn publish(&self, events: &[OwnEvent]) -> Answer<()> {
        boxed(self.0.bus.publish(events)).await
    }

    async fn source_servers(
        &self,
        place: &Place,
        filter: &ServerFilter,
        page: Option<String>,
    ) -> Answer<Page<ServerSeen>> {
        self.call(place, Service::Drs, "DescribeSourceServers", |c| async move {
            drs::source_servers(&c.drs, place, filter, page).await
        })
        .await
    }

    async fn jobs(&self, place: &Place, filter: &JobFilter, page: Option<String>) -> Answer<Page<JobSeen>> {
        self.call(place, Service::Drs, "DescribeJobs", |c| async move {
            jobs::jobs(&c.drs, place, filter, page).await
        })
        .await
    }

    async fn job_log(&self, place: &Place, job: &JobId, page: Option<String>) -> Answer<Page<JobLogSeen>> {
        self.call(place, Service::Drs, "DescribeJobLogItems", |c| async move {
            jobs::job_log(&c.drs, place, job, page).await
        })
        .await
    }

    async fn recovery_instances(
        &self,
        place: &Place,
        filter: &RecoveryFilter,
        page: Option<String>,
    ) -> Answer<Page<RecoveryInstanceSeen>> {
        self.call(place, Service::Drs, "DescribeRecoveryInstances", |c| async move {
            jobs::recovery_instances(&c.drs, place, filter, page).await
        })
        .await
    }

    async fn quotas(&self, place: &Place) -> Answer<Vec<QuotaSeen>> {
        self.call(
            place,
            Service::Quotas,
            "ListServiceQuotas",
            |c| async move { quotas::quotas(&c.quotas).await },
        )
        .await
    }

    async fn extensible_servers(
        &self,
        place: &Place,
        staging: &AccountId,
        page: Option<String>,
    ) -> Answer<Page<ExtensibleSeen>> {
        self.call(place, Service::Drs, "ListExtensibleSourceServers", |c| async move {
            extension::extensible(&c.drs, staging, page).await
        })
        .await
    }

    async fn extend(
        &self,
        place: &Place,
        staging_server_arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Answer<SourceServerId> {
        let operation = (Service::Drs, "CreateExtendedSourceServer");
        self.call_for(Errand::Extend, place, operation, |c| async move {
            extension::extend(&c.drs, staging_server_arn, tags).await
        })
        .await
    }

    async fn tag(&self, place: &Place, arn: &str, set: &BTreeMap<String, String>) -> Answer<()> {
        self.call(place, Service::Drs, "TagResource", |c| async move { tags::tag(&c.drs, arn, set).await })
            .await
    }

    async fn untag(&self, place: &Place, arn: &str, keys: &BTreeSet<String>) -> Answer<()> {
        self.call(
            place,
            Service::Drs,
            "UntagResource",
            |c| async move { tags::untag(&c.drs, arn, keys).await },
        )
        .await
    }

    async fn tagged_instances(
        &self,
        place: &Place,
        page: Option<String>,
    ) -> Answer<Option<Page<TaggedInstance>>> {
        self.call(place, Service::Tagging, "GetResources", |c| async move {
            tags::instances(&c.tagging, place, page).await
        })
        .await
    }

    async fn instance_types(
        &self,
        place: &Place,
        instances: &[InstanceId],
    ) -> Answer<BTreeMap<InstanceId, String>> {
        self.call(place, Service::Ec2, "DescribeInstances", |c| async move {
            ec2::instance_types(&c.ec2, place, instances).await
        })
        .await
    }

    async fn launch_configuration(
        &self,
        place: &Place,
        server: &SourceServerId,
    ) -> Answer<LaunchConfigurationSeen> {
        self.call(place, Service::Drs, "GetLaunchConfiguration", |c| async move {
            tags::launch_configuration(&c.drs, server).await
        })
        .await
    }

    async fn copy_tags(&self, place: &Place, server: &SourceServerId) -> Answer<()> {
        self.call(place, Service::Drs, "UpdateLaunchConfiguration", |c| async move {
            tags::copy_tags(&c.drs, server).await
        })
        .await
    }

    async fn send(&self, notice: &Notice) -> Answer<Receipt> {
        boxed(self.0.channels.send(self, notice)).await
    }

    async fn is_signed(&self, posted: &Posted) -> Answer<bool> {
        boxed(self.0.clicks.is_signed(posted)).await
    }

    fn evict(&self, account: &AccountId) {
        self.0.spokes.evict(account);
    }
}
