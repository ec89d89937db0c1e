//! Source networks: no more of them than jobs that recover them need. They replicate from their creation on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::hash;
use super::job::Job;
use super::refusal::invalid;
use super::site::Site;
use super::stamp::date_time;
use crate::call::Refusal;

/// One source network.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) vpc: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) last: Option<LastRecovery>,
    /// Whether it was deployed.
    pub(super) deployed: bool,
}

/// The last recovery of a source network.
#[derive(Clone, Debug)]
pub(super) struct LastRecovery {
    pub(super) at: Timestamp,
    pub(super) job: String,
    pub(super) result: &'static str,
}

impl Network {
    /// `SourceNetwork` as the API answers it.
    pub(super) fn show(&self) -> Value {
        let mut shown = json!({
            "sourceNetworkID": self.id,
            "arn": self.arn,
            "sourceVpcID": self.vpc,
            "sourceAccountID": self.account,
            "sourceRegion": self.region,
            "tags": self.tags,
            "replicationStatus": "PROTECTED",
        });
        if let Some(last) = &self.last {
            let at = date_time(last.at);
            shown["lastRecovery"] =
                json!({ "apiCallDateTime": at, "jobID": last.job, "lastRecoveryResult": last.result });
        }
        if self.deployed {
            shown["cfnStackName"] = json!(format!("drs-{}", self.id));
            shown["launchedVpcID"] = json!(format!("vpc-0{:016x}", hash(&self.id)));
        }
        shown
    }
}

impl Site {
    /// The source network of an id. The operations that name one do not model that there is none.
    pub(super) fn network(&self, id: &str) -> Result<&Network, Refusal> {
        let missing = || invalid("sourceNetworkID", &format!("source network {id} does not exist"));
        self.networks.get(id).ok_or_else(missing)
    }

    /// Records on a network how its recovery stands.
    pub(super) fn note_network(&mut self, job: &Job, who: usize, result: &'static str) {
        let network = job.participants.get(who).and_then(|p| self.networks.get_mut(&p.id));
        if let Some(network) = network {
            network.last = Some(LastRecovery { at: job.created, job: job.id.clone(), result });
            network.deployed |= result.ends_with("SUCCESS");
        }
    }
}
