//! One source server and how the API shows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::dice::hash;
use super::replication::{Phase, Replication, STEPS};
use super::spec::Machine;
use super::stamp::{date_time, duration, seconds};

/// Bytes that a disk changes in a second, for the backlog that a lag means.
const CHANGED_PER_SECOND: u64 = 400_000;

/// One source server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) machine: Machine,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) replication: Replication,
    pub(super) added: Timestamp,
    pub(super) last_launch: Option<LastLaunch>,
    pub(super) recovery_instance: Option<String>,
    pub(super) extension: Option<Extension>,
    /// The server at the other end, for one that replicates back.
    pub(super) reverses: Option<String>,
    pub(super) launch: Map<String, Value>,
}

/// The last drill or recovery.
#[derive(Clone, Debug)]
pub(super) struct LastLaunch {
    pub(super) at: Timestamp,
    pub(super) job: String,
    pub(super) drill: bool,
    pub(super) status: &'static str,
}

/// Where an extended source server replicates.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    pub(super) account: String,
    pub(super) arn: String,
    /// Why it does not follow the staging server.
    pub(super) error: Option<String>,
    /// An error that stays, whatever the staging account says.
    pub(super) broken: Option<String>,
}

impl Extension {
    /// Region and id of the staging server.
    pub(super) fn staging(&self) -> (&str, &str) {
        let region = self.arn.split(':').nth(3).unwrap_or_default();
        (region, self.arn.rsplit('/').next().unwrap_or_default())
    }
}

impl Server {
    /// Whether it takes one of the account's 300 places.
    pub(super) fn counts(&self) -> bool {
        self.extension.is_none() && self.replication.counts()
    }

    /// `SourceServer` as `DescribeSourceServers` answers it.
    pub(super) fn show(&self, account: &str, now: Timestamp) -> Value {
        let mut shown = json!({
            "sourceServerID": self.id,
            "arn": self.arn,
            "tags": self.tags,
            "lastLaunchResult": self.last_launch_result(),
            "dataReplicationInfo": self.data_replication_info(now),
            "lifeCycle": self.life_cycle(now),
            "sourceProperties": self.source_properties(now),
            "stagingArea": self.staging_area(account),
            "replicationDirection": if self.reverses.is_some() { "FAILBACK" } else { "FAILOVER" },
            "agentVersion": "6.42.12.2025.353.1309",
            // In real answers, though not in the API's model.
            "usageOperationData": {
                "code": "RunInstances:0002",
                "status": "CONTAINS_USAGE_OPERATION_CODES",
            },
        });
        if let Some(instance) = &self.recovery_instance {
            shown["recoveryInstanceId"] = json!(instance);
        }
        if let Some(arn) = &self.reverses {
            shown["reversedDirectionSourceServerArn"] = json!(arn);
        }
        if let Some(origin) = &self.machine.origin {
            shown["sourceCloudProperties"] = json!({
                "originAccountID": origin.account,
                "originRegion": origin.region,
                "originAvailabilityZone": origin.zone,
            });
        }
        shown
    }

