//! Every key of the table; nothing else formats one.
//!
//! | item | `pk` | `sk` | writer |
//! |---|---|---|---|
//! | source server | `place#ACCOUNT#REGION` | `server#s-…` | capacity-tracker |
//! | what a source server is made of | `place#ACCOUNT#REGION` | `details#s-…` | capacity-tracker |
//! | account + Region | `place#ACCOUNT#REGION` | `place` | capacity-tracker |
//! | that a worker heard it | `place#ACCOUNT#REGION` | `heard#WORKER` | job-monitor, tag-sync |
//! | its quotas | `place#ACCOUNT#REGION` | `quotas` | capacity-tracker |
//! | its counts of a day, of an hour | `place#ACCOUNT#REGION` | `counts#day#…`, `counts#hour#…` | capacity-tracker |
//! | job | `place#ACCOUNT#REGION` | `job#drsjob-…` | job-monitor |
//! | a job's server | `place#ACCOUNT#REGION` | `jobserver#drsjob-…#s-…` | job-monitor |
//! | job sweep | `place#ACCOUNT#REGION` | `jobs` | job-monitor |
//! | how long jobs take | `place#ACCOUNT#REGION` | `pace` | job-monitor |
//! | recovery instance | `place#ACCOUNT#REGION` | `recovery#i-…` | job-monitor |
//! | a source server's launches | `place#ACCOUNT#REGION` | `launches#s-…` | job-monitor |
//! | what was done to a server's tags | `place#ACCOUNT#REGION` | `tags#s-…` | tag-sync |
//! | a change of a server's tags | `place#ACCOUNT#REGION` | `taghistory#s-…#TIME` | tag-sync |
//! | tag sweep | `place#ACCOUNT#REGION` | `tagsweep` | tag-sync |
//! | how far a person's request for tags is | `place#ACCOUNT#REGION` | `tagrequest#REQUEST` | tag-sync |
//! | rules of tags | `policy` | `tags` | the CLI |
//! | incident as told | `place#ACCOUNT#REGION` | `incident#KIND#SUBJECT` | notifier; the CLI, who acknowledged it |
//! | group of incidents | `group#GROUP` | `group` | notifier |
//! | incident in a group | `group#GROUP#DIGIT` | `member#INCIDENT` | notifier |
//! | drill | `drill` | `drill#WINDOW`, `drill#plan/PLAN`, `drill#jobs` | notifier |
//! | bulletin for a channel | `notified#DAY` | `CHANNEL#GROUP#NUMBER` | notifier; the CLI, who wants one sent again |
//! | channel that refused something | `channels` | `channel#CHANNEL` | notifier |
//! | server of an instance | `instance#i-…` | `server#ACCOUNT#REGION#s-…` | capacity-tracker |
//! | tags of an instance | `instance#i-…` | `tags` | tag-sync |
//! | thresholds | `policy` | `policy` | the CLI |
//! | routes of notifications | `policy` | `routes` | the CLI |
//! | mute | `mutes` | `mute#ID` | the CLI |
//! | window for a drill | `windows` | `window#ID` | the CLI, capacity-tracker for a tag |
//! | registered account | `account#DIGIT` | `account#ACCOUNT` | the CLI |
//! | events not acted on | `unhandled#WORKER#DIGIT` | `REASON#ACCOUNT`, `REASON#ACCOUNT#SUBJECT` | each worker |
//!
//! `DIGIT` is the last digit of the account, so that the registry can be listed without a `Scan` and
//! without one hot partition. The index `due` has `due_shard` = `WORKER#0…3` and `due_at` in milliseconds.

mod told;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use self::told::*;
use crate::ids::{AccountId, InstanceId, JobId, RecoveryInstanceId, Region, SourceServerId};

/// How many shards a worker's part of the index `due` has.
pub const DUE_SHARDS: u32 = 4;

/// Sort key of an account + Region itself.
pub const PLACE: &str = "place";

/// Primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// An account and a Region: where DRS resources live and quotas apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub region: Region,
}

impl Place {
    /// Where the resource of an ARN is; `None` where the ARN does not say.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':').skip(3);
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { account, region })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// Items that one `Query` reads: a partition, and what their sort keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Partition key.
    pub pk: String,
    /// What sort keys begin with; empty for the whole partition.
    pub sk_prefix: String,
}

