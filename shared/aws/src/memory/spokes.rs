//! Spokes as tests set them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_domain::ids::{AccountId, InstanceId, JobId, SourceServerId};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{
    ExtensibleSeen, JobLogSeen, JobSeen, LaunchConfigurationSeen, Page, QuotaSeen, RecoveryInstanceSeen,
    ServerSeen, Staging, TaggedInstance,
};
use jiff::Timestamp;

use crate::io::{JobFilter, RecoveryFilter, ServerFilter};
use crate::time::after;
use crate::verdict::{IoError, Neighbour, Verdict};

/// Small, so that tests meet more than one page.
const PAGE: usize = 50;

/// What one account shows in one Region.
#[derive(Debug, Default)]
pub(super) struct Spoke {
    pub(super) servers: Vec<ServerSeen>,
    pub(super) jobs: Vec<JobSeen>,
    pub(super) logs: BTreeMap<JobId, Vec<JobLogSeen>>,
    pub(super) instances: Vec<RecoveryInstanceSeen>,
    pub(super) quotas: Vec<QuotaSeen>,
    /// What Service Quotas answers in their place.
    pub(super) quotas_failure: Option<IoError>,
    pub(super) tagged: Vec<TaggedInstance>,
    pub(super) instance_types: BTreeMap<InstanceId, String>,
    /// What EC2 answers in their place.
    pub(super) ec2_failure: Option<IoError>,
    pub(super) tag_failure: Option<IoError>,
    pub(super) launch_configurations: BTreeMap<SourceServerId, LaunchConfigurationSeen>,
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) failure: Option<IoError>,
    pub(super) page_size: Option<usize>,
    /// From this item on, listings fail.
    pub(super) page_failure: Option<(usize, IoError)>,
    pub(super) hang: Option<Duration>,
    /// So long each call takes before it is answered.
    pub(super) pace: Option<Duration>,
    /// DRS takes one call in so long, and throttles all others.
    pub(super) one_call_in: Option<Duration>,
    taken_at: Option<Timestamp>,
    /// When all its servers were listed, from the beginning.
    pub(super) listed_at: Vec<Timestamp>,
    /// What is answered in place of the log of a job.
    pub(super) log_failures: BTreeMap<JobId, IoError>,
    /// Servers that are there and that listings leave out, together with their recovery instances.
    pub(super) overlooked: BTreeSet<SourceServerId>,
    under_way: usize,
    pub(super) most_under_way: usize,
}

impl Spoke {
    fn page_of<T>(&self, all: Vec<T>, page: Option<&str>, now: Timestamp) -> Result<Page<T>, IoError> {
        let start = page.and_then(|page| page.parse().ok()).unwrap_or(0_usize);
        if let Some((from, failure)) = &self.page_failure
            && start >= *from
        {
            return Err(failure.clone());
        }
        Ok(page_from(start, self.page_size.unwrap_or(PAGE), all, now))
    }
}

#[derive(Debug, Default)]
pub(super) struct Spokes(BTreeMap<Place, Spoke>);

impl Spokes {
    pub(super) fn at(&mut self, place: &Place) -> &mut Spoke {
        self.0.entry(place.clone()).or_default()
    }

    pub(super) fn known(&self, place: &Place) -> Option<&Spoke> {
        self.0.get(place)
    }

    /// A call begins. Answers how long it takes, and after how long it fails since nobody answers.
    pub(super) fn begin(&mut self, place: &Place) -> (Option<Duration>, Option<Duration>) {
        let Some(spoke) = self.0.get_mut(place) else { return (None, None) };
        spoke.under_way += 1;
        spoke.most_under_way = spoke.most_under_way.max(spoke.under_way);
        (spoke.pace, spoke.hang)
    }

    pub(super) fn are_called(&self) -> bool {
        self.0.values().any(|spoke| spoke.under_way > 0)
    }