    fn last_launch_result(&self) -> &'static str {
        match self.last_launch.as_ref().map(|launch| launch.status) {
            None => "NOT_STARTED",
            Some("LAUNCHED" | "TERMINATED") => "SUCCEEDED",
            Some("FAILED") => "FAILED",
            Some(_) => "PENDING",
        }
    }

    fn staging_area(&self, account: &str) -> Value {
        match &self.extension {
            None => json!({ "status": "NOT_EXTENDED", "stagingAccountID": account }),
            Some(Extension { account, arn, error: None, .. }) => json!({
                "status": "EXTENDED", "stagingAccountID": account, "stagingSourceServerArn": arn,
            }),
            Some(Extension { account, arn, error: Some(error), .. }) => json!({
                "status": "EXTENSION_ERROR", "stagingAccountID": account,
                "stagingSourceServerArn": arn, "errorMessage": error,
            }),
        }
    }

    fn data_replication_info(&self, now: Timestamp) -> Value {
        let replication = &self.replication;
        let mut info = json!({
            "dataReplicationState": replication.phase.name(),
            "replicatedDisks": self.replicated_disks(now),
        });
        if replication.counts() {
            info["dataReplicationInitiation"] = self.initiation(now);
        }
        if replication.first_byte.is_some() && replication.counts() {
            info["stagingAvailabilityZone"] = json!(self.staging_zone());
        }
        if let Some(lag) = replication.lag(now) {
            info["lagDuration"] = json!(duration(lag));
        }
        if let Some(eta) = replication.eta() {
            info["etaDateTime"] = json!(date_time(eta));
        }
        if let Some(error) = &replication.error {
            info["dataReplicationError"] = json!({
                "error": error, "rawError": format!("replication of {} stopped: {error}", self.id),
            });
        }
        info
    }

    /// The zone of its replication server.
    fn staging_zone(&self) -> String {
        let region = self.arn.split(':').nth(3).unwrap_or_default();
        format!("{region}{}", if hash(&self.id).is_multiple_of(2) { "a" } else { "b" })
    }

    fn initiation(&self, now: Timestamp) -> Value {
        let done = self.replication.steps_done(now);
        let failed = self.replication.phase == Phase::Stalled;
        let status = |index: usize| match index {
            _ if index < done => "SUCCEEDED",
            _ if index == done && failed => "FAILED",
            _ if index == done => "IN_PROGRESS",
            _ => "NOT_STARTED",
        };
        let step = |(index, name): (usize, &&str)| json!({ "name": name, "status": status(index) });
        let steps: Vec<Value> = STEPS.iter().enumerate().map(step).collect();
        json!({ "startDateTime": date_time(self.replication.initiated), "steps": steps })
    }

    fn replicated_disks(&self, now: Timestamp) -> Vec<Value> {
        let disconnected = self.replication.phase == Phase::Disconnected;
        let (synced, rescanned) = (self.replication.synced(now), self.replication.rescanned(now));
        let mut set = self.replication.backlog;
        let lag = self.replication.lag(now).and_then(|lag| u64::try_from(lag).ok()).unwrap_or_default();
        let show = |(device, bytes): &(String, u64)| {
            let total = if disconnected { 0 } else { *bytes };
            let part = |done: u64| total / 1000 * done + if done == 1000 { total % 1000 } else { 0 };
            // A backlog that was set fills one disk after the other.
            let backlog = set.unwrap_or(lag * CHANGED_PER_SECOND).min(total);
            set = set.map(|left| left - backlog);
            json!({
                "deviceName": device,
                "totalStorageBytes": total,
                "replicatedStorageBytes": part(synced),
                "rescannedStorageBytes": part(rescanned),
                "backloggedStorageBytes": backlog,
                "volumeStatus": "REGULAR",
            })
        };
        self.machine.disks.iter().map(show).collect()
    }

    fn life_cycle(&self, now: Timestamp) -> Value {
        let replication = &self.replication;
        let seen = replication.seen(now);
        let mut cycle = json!({
            "addedToServiceDateTime": date_time(self.added),
            "lastSeenByServiceDateTime": date_time(seen),
        });
        if let Some(first) = replication.first_byte {
            cycle["firstByteDateTime"] = json!(date_time(first));
            cycle["elapsedReplicationDuration"] = json!(duration(seconds(first, seen)));
        }
        if let Some(launch) = &self.last_launch {
            cycle["lastLaunch"] = json!({
                "initiated": {
                    "apiCallDateTime": date_time(launch.at),
                    "jobID": launch.job,
                    "type": if launch.drill { "DRILL" } else { "RECOVERY" },
                },
                "status": launch.status,
            });
        }
        cycle
    }

    fn source_properties(&self, now: Timestamp) -> Value {
        let mut shown = self.machine.show(now);
        let disk = |(name, bytes): &(String, u64)| json!({ "deviceName": name, "bytes": bytes });
        shown["disks"] = self.machine.disks.iter().map(disk).collect();
        shown["recommendedInstanceType"] = json!(self.machine.instance_type);
        shown["supportsNitroInstances"] = json!(true);
        shown["architecture"] = json!("x86_64");
        shown
    }
}

impl Machine {
    /// What source servers and recovery instances show alike.
    pub(super) fn show(&self, now: Timestamp) -> Value {
        let mut hints = json!({ "hostname": self.hostname });
        if let Some(fqdn) = &self.fqdn {
            hints["fqdn"] = json!(fqdn);
        }
        if let Some(origin) = self.origin.as_ref().filter(|origin| origin.hinted) {
            hints["awsInstanceID"] = json!(origin.instance);
        }
        json!({
            "lastUpdatedDateTime": date_time(now),
            "identificationHints": hints,
            "networkInterfaces": [{ "macAddress": self.mac, "ips": [self.ip], "isPrimary": true }],
            "cpus": [{ "cores": self.cores, "modelName": self.cpu }],
            "ramBytes": self.ram_bytes,
            "os": { "fullString": self.os },
        })
    }
}