fn place_pk(place: &Place) -> String {
    format!("place#{}#{}", place.account, place.region)
}

fn last_digit(account: &AccountId) -> char {
    account.as_str().chars().last().unwrap_or('0')
}

/// A source server.
pub fn server(place: &Place, id: &SourceServerId) -> Key {
    Key { pk: place_pk(place), sk: format!("server#{id}") }
}

/// All source servers of a place.
pub fn servers(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "server#".into() }
}

/// An account + Region itself: capacity, sweeps, heartbeat.
pub fn place(place: &Place) -> Key {
    Key { pk: place_pk(place), sk: PLACE.into() }
}

/// That a worker other than the capacity-tracker heard a place.
pub fn heard(place: &Place, worker: &str) -> Key {
    Key { pk: place_pk(place), sk: format!("heard#{worker}") }
}

/// What a source server is made of: hardware, origin, tags.
pub fn server_details(place: &Place, id: &SourceServerId) -> Key {
    Key { pk: place_pk(place), sk: format!("details#{id}") }
}

/// What all source servers of a place are made of.
pub fn all_server_details(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "details#".into() }
}

/// The quotas of a place.
pub fn quotas(place: &Place) -> Key {
    Key { pk: place_pk(place), sk: "quotas".into() }
}

/// A place's counts of one day, such as `2026-08-22`.
pub fn counts_of_day(place: &Place, day: Date) -> Key {
    Key { pk: place_pk(place), sk: format!("counts#day#{day}") }
}

/// A place's counts of each day.
pub fn counts_of_days(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "counts#day#".into() }
}

/// A place's counts of one hour of a day, 0 to 23.
pub fn counts_of_hour(place: &Place, day: Date, hour: i8) -> Key {
    Key { pk: place_pk(place), sk: format!("counts#hour#{day}T{hour:02}") }
}

/// A place's counts of each hour.
pub fn counts_of_hours(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "counts#hour#".into() }
}

/// The thresholds.
pub fn policy() -> Key {
    Key { pk: "policy".into(), sk: "policy".into() }
}

/// What was done to the tags of a source server.
pub fn server_tags(place: &Place, server: &SourceServerId) -> Key {
    Key { pk: place_pk(place), sk: format!("tags#{server}") }
}

/// What was done to the tags of all source servers of a place.
pub fn all_server_tags(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "tags#".into() }
}

/// A change of the tags of a source server, begun at a time.
pub fn tag_history(place: &Place, server: &SourceServerId, at: Timestamp) -> Key {
    Key { pk: place_pk(place), sk: format!("taghistory#{server}#{at:.3}") }
}

/// All changes of the tags of a source server, the oldest first.
pub fn tag_history_of(place: &Place, server: &SourceServerId) -> Range {
    Range { pk: place_pk(place), sk_prefix: format!("taghistory#{server}#") }
}

/// All changes of the tags of source servers of a place.
pub fn all_tag_history(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "taghistory#".into() }
}

/// The sweep of the tags of a place.
pub fn tag_sweep(place: &Place) -> Key {
    Key { pk: place_pk(place), sk: "tagsweep".into() }
}

/// What a person asked of the tag-sync in a place.
pub fn tag_request(place: &Place, request: &str) -> Key {
    Key { pk: place_pk(place), sk: format!("tagrequest#{request}") }
}

/// The rules of tags.
pub fn tag_policy() -> Key {
    Key { pk: "policy".into(), sk: "tags".into() }
}

/// The routes of notifications.
pub fn routes() -> Key {
    Key { pk: "policy".into(), sk: "routes".into() }
}

/// A job.
pub fn job(place: &Place, id: &JobId) -> Key {
    Key { pk: place_pk(place), sk: format!("job#{id}") }
}

/// All jobs of a place.
pub fn jobs(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "job#".into() }
}

/// What a job did with one server.
pub fn job_server(place: &Place, job: &JobId, server: &SourceServerId) -> Key {
    Key { pk: place_pk(place), sk: format!("jobserver#{job}#{server}") }
}

