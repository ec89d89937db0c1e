//! What tests set and ask of single spokes.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::ids::{InstanceId, JobId, SourceServerId};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{
    JobLogSeen, JobSeen, LaunchConfigurationSeen, QuotaSeen, RecoveryInstanceSeen, ServerSeen, TaggedInstance,
};

use jiff::Timestamp;

use super::MemoryIo;
use crate::verdict::IoError;

impl MemoryIo {
    /// What `DescribeSourceServers` shows in a place.
    pub fn set_servers(&self, place: &Place, servers: Vec<ServerSeen>) {
        self.world().spokes.at(place).servers = servers;
    }

    /// What `DescribeJobs` shows in a place.
    pub fn set_jobs(&self, place: &Place, jobs: Vec<JobSeen>) {
        self.world().spokes.at(place).jobs = jobs;
    }

    /// What `DescribeJobLogItems` shows of a job.
    pub fn set_job_log(&self, place: &Place, job: &JobId, lines: Vec<JobLogSeen>) {
        self.world().spokes.at(place).logs.insert(job.clone(), lines);
    }

    /// What `DescribeRecoveryInstances` shows in a place.
    pub fn set_recovery_instances(&self, place: &Place, instances: Vec<RecoveryInstanceSeen>) {
        self.world().spokes.at(place).instances = instances;
    }

    /// What the tagging API shows of instances in a place.
    pub fn set_tagged(&self, place: &Place, instances: Vec<TaggedInstance>) {
        self.world().spokes.at(place).tagged = instances;
    }

    /// Of which type an instance of a place is.
    pub fn set_instance_type(&self, place: &Place, instance: &InstanceId, name: &str) {
        self.world().spokes.at(place).instance_types.insert(instance.clone(), name.to_owned());
    }

    /// So long each call into a place takes from now on.
    pub fn set_spoke_pace(&self, place: &Place, time: Option<Duration>) {
        self.world().spokes.at(place).pace = time;
    }

    /// Service Quotas refuses to answer for a place, or answers again.
    pub fn set_quotas_failure(&self, place: &Place, failure: Option<IoError>) {
        self.world().spokes.at(place).quotas_failure = failure;
    }

    /// Every call of EC2 in a place fails, or none any more.
    pub fn set_ec2_failure(&self, place: &Place, failure: Option<IoError>) {
        self.world().spokes.at(place).ec2_failure = failure;
    }

    /// No tag can be set on a server of a place, or all can again.
    pub fn set_tag_failure(&self, place: &Place, failure: Option<IoError>) {
        self.world().spokes.at(place).tag_failure = failure;
    }

    /// What `GetLaunchConfiguration` shows of a server.
    pub fn set_launch_configuration(
        &self,
        place: &Place,
        server: &SourceServerId,
        seen: LaunchConfigurationSeen,
    ) {
        self.world().spokes.at(place).launch_configurations.insert(server.clone(), seen);
    }

    /// Whether `copyTags` is on.
    pub fn copies_tags(&self, place: &Place, server: &SourceServerId) -> bool {
        let world = self.world();
        let known = world.spokes.known(place).and_then(|spoke| spoke.launch_configurations.get(server));
        known.is_some_and(|seen| seen.copy_tags)
    }

    /// What Service Quotas shows in a place.
    pub fn set_quotas(&self, place: &Place, quotas: Vec<QuotaSeen>) {
        self.world().spokes.at(place).quotas = quotas;
    }

    /// Every call into a place fails, or none any more.
    pub fn set_spoke_failure(&self, place: &Place, failure: Option<IoError>) {
        self.world().spokes.at(place).failure = failure;
    }

    /// When all servers of a place were listed, from the beginning.
    pub fn listed_at(&self, place: &Place) -> Vec<Timestamp> {
        self.world().spokes.at(place).listed_at.clone()
    }

    /// How many items a page of a listing shows in a place; `None`: the usual number.
    pub fn set_page_size(&self, place: &Place, size: Option<usize>) {
        self.world().spokes.at(place).page_size = size;
    }

    /// Every listing of a place fails from this item on, as when a role is revoked meanwhile; or none any more.
    pub fn set_page_failure(&self, place: &Place, failure: Option<(usize, IoError)>) {
        self.world().spokes.at(place).page_failure = failure;
    }

    /// Every call into a place waits so long and then fails as one that met its time limit; or none any more.
    pub fn set_spoke_hang(&self, place: &Place, time: Option<Duration>) {
        self.world().spokes.at(place).hang = time;
    }

    /// DRS takes one call in so long in a place, and throttles all others; or takes all again.
    pub fn set_one_call_in(&self, place: &Place, time: Option<Duration>) {
        self.world().spokes.at(place).one_call_in = time;
    }

    /// The log of a job is not readable.
    pub fn set_job_log_failure(&self, place: &Place, job: &JobId, failure: IoError) {
        self.world().spokes.at(place).log_failures.insert(job.clone(), failure);
    }

    /// Listings of a place leave these servers and their recovery instances out, though they are there.
    pub fn set_overlooked(&self, place: &Place, ids: impl IntoIterator<Item = SourceServerId>) {
        self.world().spokes.at(place).overlooked = ids.into_iter().collect();
    }

    /// Every tag that was set on a resource of a place.
    pub fn tags(&self, place: &Place, arn: &str) -> BTreeMap<String, String> {
        self.world().spokes.at(place).tags.get(arn).cloned().unwrap_or_default()
    }

    /// The most calls into a place that were under way at one time.
    pub fn most_calls_at_once(&self, place: &Place) -> usize {
        self.world().spokes.at(place).most_under_way
    }
}
