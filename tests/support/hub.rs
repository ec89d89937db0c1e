//! A hub with two or three spokes on a local cloud of its own, and the four workers of `drs-fleet run all`.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy::PolicyEditor;
use drs_fleet_aws::registry::{RegistryEditor, WriteToken};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::{self, Key, Place, Range};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::delivery::day_of;
use drs_fleet_domain::notify::{DeliveryRow, GroupRow, MemberRow, Routes, RoutesRow, Taken};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::quota::Quota;
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::tags::TagPolicy;
use drs_fleet_domain::tags::rules::TagPolicyRow;
use drs_fleet_local::call::{Call, Principal};
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::events::ServiceEvent;
use drs_fleet_local::faults::{FaultRule, Faults};
use drs_fleet_local::slack::Slack as Workspace;
use drs_fleet_local::sqs::Peeked;
use drs_fleet_local::{Clock, LocalCloud, Refusal, Reply, World};
use jiff::Timestamp;
use job_monitor::JobMonitor;
use serde_json::{Value, json};
use tag_sync::TagSync;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use drs_fleet_testkit::routes::each_at_once;

use super::slack::Slack;
use super::wait::until;

const ORGANIZATION: &str = "o-a1b2c3d4e5";
const ACCOUNT: &str = "999900001111";
const REGION: &str = "eu-central-1";
/// Each spoke in a Region of its own.
const SPOKES: [(&str, &str, &str); 3] = [
    ("111122223333", "Payments", "us-west-2"),
    ("222233334444", "Logistics", "eu-central-1"),
    ("333344445555", "Billing", "ap-southeast-2"),
];

/// How a test wants its hub.
pub(crate) struct Plan {
    /// Simulated seconds in each real second.
    pub(crate) speed: f64,
    /// How many spokes there are, 3 at most.
    pub(crate) spokes: usize,
    /// Servers in each spoke.
    pub(crate) servers: usize,
    /// Spokes that are registered; the others only forward.
    pub(crate) registered: usize,
    /// Applied quota of replicating servers in the first spoke.
    pub(crate) quota: Option<u32>,
    /// Who is told of what.
    pub(crate) routes: Routes,
    /// From when on what is an incident.
    pub(crate) policy: Policy,
    /// What goes wrong once the spokes are registered.
    pub(crate) faults: Vec<FaultRule>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            speed: 20.0,
            spokes: 2,
            servers: 5,
            registered: 2,
            quota: None,
            routes: each_at_once(),
            policy: Policy::default(),
            faults: Vec::new(),
        }
    }
}

/// The running system.
pub(crate) struct Hub {
    pub(crate) fleet: Fleet,
    pub(crate) slack: Slack,
    /// The Slack workspace that the hub's bot is in.
    pub(crate) workspace: Workspace,
    registered: usize,
    stop: CancellationToken,
    workers: JoinHandle<anyhow::Result<()>>,
    // The cloud ends with it.
    _cloud: LocalCloud,
}

impl Hub {
    /// Starts everything and waits until the first sweep has found all servers.
    pub(crate) async fn start(plan: Plan) -> Self {
        let clock = Clock::starting(Timestamp::now(), plan.speed);
        let cloud = LocalCloud::start(clock, Faults::seeded(7, Vec::new())).await.unwrap();
        let slack = Slack::open().await;
        let stop = CancellationToken::new();
        let (workspace, api) = Workspace::open(stop.clone()).await.unwrap();
        let mut fleet = Fleet::build(&cloud, estate(&plan), slack.url()).await.unwrap();
        fleet.admit_slack_bot(format!("{api}/api"), &workspace).await.unwrap();
        fleet.register().await.unwrap();
        let editor = PolicyEditor::new(fleet.operator.clone(), WriteToken::for_command_of_a_person());
        editor.set::<RoutesRow>(plan.routes, "a test".to_owned(), None).await.unwrap();
        editor.set::<PolicyRow>(plan.policy, "a test".to_owned(), None).await.unwrap();
        for spoke in &SPOKES[plan.registered..plan.spokes] {
            let editor = RegistryEditor::new(fleet.operator.clone(), WriteToken::for_command_of_a_person());
            editor.remove(&spoke.0.parse().unwrap()).await.unwrap();
        }
        let (account, _, region) = SPOKES[0];
        cloud.world().drs.set_quota((account, region), Quota::Replicating.code(), plan.quota).unwrap();
        cloud.world().faults.set(plan.faults);
        let workers = fleet.start_workers(&stop).unwrap();
        let hub = Self { fleet, slack, workspace, registered: plan.registered, stop, workers, _cloud: cloud };
        hub.swept(plan.servers).await;
        hub
    }

