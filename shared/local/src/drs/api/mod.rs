//! The operations. Each is a pure step of one site: the state, the request and its time in; an answer out.

mod config;
mod describe;
mod extension;
mod failback;
mod networks;
mod recovery;
mod servers;
mod tags;

use serde_json::Value;

use super::Drs;
use super::cloudtrail;
use super::refusal::{throttled, uninitialized};
use super::request::Request;
use super::site::Site;
use crate::call::Refusal;
use crate::events::ServiceEvent;
use crate::world::lock;

/// HTTP status and body; a body of `null` is none.
pub(super) type Answer = Result<(u16, Value), Refusal>;

impl Drs {
    /// Answers a call, and says which events that and the time until then bring about. `allowed` is asked
    /// after the rate limit, as on AWS.
    pub(super) fn answer(
        &self,
        request: &Request,
        allowed: impl FnOnce() -> Result<(), Refusal>,
    ) -> (Answer, Vec<ServiceEvent>) {
        let site = self.site(&request.account, &request.region);
        let mut events = self.pass(&site, request.now);
        let answer =
            self.throttle(request).and_then(|()| allowed()).and_then(|()| self.operate(request, &mut events));
        if request.is_write() && lock(&site).settings.trail {
            events.push(cloudtrail::record(request, answer.as_ref().map(|(_, body)| body)));
        }
        (answer, events)
    }

    fn throttle(&self, request: &Request) -> Result<(), Refusal> {
        let site = self.site(&request.account, &request.region);
        let mut site = lock(&site);
        match site.settings.calls_per_second {
            Some(rate) => site.bucket.take(rate, request.now).map_err(throttled),
            None => Ok(()),
        }
    }

    fn operate(&self, request: &Request, events: &mut Vec<ServiceEvent>) -> Answer {
        let site = self.site(&request.account, &request.region);
        // Only these are answered before the service is initialised.
        let early = ["InitializeService", "TagResource", "UntagResource", "ListTagsForResource"];
        if !early.contains(&request.operation.as_str()) && !lock(&site).initialized {
            return Err(uninitialized());
        }
        match request.operation.as_str() {
            // These look into other accounts and lock one site at a time.
            "CreateExtendedSourceServer" => extension::create(self, request),
            "ListExtensibleSourceServers" => extension::list_extensible(self, request),
            "StartRecovery" => recovery::start(self, request),
            "ReverseReplication" => failback::reverse(self, request, events),
            _ => within(&mut lock(&site), request),
        }
    }
}

fn within(site: &mut Site, request: &Request) -> Answer {
    match request.operation.as_str() {
        "InitializeService" => {
            site.initialized = true;
            Ok((204, Value::Null))
        }
        "DescribeSourceServers" => describe::servers(site, request),
        "DescribeJobs" => describe::jobs(site, request),
        "DescribeJobLogItems" => describe::job_log(site, request),
        "DescribeRecoveryInstances" => describe::instances(site, request),
        "TerminateRecoveryInstances" => recovery::terminate(site, request),
        "StartFailbackLaunch" => failback::launch(site, request),
        "StopFailback" => failback::stop(site, request),
        "DisconnectRecoveryInstance" => failback::disconnect(site, request),
        "DeleteRecoveryInstance" => failback::delete(site, request),
        "CreateSourceNetwork" => networks::create(site, request),
        "DescribeSourceNetworks" => networks::describe(site, request),
        "StartSourceNetworkRecovery" => recovery::start_networks(site, request),
        "DeleteJob" => recovery::delete(site, request),
        "StartReplication" => servers::start(site, request),
        "StopReplication" => servers::stop(site, request),
        "DeleteSourceServer" => servers::delete(site, request),
        "DisconnectSourceServer" => servers::disconnect(site, request),
        "ListStagingAccounts" => extension::list_staging_accounts(site, request),
        "GetLaunchConfiguration" => config::get(site, request),
        "UpdateLaunchConfiguration" => config::update(site, request),
        "ListTagsForResource" => tags::list(site, request),
        "TagResource" => tags::add(site, request),
        "UntagResource" => tags::remove(site, request),
        other => Err(Refusal::unknown("drs", other)),
    }
}
