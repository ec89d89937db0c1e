//! The methods of [`Io`], each one I/O point.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_domain::click::Posted;
use drs_fleet_domain::ids::{AccountId, InstanceId, JobId, SourceServerId};
use drs_fleet_domain::keys::{Key, Place, Range};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::row::{Row, Stored};
use drs_fleet_domain::seen::{
    ExtensibleSeen, JobLogSeen, JobSeen, LaunchConfigurationSeen, Page, QuotaSeen, RecoveryInstanceSeen,
    ServerSeen, TaggedInstance,
};
use jiff::Timestamp;

use super::{Fault, MemoryIo, SIGNING_SECRET, World};
use crate::io::{
    CommitError, Due, Io, JobFilter, Message, Notice, Receipt, RecoveryFilter, ServerFilter, Write,
};
use crate::sdk::click;
use crate::verdict::{IoError, Neighbour, Verdict};

type Answer<T> = Result<T, IoError>;

impl Io for MemoryIo {
    fn now(&self) -> Timestamp {
        self.world().now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn grain(&self) -> Duration {
        self.grain
    }

    async fn receive(&self, max: usize, wait: Duration) -> Answer<Vec<Message>> {
        let meets = self.pass("receive", Neighbour::Queue).await;
        if !matches!(meets.fault, Some(Fault::Before | Fault::Part)) {
            self.wait_for_messages(wait).await;
        }
        self.end(meets, |world, now| {
            let messages = world.queue(self.queue).receive(max, now);
            for message in &messages {
                world.trace.moved(&message.receipt);
            }
            Ok(messages)
        })
        .await
    }

    async fn delete(&self, messages: &[Message]) -> Answer<Vec<Answer<()>>> {
        self.batch("delete", Neighbour::Queue, messages, |world, _, message| {
            world.queue(self.queue).delete(message);
            world.trace.moved(&message.receipt);
            Ok(())
        })
        .await
    }

    async fn hide(&self, messages: &[(Message, Duration)]) -> Answer<Vec<Answer<()>>> {
        self.batch("hide", Neighbour::Queue, messages, |world, now, (message, time)| {
            world.queue(self.queue).hide(message, *time, now)
        })
        .await
    }

    async fn dead_letter(&self, message: &Message, attributes: &BTreeMap<String, String>) -> Answer<()> {
        self.point("dead_letter", Neighbour::Queue, |world, _| {
            world.queue(self.queue).bury(message, attributes);
            Ok(())
        })
        .await
    }

    async fn enqueue(&self, bodies: &[String]) -> Answer<()> {
        let put = |world: &mut World, now, body: &String| {
            world.queue(self.queue).put(body.clone(), now);
            Ok(())
        };
        self.batch("enqueue", Neighbour::Queue, bodies, put).await?.into_iter().collect()
    }

    async fn read<R: Row>(&self, keys: &[Key]) -> Answer<Vec<Option<Stored<R>>>> {
        let read = |world: &mut World, now| keys.iter().map(|key| world.table.read(key, now)).collect();
        self.point("read", Neighbour::Table, read).await
    }

    async fn query<R: Row>(&self, range: &Range) -> Answer<Vec<Stored<R>>> {
        self.point("query", Neighbour::Table, |world, now| Ok(world.table.query(range, now))).await
    }

    async fn commit<R: Row>(&self, write: Write<'_, R>) -> Result<u64, CommitError<R>> {
        let key = write.row.key();
        self.point("commit", Neighbour::Table, |world, now| {
            world.table.admit("commit", &key.pk, now)?;
            let rev = world.table.commit(&write, now)?;
            world.trace.moved((&key, rev));
            Ok(rev)
        })
        .await
    }

    async fn published(
        &self,
        key: &Key,
        rev: u64,
        event_ids: &[String],
        due: Option<Timestamp>,
    ) -> Answer<()> {
        self.point("published", Neighbour::Table, |world, now| {
            world.table.admit("published", &key.pk, now)?;
            world.table.published(key, (rev, due), event_ids, now);
            world.trace.moved((key, event_ids));
            Ok(())
        })
        .await
    }

    async fn forget(&self, key: &Key) -> Answer<()> {
        self.point("forget", Neighbour::Table, |world, now| {
            world.table.admit("forget", &key.pk, now)?;
            world.table.forget(key, now);
            Ok(())
        })
        .await
    }

    async fn due(&self, shard: &str, until: Timestamp, max: usize) -> Answer<Vec<Due>> {
        self.point("due", Neighbour::Table, |world, now| Ok(world.table.due(shard, (until, max), now))).await
    }

    async fn publish(&self, events: &[OwnEvent]) -> Answer<()> {
        let publish = |world: &mut World, now, event: &OwnEvent| {
            world.publish(std::slice::from_ref(event), now);
            world.trace.moved(event.event_id());
            Ok(())
        };
        self.batch("publish", Neighbour::Bus, events, publish).await?.into_iter().collect()
    }

    async fn source_servers(
        &self,
        place: &Place,
        filter: &ServerFilter,
        page: Option<String>,
    ) -> Answer<Page<ServerSeen>> {
        let servers = |world: &mut World, now| world.spokes.servers(place, filter, page.as_deref(), now);
        self.call("source_servers", place, servers).await
    }

    async fn jobs(&self, place: &Place, filter: &JobFilter, page: Option<String>) -> Answer<Page<JobSeen>> {
        let jobs = |world: &mut World, now| world.spokes.jobs(place, filter, page.as_deref(), now);
        self.call("jobs", place, jobs).await
    }

    async fn job_log(&self, place: &Place, job: &JobId, page: Option<String>) -> Answer<Page<JobLogSeen>> {
        let log = |world: &mut World, now| world.spokes.job_log(place, job, page.as_deref(), now);
        self.call("job_log", place, log).await
    }

    async fn recovery_instances(
        &self,
        place: &Place,
        filter: &RecoveryFilter,
        page: Option<String>,
    ) -> Answer<Page<RecoveryInstanceSeen>> {
        let list = |world: &mut World, now| world.spokes.instances(place, filter, page.as_deref(), now);
        self.call("recovery_instances", place, list).await
    }

    async fn quotas(&self, place: &Place) -> Answer<Vec<QuotaSeen>> {
        self.call("quotas", place, |world, _| world.spokes.quotas(place)).await
    }

    async fn extensible_servers(
        &self,
        place: &Place,
        staging: &AccountId,
        page: Option<String>,
    ) -> Answer<Page<ExtensibleSeen>> {
        let list = |world: &mut World, now| world.spokes.extensible(place, staging, page.as_deref(), now);
        self.call("extensible_servers", place, list).await
    }

    async fn extend(
        &self,
        place: &Place,
        staging_server_arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Answer<SourceServerId> {
        let extend = |world: &mut World, _| world.spokes.extend(place, staging_server_arn, tags);
        self.call("extend", place, extend).await
    }

    async fn tag(&self, place: &Place, arn: &str, tags: &BTreeMap<String, String>) -> Answer<()> {
        self.call("tag", place, |world, _| world.spokes.tag(place, arn, tags)).await
    }

    async fn untag(&self, place: &Place, arn: &str, keys: &BTreeSet<String>) -> Answer<()> {
        self.call("untag", place, |world, _| world.spokes.untag(place, arn, keys)).await
    }

    async fn tagged_instances(
        &self,
        place: &Place,
        page: Option<String>,
    ) -> Answer<Option<Page<TaggedInstance>>> {
        let list = |world: &mut World, now| world.spokes.tagged(place, page.as_deref(), now).map(Some);
        self.call("tagged_instances", place, list).await
    }

    async fn instance_types(
        &self,
        place: &Place,
        instances: &[InstanceId],
    ) -> Answer<BTreeMap<InstanceId, String>> {
        self.call("instance_types", place, |world, _| world.spokes.instance_types(place, instances)).await
    }

    async fn launch_configuration(
        &self,
        place: &Place,
        server: &SourceServerId,
    ) -> Answer<LaunchConfigurationSeen> {
        self.call("launch_configuration", place, |world, _| world.spokes.launch_configuration(place, server))
            .await
    }

    async fn copy_tags(&self, place: &Place, server: &SourceServerId) -> Answer<()> {
        self.call("copy_tags", place, |world, _| world.spokes.copy_tags(place, server)).await
    }

    async fn send(&self, notice: &Notice) -> Answer<Receipt> {
        self.point("send", Neighbour::Channel, |world, now| {
            if world.deaf.is_some_and(|is_deaf| is_deaf(notice)) {
                return Err(IoError::new(Neighbour::Channel, "send", Verdict::Denied, "it takes nothing"));
            }
            world.notices.push((now, notice.clone()));
            // As Slack names messages: by their time, here by their number.
            let thread = match notice {
                Notice::Slack { thread, .. } => {
                    Some(thread.clone().unwrap_or(world.notices.len().to_string()))
                }
                _ => None,
            };
            Ok(Receipt { thread })
        })
        .await
    }

    async fn is_signed(&self, posted: &Posted) -> Answer<bool> {
        let secret = SIGNING_SECRET.to_owned().into();
        self.point("is_signed", Neighbour::Secrets, |_, _| click::is_signed("in memory", &secret, posted))
            .await
    }

    fn evict(&self, account: &AccountId) {
        self.world().evicted.push(account.clone());
    }
}