    async fn swept(&self, servers: usize) {
        for spoke in 0..self.registered {
            until("the first sweep", async || {
                let row = self.row::<PlaceRow>(&keys::place(&self.place(spoke))).await?;
                row.counted.filter(|counted| counted.servers as usize == servers)
            })
            .await;
        }
    }

    pub(crate) fn world(&self) -> &std::sync::Arc<World> {
        &self.fleet.world
    }

    /// Account and Region of a spoke.
    pub(crate) fn site(&self, spoke: usize) -> (&str, &str) {
        let plan = &self.fleet.estate.spokes[spoke].plan;
        (&plan.account, &plan.region)
    }

    pub(crate) fn place(&self, spoke: usize) -> Place {
        let (account, region) = self.site(spoke);
        Place { account: account.parse().unwrap(), region: region.parse().unwrap() }
    }

    pub(crate) fn servers(&self, spoke: usize) -> &[String] {
        &self.fleet.estate.spokes[spoke].servers
    }

    /// A row, seen as the operator sees it; injected faults are waited out.
    pub(crate) async fn row<R: Row>(&self, key: &Key) -> Option<R> {
        let keys = [key.clone()];
        let found = until("the table", async || self.fleet.operator.read::<R>(&keys).await.ok()).await;
        found.into_iter().next().flatten().map(|stored| stored.row)
    }

    /// The rows of a range.
    pub(crate) async fn rows<R: Row>(&self, range: &Range) -> Vec<R> {
        let found = until("the table", async || self.fleet.operator.query::<R>(range).await.ok()).await;
        found.into_iter().map(|stored| stored.row).collect()
    }

    pub(crate) async fn incidents(&self, spoke: usize) -> Vec<IncidentRow> {
        self.rows(&keys::incidents(&self.place(spoke))).await
    }

    /// Whether its channels have all that is to be told of an incident.
    pub(crate) async fn is_told(&self, row: &IncidentRow) -> bool {
        for Taken { group, .. } in &row.groups {
            let member = self.row::<MemberRow>(&keys::member(group, &row.latest.incident)).await;
            let told = self.row::<GroupRow>(&keys::group(group)).await;
            let Some(told) = told else { return false };
            // A look that goes on may have found nothing yet; what it marks is told when its bulletin is out.
            let is_out = told.round.as_ref().is_none_or(|round| round.outgoing.is_none());
            // What is over may be forgotten there; what is open may not have joined yet.
            let is_told = member.map_or(!row.is_open(), |member| {
                let number = member.told.map_or(0, |marked| marked.number);
                member.event == row.latest && member.news().is_none() && number <= told.number
            });
            if !is_out || !is_told {
                return false;
            }
        }
        // A group that is over says no more what it told last, whether or not it was sent.
        let day = day_of(row.latest.at);
        let deliveries = [
            self.rows(&keys::deliveries(day)).await,
            self.rows(&keys::deliveries(day.tomorrow().unwrap())).await,
        ];
        let is_ours = |sent: &&DeliveryRow| row.groups.iter().any(|taken| taken.group == sent.group);
        let is_sent = deliveries.iter().flatten().filter(is_ours).all(|sent| sent.sent_at.is_some());
        is_sent && !row.groups.is_empty()
    }