    /// Throttles a call that comes too soon.
    pub(super) fn admit(
        &mut self,
        place: &Place,
        operation: &'static str,
        now: Timestamp,
    ) -> Result<(), IoError> {
        let Some(spoke) = self.0.get_mut(place) else { return Ok(()) };
        let Some(pause) = spoke.one_call_in else { return Ok(()) };
        if spoke.taken_at.is_some_and(|taken| now < after(taken, pause)) {
            return Err(IoError::new(Neighbour::Spoke, operation, Verdict::Throttled, "slow down"));
        }
        spoke.taken_at = Some(now);
        Ok(())
    }

    pub(super) fn ended(&mut self, place: &Place) {
        if let Some(spoke) = self.0.get_mut(place) {
            spoke.under_way = spoke.under_way.saturating_sub(1);
        }
    }

    pub(super) fn servers(
        &mut self,
        place: &Place,
        filter: &ServerFilter,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<ServerSeen>, IoError> {
        if self.open(place)?.is_none() {
            return Ok(never_initialized(now));
        }
        let spoke = self.at(place);
        if matches!(filter, ServerFilter::All) && page.is_none() {
            spoke.listed_at.push(now);
        }
        let wanted = |server: &&ServerSeen| match filter {
            ServerFilter::All => !spoke.overlooked.contains(&server.id),
            ServerFilter::Ids(ids) => ids.contains(&server.id),
            ServerFilter::OfInstance(instance) => server.instance.as_ref() == Some(instance),
        };
        spoke.page_of(spoke.servers.iter().filter(wanted).cloned().collect(), page, now)
    }

    pub(super) fn jobs(
        &self,
        place: &Place,
        filter: &JobFilter,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<JobSeen>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(never_initialized(now)) };
        let wanted = |job: &&JobSeen| match filter {
            JobFilter::All => true,
            JobFilter::Since(from) => job.created.is_none_or(|at| at >= *from),
            JobFilter::Ids(ids) => ids.contains(&job.id),
        };
        let mut jobs: Vec<JobSeen> = spoke.jobs.iter().filter(wanted).cloned().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
        spoke.page_of(jobs, page, now)
    }

