//! A hub on a local cloud of its own, with the workers as processes, and all that is seen of it from outside.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy::PolicyEditor;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::sweeps;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::notify::RoutesRow;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_local::call::{Call, Principal};
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::faults::{FaultRule, Faults};
use drs_fleet_local::iam::Iam;
use drs_fleet_local::sqs::Peeked;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Role;
use super::people::{self, People};
use super::told::Heard;
use crate::process::Process;
use crate::shipped;
use crate::stream::REGION;

const HUB: &str = "999900001111";
/// The queue that gets every own event, besides the notifier's.
const SINK: &str = "chaos-sink";

/// How a worker is started.
pub type Starts = fn(Role) -> anyhow::Result<Command>;

/// The hub.
pub(super) struct Hub {
    cloud: LocalCloud,
    fleet: Fleet,
    queue: String,
    starts: Starts,
}

/// Messages of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) visible: usize,
    pub(super) in_flight: usize,
    pub(super) delayed: usize,
}

impl Depth {
    pub(super) fn all(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

impl Hub {
    /// Builds it from the templates, registers `accounts` spokes without servers, and lets a queue of its own take what
    /// the workers tell. No schedule ticks: nothing but the events tells of a server.
    pub(super) async fn build(seed: u64, accounts: usize, starts: Starts) -> anyhow::Result<Self> {
        Self::with_servers(seed, (accounts, 0), starts).await
    }

    /// The same with so many servers in each account.
    pub(super) async fn with_servers(
        seed: u64,
        (accounts, servers): (usize, usize),
        starts: Starts,
    ) -> anyhow::Result<Self> {
        let cloud = LocalCloud::start(Clock::real(), Faults::seeded(seed, Vec::new())).await?;
        let fleet = Fleet::build(&cloud, plan(accounts, servers), "http://127.0.0.1:9/").await?;
        fleet.register().await?;
        let queue = fleet.estate.output("CapacityQueueArn").to_owned();
        let hub = Self { cloud, fleet, queue, starts };
        hub.listen().await?;
        Ok(hub)
    }

    /// Every own event that is put on the bus is a message of the sink.
    async fn listen(&self) -> anyhow::Result<()> {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage", "Resource": arn(SINK),
        }]});
        let attributes = json!({ "Policy": policy.to_string() });
        self.call(("sqs", "CreateQueue"), &json!({ "QueueName": SINK, "Attributes": attributes })).await?;
        let bus = self.fleet.estate.output("BusName");
        let pattern = json!({ "source": ["drs-fleet"] }).to_string();
        let rule = json!({ "Name": SINK, "EventBusName": bus, "EventPattern": pattern });
        self.call(("events", "PutRule"), &rule).await?;
        let targets =
            json!({ "Rule": SINK, "EventBusName": bus, "Targets": [{ "Id": SINK, "Arn": arn(SINK) }] });
        self.call(("events", "PutTargets"), &targets).await
    }

    /// People are told of each incident.
    pub(super) async fn tell(&self, people: &People) -> anyhow::Result<()> {
        let secret = json!({ "Name": people::SECRET, "SecretString": people.secret() });
        self.call(("secretsmanager", "CreateSecret"), &secret).await?;
        let editor = PolicyEditor::new(self.fleet.operator.clone(), WriteToken::for_command_of_a_person());
        editor.set::<RoutesRow>(People::routes()?, "chaos".to_owned(), None).await?;
        Ok(())
    }

    /// For how long a message that a worker received is hidden.
    pub(super) async fn set_visibility(&self, seconds: u64) -> anyhow::Result<()> {
        for role in [Role::CapacityTracker, Role::Notifier] {
            let url = &self.fleet.settings().workers[role.name()].queue_url;
            let attributes = json!({ "VisibilityTimeout": seconds.to_string() });
            let request = json!({ "QueueUrl": url, "Attributes": attributes });
            self.call(("sqs", "SetQueueAttributes"), &request).await?;
        }
        Ok(())
    }

    pub(super) fn set_faults(&self, rules: Vec<FaultRule>) {
        self.cloud.world().faults.set(rules);
    }

    pub(super) fn iam(&self) -> &Iam {
        &self.cloud.world().iam
    }

    /// The places of all spokes.
    pub(super) fn places(&self) -> Vec<Place> {
        self.fleet.places()
    }

    /// Sets the thresholds of all accounts.
    pub(super) async fn set_policy(&self, policy: Policy) -> anyhow::Result<()> {
        let editor = PolicyEditor::new(self.fleet.operator.clone(), WriteToken::for_command_of_a_person());
        editor.set::<PolicyRow>(policy, "chaos".to_owned(), None).await?;
        Ok(())
    }

    /// Asks the tracker to sweep all places, as a person does.
    pub(super) async fn sweep(&self) -> anyhow::Result<()> {
        let io = self.fleet.worker_io(Role::CapacityTracker.name())?;
        Ok(sweeps::ask(&io, &self.places()).await?)
    }

    /// When each place that was ever swept was swept last, in AWS's time.
    pub(super) async fn swept(&self) -> anyhow::Result<BTreeMap<Place, Timestamp>> {
        let keys: Vec<_> = self.places().iter().map(keys::place).collect();
        let rows = self.fleet.operator.read::<PlaceRow>(&keys).await?.into_iter().flatten();
        Ok(rows.filter_map(|stored| Some((stored.row.place.clone(), stored.row.swept_at()?))).collect())
    }

    /// A worker's process, under its own role.
    pub(super) fn worker(&self, role: Role) -> anyhow::Result<Process> {
        let of_iam = match role {
            Role::CapacityTracker => "CapacityTrackerRoleArn",
            Role::Notifier => "NotifierRoleArn",
        };
        let environment = shipped::environment(&self.fleet, (role.name(), of_iam), REGION)?;
        Process::start((self.starts)(role)?, environment)
    }

    /// Puts a message on the worker's queue.
    pub(super) fn put(&self, body: &str) -> anyhow::Result<()> {
        let world = self.cloud.world();
        let sent = world.sqs.deliver(world, &administrator(), &self.queue, body, &BTreeMap::new());
        sent.map_err(|refusal| anyhow::anyhow!("SQS takes no message: {}", refusal.message))
    }

    pub(super) fn depth(&self) -> Depth {
        self.depth_of(&self.queue)
    }

    /// Messages that the notifier has not settled; none where there is no notifier.
    pub(super) fn untold(&self, has_notifier: bool) -> usize {
        let depth = self.depth_of(self.fleet.estate.output("NotificationsQueueArn"));
        if has_notifier { depth.all() } else { 0 }
    }

    fn depth_of(&self, arn: &str) -> Depth {
        let (visible, in_flight, delayed) = self.cloud.world().sqs.depth(self.cloud.world(), arn);
        Depth { visible, in_flight, delayed }
    }

    /// How often a message came back from a worker that did not settle it.
    pub(super) fn returned(&self) -> u64 {
        self.cloud.world().sqs.returned(&self.queue)
    }

    /// What lies on the worker's queue.
    pub(super) fn queued(&self) -> Vec<Peeked> {
        self.cloud.world().sqs.peek(&self.queue)
    }

    /// Those of the worker's queue, and those of the notifier's, of which nothing is poison.
    pub(super) fn dead_letters(&self) -> Vec<Peeked> {
        let queues = [&*self.queue, self.fleet.estate.output("NotificationsQueueArn")];
        queues.iter().flat_map(|queue| self.cloud.world().sqs.peek(&format!("{queue}-dlq"))).collect()
    }

    /// What the workers told of incidents, one event for each time that it was delivered.
    pub(super) fn told(&self) -> anyhow::Result<Vec<Heard>> {
        let told = self.cloud.world().sqs.peek(&arn(SINK));
        let events: Vec<Value> =
            told.iter().map(|event| serde_json::from_str(&event.body)).collect::<Result<_, _>>()?;
        events.iter().filter(|event| event["detail"]["incident"].is_string()).map(Heard::on_bus).collect()
    }

    /// All items of the table, as their attributes say.
    pub(super) async fn items(&self) -> anyhow::Result<Vec<Value>> {
        let keys = self.cloud.world().iam.add_account(HUB, Some(ORGANIZATION));
        let table = &self.fleet.settings().table;
        super::table::scan(self.fleet.endpoint(), REGION, (keys.access_key_id, keys.secret_access_key), table)
            .await
    }

    async fn call(&self, to: (&str, &str), body: &Value) -> anyhow::Result<()> {
        let call = Call::by_operator((HUB, REGION), to, body);
        let done = self.cloud.world().perform(&call).await;
        done.map(drop).map_err(|refusal| anyhow::anyhow!("{}: {}", to.1, refusal.message))
    }

    /// Waits until the worker's queue is empty, and says what is left every few seconds.
    pub(super) async fn drained(&self, patience: Duration) -> anyhow::Result<()> {
        let (began, mut said) = (std::time::Instant::now(), Duration::ZERO);
        while self.depth().all() > 0 {
            anyhow::ensure!(began.elapsed() < patience, "the queue does not empty: {:?}", self.depth());
            if began.elapsed() > said + super::report::SAY_EVERY {
                said = began.elapsed();
                super::report::say(&format!("{} messages left", self.depth().all()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

const ORGANIZATION: &str = "o-a1b2c3d4e5";

fn administrator() -> Principal {
    Principal::Operator { account: HUB.to_owned() }
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{HUB}:{queue}")
}

fn plan(accounts: usize, servers: usize) -> EstatePlan {
    let spoke = |n: usize| SpokePlan {
        // As of the events, where there are as many accounts.
        account: format!("1111222233{n:02}"),
        name: format!("spoke-{n:02}"),
        region: REGION.to_owned(),
        servers,
    };
    EstatePlan {
        organization: ORGANIZATION.to_owned(),
        hub: HUB.to_owned(),
        region: REGION.to_owned(),
        alert_email: "oncall@example.com".to_owned(),
        spokes: (0..accounts).map(spoke).collect(),
        seed: 1,
    }
}