    /// Subjects of the mails so far, without SNS's own.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mails = self.world().sns.mails();
        mails.into_iter().map(|mail| mail.subject).filter(|s| !s.starts_with("AWS Notification")).collect()
    }

    /// Puts an event on a spoke's default bus, as an AWS service does.
    pub(crate) fn emit(&self, spoke: usize, event: &ServiceEvent) {
        let (account, region) = self.site(spoke);
        self.world().events.emit(self.world(), account, region, event);
    }

    /// Keys of the spokes' administrators, for programs that call the cloud themselves.
    pub(crate) fn administrators(&self) -> Value {
        let keys = |spoke: usize| {
            let (account, region) = self.site(spoke);
            let keys = self.world().iam.add_account(account, Some(ORGANIZATION));
            json!({
                "account": account, "region": region,
                "id": keys.access_key_id, "secret": keys.secret_access_key,
            })
        };
        (0..self.fleet.estate.spokes.len()).map(keys).collect()
    }

    /// Calls a service as the administrator of `account`.
    pub(crate) async fn call(
        &self,
        at: (&str, &str),
        to: (&str, &str),
        body: &Value,
    ) -> Result<Reply, Refusal> {
        let call = Call::by_operator(at, to, body);
        self.world().perform(&call).await
    }

    /// Puts a message straight on a queue of the hub.
    pub(crate) fn enqueue(&self, queue: &str, body: &str) {
        let principal = Principal::Operator { account: ACCOUNT.to_owned() };
        self.world().sqs.deliver(self.world(), &principal, &arn(queue), body, &BTreeMap::new()).unwrap();
    }

    /// Has the capacity-tracker sweep a spoke, as after an event.
    pub(crate) async fn sweep(&self, spoke: usize) {
        self.sweep_place(&self.place(spoke)).await;
    }

    pub(crate) async fn sweep_place(&self, place: &Place) {
        let io = self.fleet.worker_io(CapacityTracker::NAME).unwrap();
        sweeps::ask(&io, std::slice::from_ref(place)).await.unwrap();
    }

    /// Sets the fleet's rules of tags.
    pub(crate) async fn set_tag_policy(&self, policy: TagPolicy) {
        let editor = PolicyEditor::new(self.fleet.operator.clone(), WriteToken::for_command_of_a_person());
        editor.set::<TagPolicyRow>(policy, "a test".to_owned(), None).await.unwrap();
    }

    /// Has the job-monitor sweep a spoke, as after an event.
    pub(crate) async fn sweep_jobs(&self, spoke: usize) {
        let io = self.fleet.worker_io(JobMonitor::NAME).unwrap();
        sweeps::ask(&io, &[self.place(spoke)]).await.unwrap();
    }

    /// Has the tag-sync sweep a spoke.
    pub(crate) async fn sweep_tags(&self, spoke: usize) {
        let io = self.fleet.worker_io(TagSync::NAME).unwrap();
        sweeps::ask(&io, &[self.place(spoke)]).await.unwrap();
    }

    /// Registers an account anew, with other Regions.
    pub(crate) async fn register_again(&self, row: AccountRow) {
        let editor = RegistryEditor::new(self.fleet.operator.clone(), WriteToken::for_command_of_a_person());
        let id = row.id.clone();
        editor.remove(&id).await.unwrap();
        editor.add(row).await.unwrap();
        editor.validate(&id).await.unwrap();
    }

    /// The row of a spoke's account and Region.
    pub(crate) async fn place_row(&self, spoke: usize) -> PlaceRow {
        until("the place's row", async || self.row(&keys::place(&self.place(spoke))).await).await
    }

    /// What lies on a queue of the hub.
    pub(crate) fn queued(&self, queue: &str) -> Vec<Peeked> {
        self.world().sqs.peek(&arn(queue))
    }

    /// Has a schedule of the hub fire now.
    pub(crate) fn fire(&self, schedule: &str) {
        self.world().scheduler.fire(self.world(), ACCOUNT, REGION, schedule).unwrap();
    }

    /// Stops the workers as SIGTERM does and waits for their end.
    pub(crate) async fn stop(&mut self, longest: Duration) {
        self.stop.cancel();
        let ended = tokio::time::timeout(longest, &mut self.workers).await;
        ended.expect("the workers go on after they were stopped").unwrap().unwrap();
    }

    /// Starts the four workers again, as a new deployment does.
    pub(crate) fn restart(&mut self) {
        self.stop = CancellationToken::new();
        self.workers = self.fleet.start_workers(&self.stop).unwrap();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.cancel();
        self.workers.abort();
    }
}

/// ARN of a queue of the hub.
fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

fn estate(plan: &Plan) -> EstatePlan {
    let spoke = |(account, name, region): &(&str, &str, &str)| SpokePlan {
        account: (*account).to_owned(),
        name: (*name).to_owned(),
        region: (*region).to_owned(),
        servers: plan.servers,
    };
    EstatePlan {
        organization: ORGANIZATION.to_owned(),
        hub: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        alert_email: "oncall@example.com".to_owned(),
        spokes: SPOKES.iter().take(plan.spokes).map(spoke).collect(),
        seed: 1,
    }
}
