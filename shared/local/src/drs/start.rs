//! How jobs begin, whoever wants them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Drs;
use super::agenda::{self, Due, Launchable};
use super::control::Place;
use super::initiator::InitiatedBy;
use super::job::Job;
use super::quota::{JOBS, SERVERS_IN_JOB, SERVERS_IN_JOBS};
use super::refusal::{busy, conflict, invalid, not_found};
use super::replication::Phase;
use super::server::Server;
use super::site::Site;
use crate::call::Refusal;
use crate::world::lock;

/// Tags of a job.
pub(super) type Tags = BTreeMap<String, String>;

impl Drs {
    /// Starts a job of whatever kind, of the source servers, recovery instances or source networks that it is for.
    pub(super) fn begin_job(
        &self,
        place: Place<'_>,
        ids: &[String],
        (by, tags, now): (InitiatedBy, Tags, Timestamp),
    ) -> Result<Job, Refusal> {
        let site = self.site(place.0, place.1);
        match by {
            InitiatedBy::StartDrill | InitiatedBy::StartRecovery | InitiatedBy::Diagnostic => {
                self.launch_servers(place, ids, (by, tags, now))
            }
            InitiatedBy::TerminateRecoveryInstances | InitiatedBy::Failback => {
                lock(&site).start_of_instances(by, ids, tags, now)
            }
            InitiatedBy::TargetAccount => lock(&site).convert_servers(ids, tags, now),
            InitiatedBy::CreateNetworkRecovery
            | InitiatedBy::UpdateNetworkRecovery
            | InitiatedBy::AssociateNetworkRecovery => lock(&site).recover_networks(by, ids, tags, now),
        }
    }

    /// Starts a job that launches servers. For those that replicate elsewhere, the staging accounts get jobs too:
    /// one each, since AWS does not say how many.
    pub(super) fn launch_servers(
        &self,
        (account, region): Place<'_>,
        servers: &[String],
        (by, tags, now): (InitiatedBy, Tags, Timestamp),
    ) -> Result<Job, Refusal> {
        let (job, staged) = {
            let site = self.site(account, region);
            let mut site = lock(&site);
            (site.launch_servers(by, servers, tags, now)?, site.staged(servers))
        };
        for ((account, region), servers) in staged.into_iter().filter(|_| by.recovers()) {
            // A staging server that is deleted just now has no job to be in; that is no matter of the job here.
            let _ = lock(&self.site(&account, &region)).convert_servers(&servers, Tags::new(), now);
        }
        Ok(job)
    }
}

impl Site {
    fn launch_servers(
        &mut self,
        by: InitiatedBy,
        servers: &[String],
        tags: Tags,
        now: Timestamp,
    ) -> Result<Job, Refusal> {
        let launchable = servers.iter().map(|id| self.server(id).map(|server| launchable(server)));
        let launchable = launchable.collect::<Result<Vec<_>, _>>()?;
        self.admit("sourceServers", servers)?;
        let members = servers.iter().map(|id| (id.clone(), None)).collect();
        let job = self.start((by, tags, now), members, |site, start, who| {
            launchable.get(who).map(|it| agenda::launch(start, who, *it, &mut site.dice)).unwrap_or_default()
        });
        (0..servers.len()).for_each(|who| self.note_launch(&job, who, "PENDING"));
        Ok(job)
    }

    /// Starts a job for recovery instances: to end them, or to fail them back.
    pub(super) fn start_of_instances(
        &mut self,
        by: InitiatedBy,
        instances: &[String],
        tags: Tags,
        now: Timestamp,
    ) -> Result<Job, Refusal> {
        let owner = |id: &String| self.instances.get(id).map(|instance| instance.server.clone());
        let servers = instances.iter().map(|id| owner(id).ok_or_else(|| not_found("RecoveryInstance", id)));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        self.admit("recoveryInstanceIDs", &servers)?;
        let members = servers.into_iter().zip(instances.iter().cloned().map(Some)).collect();
        let job = self.start((by, tags, now), members, |site, start, who| match by {
            InitiatedBy::TerminateRecoveryInstances => agenda::terminate(start, who, &mut site.dice),
            _ => agenda::launch(start, who, READY, &mut site.dice),
        });
        if by == InitiatedBy::Failback {
            let failing_back =
                self.instances.values_mut().filter(|instance| instances.contains(&instance.id));
            failing_back.for_each(|instance| instance.failback.job = Some(job.id.clone()));
        }
        Ok(job)
    }