/// The servers of a job.
pub fn job_servers(place: &Place, job: &JobId) -> Range {
    Range { pk: place_pk(place), sk_prefix: format!("jobserver#{job}#") }
}

/// What all jobs of a place did with their servers.
pub fn all_job_servers(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "jobserver#".into() }
}

/// The job sweep of a place.
pub fn job_sweep(place: &Place) -> Key {
    Key { pk: place_pk(place), sk: "jobs".into() }
}

/// How long the jobs of a place take.
pub fn pace(place: &Place) -> Key {
    Key { pk: place_pk(place), sk: "pace".into() }
}

/// A recovery instance.
pub fn recovery(place: &Place, id: &RecoveryInstanceId) -> Key {
    Key { pk: place_pk(place), sk: format!("recovery#{id}") }
}

/// All recovery instances of a place.
pub fn recoveries(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "recovery#".into() }
}

/// The drills and recoveries of a source server.
pub fn launches(place: &Place, server: &SourceServerId) -> Key {
    Key { pk: place_pk(place), sk: format!("launches#{server}") }
}

/// The drills and recoveries of all source servers of a place.
pub fn all_launches(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "launches#".into() }
}

/// What of the job-monitor's may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The jobs of a place: [`job_sweep`].
    Jobs,
    /// One [`job`].
    Job,
    /// A recovery instance: [`recovery`].
    Recovery,
}

/// Which of the job-monitor's items a key names; `None` for what is none of these.
pub fn subject_of(key: &Key) -> Option<Subject> {
    let kind = key.sk.split_once('#').map_or(key.sk.as_str(), |(kind, _)| kind);
    match kind {
        _ if !key.pk.starts_with("place#") => None,
        "jobs" => Some(Subject::Jobs),
        "job" => Some(Subject::Job),
        "recovery" => Some(Subject::Recovery),
        _ => None,
    }
}

/// That a source server is the DRS side of an EC2 instance.
pub fn instance_server(instance: &InstanceId, place: &Place, server: &SourceServerId) -> Key {
    Key {
        pk: format!("instance#{instance}"),
        sk: format!("server#{}#{}#{server}", place.account, place.region),
    }
}

/// The source servers of an EC2 instance: its own and the extended ones.
pub fn instance_servers(instance: &InstanceId) -> Range {
    Range { pk: format!("instance#{instance}"), sk_prefix: "server#".into() }
}

/// The tags of an EC2 instance.
pub fn instance_tags(instance: &InstanceId) -> Key {
    Key { pk: format!("instance#{instance}"), sk: "tags".into() }
}

/// A registered account.
pub fn account(id: &AccountId) -> Key {
    Key { pk: format!("account#{}", last_digit(id)), sk: format!("account#{id}") }
}

/// The registry, in ten parts.
pub fn accounts() -> [Range; 10] {
    std::array::from_fn(|digit| Range { pk: format!("account#{digit}"), sk_prefix: "account#".into() })
}

/// Events of one sort that a worker received and does not act on.
pub fn unhandled(worker: &str, reason: &str, account: &AccountId, subject: &str) -> Key {
    // What came from outside may be long; DynamoDB allows sort keys of 1,024 bytes.
    let subject: String = subject.chars().take(200).collect();
    Key { pk: format!("unhandled#{worker}#{}", last_digit(account)), sk: format!("{reason}#{subject}") }
}

/// Whether an item is one of [`unhandled`].
pub fn is_unhandled(key: &Key) -> bool {
    key.pk.starts_with("unhandled#")
}

/// Everything that a worker received and does not act on, in ten parts.
pub fn all_unhandled(worker: &str) -> [Range; 10] {
    std::array::from_fn(|digit| Range { pk: format!("unhandled#{worker}#{digit}"), sk_prefix: String::new() })
}

/// The shard of the index `due` that an item of `worker` lies in.
pub fn due_shard(worker: &str, key: &Key) -> String {
    format!("{worker}#{}", sum(key.pk.bytes().chain(key.sk.bytes())) % DUE_SHARDS)
}

fn sum(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0, |n: u32, b| n.wrapping_mul(31).wrapping_add(b.into()))
}

/// All shards of a worker.
pub fn due_shards(worker: &str) -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(move |n| format!("{worker}#{n}"))
}