    pub(super) fn job_log(
        &self,
        place: &Place,
        job: &JobId,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<JobLogSeen>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(never_initialized(now)) };
        if let Some(failure) = spoke.log_failures.get(job) {
            return Err(failure.clone());
        }
        spoke.page_of(spoke.logs.get(job).cloned().unwrap_or_default(), page, now)
    }

    pub(super) fn instances(
        &self,
        place: &Place,
        filter: &RecoveryFilter,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<RecoveryInstanceSeen>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(never_initialized(now)) };
        let wanted = |seen: &&RecoveryInstanceSeen| match filter {
            RecoveryFilter::All => seen.server.as_ref().is_none_or(|id| !spoke.overlooked.contains(id)),
            RecoveryFilter::OfServers(ids) => seen.server.as_ref().is_some_and(|id| ids.contains(id)),
        };
        spoke.page_of(spoke.instances.iter().filter(wanted).cloned().collect(), page, now)
    }

    pub(super) fn quotas(&self, place: &Place) -> Result<Vec<QuotaSeen>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(Vec::new()) };
        spoke.quotas_failure.clone().map_or_else(|| Ok(spoke.quotas.clone()), Err)
    }

    /// What replicates in the staging account and is not yet extended into this one.
    pub(super) fn extensible(
        &self,
        place: &Place,
        staging: &AccountId,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<ExtensibleSeen>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(never_initialized(now)) };
        let there = Place { account: staging.clone(), region: place.region.clone() };
        let is_extended = |server: &ServerSeen| {
            spoke.servers.iter().any(|s| s.staging.server_arn.as_deref() == Some(server.arn.as_str()))
        };
        let extensible = |server: &&ServerSeen| server.staging.account.is_none() && !is_extended(server);
        let shown = |server: &ServerSeen| ExtensibleSeen {
            arn: server.arn.clone(),
            hostname: server.hostname.clone(),
            tags: server.tags.clone(),
        };
        let servers = self.0.get(&there).into_iter().flat_map(|spoke| &spoke.servers);
        spoke.page_of(servers.filter(extensible).map(shown).collect(), page, now)
    }

    pub(super) fn extend(
        &mut self,
        place: &Place,
        staging_server_arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<SourceServerId, IoError> {
        self.open(place)?;
        let staging = self.0.iter().find_map(|(there, spoke)| {
            Some((there.account.clone(), spoke.servers.iter().find(|s| s.arn == staging_server_arn)?.clone()))
        });
        let Some((account, server)) = staging else {
            let message = format!("there is no {staging_server_arn}");
            return Err(IoError::new(
                Neighbour::Spoke,
                "CreateExtendedSourceServer",
                Verdict::Permanent,
                message,
            ));
        };
        let staging = Staging {
            status: Some("EXTENDED".to_owned()),
            account: Some(account),
            server_arn: Some(server.arn.clone()),
            error: None,
        };
        let arn = format!("arn:aws:drs:{}:{}:source-server/{}", place.region, place.account, server.id);
        let id = server.id.clone();
        self.at(place).servers.push(ServerSeen { arn, staging, tags: tags.clone(), ..server });
        Ok(id)
    }

    pub(super) fn tag(
        &mut self,
        place: &Place,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), IoError> {
        self.open(place)?;
        let spoke = self.at(place);
        if let Some(failure) = &spoke.tag_failure {
            return Err(failure.clone());
        }
        spoke.tags.entry(arn.to_owned()).or_default().extend(tags.clone());
        for server in spoke.servers.iter_mut().filter(|server| server.arn == arn) {
            server.tags.extend(tags.clone());
        }
        Ok(())
    }

    pub(super) fn untag(&mut self, place: &Place, arn: &str, keys: &BTreeSet<String>) -> Result<(), IoError> {
        self.open(place)?;
        let spoke = self.at(place);
        spoke.tags.entry(arn.to_owned()).or_default().retain(|key, _| !keys.contains(key));
        for server in spoke.servers.iter_mut().filter(|server| server.arn == arn) {
            server.tags.retain(|key, _| !keys.contains(key));
        }
        Ok(())
    }

    pub(super) fn tagged(
        &self,
        place: &Place,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<TaggedInstance>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(page_from(0, PAGE, Vec::new(), now)) };
        spoke.page_of(spoke.tagged.clone(), page, now)
    }

    pub(super) fn instance_types(
        &self,
        place: &Place,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, String>, IoError> {
        let Some(spoke) = self.open(place)? else { return Ok(BTreeMap::new()) };
        let known = |id: &InstanceId| Some((id.clone(), spoke.instance_types.get(id)?.clone()));
        spoke.ec2_failure.clone().map_or_else(|| Ok(instances.iter().filter_map(known).collect()), Err)
    }

    pub(super) fn launch_configuration(
        &self,
        place: &Place,
        server: &SourceServerId,
    ) -> Result<LaunchConfigurationSeen, IoError> {
        let known = self.open(place)?.and_then(|spoke| spoke.launch_configurations.get(server));
        Ok(known.copied().unwrap_or_default())
    }

    pub(super) fn copy_tags(&mut self, place: &Place, server: &SourceServerId) -> Result<(), IoError> {
        self.open(place)?;
        self.at(place).launch_configurations.entry(server.clone()).or_default().copy_tags = true;
        Ok(())
    }

    fn open(&self, place: &Place) -> Result<Option<&Spoke>, IoError> {
        let spoke = self.0.get(place);
        spoke.and_then(|spoke| spoke.failure.clone()).map_or(Ok(spoke), Err)
    }
}

fn never_initialized<T>(now: Timestamp) -> Page<T> {
    Page { initialized: false, ..page_from(0, PAGE, Vec::new(), now) }
}

fn page_from<T>(start: usize, size: usize, all: Vec<T>, now: Timestamp) -> Page<T> {
    let next = (start + size < all.len()).then(|| (start + size).to_string());
    let items = all.into_iter().skip(start).take(size).collect();
    let date = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Page { items, next, date, initialized: true }
}