    /// Starts the job that an account wants into which servers of this one were extended. No quota stops it.
    pub(super) fn convert_servers(
        &mut self,
        servers: &[String],
        tags: Tags,
        now: Timestamp,
    ) -> Result<Job, Refusal> {
        let launchable = servers.iter().map(|id| self.server(id).map(|server| launchable(server)));
        let launchable = launchable.collect::<Result<Vec<_>, _>>()?;
        let members = servers.iter().map(|id| (id.clone(), None)).collect();
        Ok(self.start((InitiatedBy::TargetAccount, tags, now), members, |site, start, who| {
            launchable.get(who).map(|it| agenda::convert(start, who, *it, &mut site.dice)).unwrap_or_default()
        }))
    }

    /// Starts a job that recovers source networks.
    pub(super) fn recover_networks(
        &mut self,
        by: InitiatedBy,
        networks: &[String],
        tags: Tags,
        now: Timestamp,
    ) -> Result<Job, Refusal> {
        let first = unique("sourceNetworks", networks)?;
        networks.iter().try_for_each(|id| self.network(id).map(drop))?;
        if let Some(id) = networks.iter().find(|id| self.is_busy(id)) {
            let text = format!("source network {id} is being recovered already");
            return Err(conflict("SourceNetwork", id, &text));
        }
        self.quotas.admit(&JOBS, self.active().count() + 1, ("SourceNetwork", first))?;
        let members = networks.iter().map(|id| (id.clone(), None)).collect();
        let job = self.start((by, tags, now), members, |site, start, who| {
            agenda::network(start, who, by, &mut site.dice)
        });
        (0..networks.len()).for_each(|who| self.note_network(&job, who, "IN_PROGRESS"));
        Ok(job)
    }

    /// Takes up a job of these members; the steps of each are asked for by its number.
    fn start(
        &mut self,
        (by, tags, now): (InitiatedBy, Tags, Timestamp),
        members: Vec<(String, Option<String>)>,
        steps: impl Fn(&mut Self, Timestamp, usize) -> Vec<Due>,
    ) -> Job {
        let id = self.dice.id("drsjob");
        let mut job = Job::new(self.arn("job", &id), by, now, tags);
        let steps = (0..members.len()).flat_map(|who| steps(self, job.created, who)).collect();
        job.plan(members, steps);
        self.begin(job.clone());
        job
    }

    /// The quotas of jobs, and one job at a time for each server. Too many are refused in the name of the first
    /// server, since AWS does not say which resource it names.
    fn admit(&self, member: &str, servers: &[String]) -> Result<(), Refusal> {
        let first = unique(member, servers)?;
        let admit = |quota, wanted| self.quotas.admit(quota, wanted, ("SourceServer", first));
        admit(&SERVERS_IN_JOB, servers.len())?;
        if let Some(id) = servers.iter().find(|id| self.is_busy(id)) {
            return Err(busy(id));
        }
        admit(&JOBS, self.active().count() + 1)?;
        let of_servers = self.active().filter(|job| !job.by.is_of_networks());
        admit(&SERVERS_IN_JOBS, of_servers.map(|job| job.participants.len()).sum::<usize>() + servers.len())
    }

    fn active(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.is_active())
    }

    /// The staging servers of those servers that are extended and can be read there, by account and Region.
    fn staged(&self, servers: &[String]) -> BTreeMap<(String, String), Vec<String>> {
        let mut staged = BTreeMap::<_, Vec<_>>::new();
        let extensions = servers.iter().filter_map(|id| self.servers.get(id)?.extension.as_ref());
        for extension in extensions.filter(|extension| extension.error.is_none()) {
            let (region, id) = extension.staging();
            staged.entry((extension.account.clone(), region.to_owned())).or_default().push(id.to_owned());
        }
        staged
    }
}

/// A recovery instance that is to be failed back has all that a launch needs.
const READY: Launchable = Launchable { snapshot: true, fresh: true, replaces: false };

/// The first of the members, of which there must be one, each named once.
fn unique<'a>(member: &str, ids: &'a [String]) -> Result<&'a str, Refusal> {
    let first = ids.first().filter(|_| ids.iter().collect::<BTreeSet<_>>().len() == ids.len());
    let wrong = || invalid(member, &format!("{member} must name at least one, each once"));
    first.map(String::as_str).ok_or_else(wrong)
}

fn launchable(server: &Server) -> Launchable {
    let stuck = matches!(server.replication.phase, Phase::Stalled | Phase::Paused | Phase::Disconnected);
    Launchable {
        snapshot: server.replication.launchable,
        fresh: server.replication.launchable && !stuck,
        replaces: server.recovery_instance.is_some(),
    }
}
