//! The fleet that is swept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_local::drs::Settings;
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::faults::{Fault, FaultRule, Faults};
use drs_fleet_local::{Clock, LocalCloud};
use drs_fleet_testkit::process::Process;
use drs_fleet_testkit::shipped;
use jiff::Timestamp;

const REGION: &str = "eu-central-1";
/// Often enough for a time of seconds, and seldom enough to leave the processors to what is measured.
const LOOKS_APART: Duration = Duration::from_millis(250);
/// A sweep that takes longer than this will never end.
const PATIENCE: Duration = Duration::from_mins(5);

pub struct Company {
    cloud: LocalCloud,
    fleet: Fleet,
    /// Puts on the tracker's queue what it is to do.
    worker: SdkIo,
    places: Vec<Place>,
    tracker: Process,
}

impl Company {
    /// Builds hub and spokes from the templates, registers all, and starts one capacity-tracker.
    pub async fn found(accounts: usize, servers: usize) -> anyhow::Result<Self> {
        let clock = Clock::starting(Timestamp::now(), 1.0);
        let cloud = LocalCloud::start(clock, Faults::seeded(7, Vec::new())).await?;
        let fleet = Fleet::build(&cloud, plan(accounts, servers), "http://127.0.0.1:9/").await?;
        fleet.register().await?;
        let worker = fleet.worker_io(CapacityTracker::NAME)?;
        let name = CapacityTracker::NAME;
        shipped::build(name)?;
        let environment = shipped::environment(&fleet, (name, "CapacityTrackerRoleArn"), REGION)?;
        let tracker = Process::start(shipped::command(name)?, environment)?;
        let places = fleet.places();
        Ok(Self { cloud, fleet, worker, places, tracker })
    }

    /// From now on each call takes `call`, and DRS throttles.
    pub fn slow_down(&self, call: Duration, calls_per_second: f64) {
        let throttled =
            Settings { calls_per_second: Some(calls_per_second), restless: 0, ..Settings::default() };
        for place in &self.places {
            self.cloud.world().drs.configure(site(place), throttled.clone());
        }
        self.cloud.world().faults.set(vec![FaultRule::of(("", ""), 1.0, Fault::Delay(call))]);
    }

    /// The first account's role is gone, the second is throttled to one call in five seconds, and in the third no
    /// call of DRS is ever answered.
    pub fn trouble(&self) -> [Place; 3] {
        let world = self.cloud.world();
        let [denied, throttled, hanging] = [0, 1, 2].map(|n: usize| self.places[n].clone());
        world.iam.delete_role(&format!("arn:aws:iam::{}:role/drs-fleet-spoke", denied.account));
        let slow = Settings { calls_per_second: Some(0.2), restless: 0, ..Settings::default() };
        world.drs.configure(site(&throttled), slow);
        let hangs = FaultRule::of(("drs", ""), 1.0, Fault::Delay(PATIENCE));
        let takes_its_time = FaultRule::of(("", ""), 1.0, Fault::Delay(Duration::from_millis(50)));
        world.faults.set(vec![hangs.in_account(hanging.account.as_str()), takes_its_time]);
        [denied, throttled, hanging]
    }

    /// Sweeps all places; answers the seconds until all but `without` were swept.
    pub async fn sweep(&mut self, without: &[Place]) -> anyhow::Result<f64> {
        let is_awaited = |place: &&Place| !without.contains(place);
        let mut awaited: Vec<_> = self.places.iter().filter(is_awaited).cloned().collect();
        // AWS's time has whole seconds: a sweep in the second of the last one would seem to be that one.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (began, asked) = (Instant::now(), self.worker.now());
        sweeps::ask(&self.worker, &self.places).await?;
        loop {
            let is_new =
                |row: &PlaceRow| row.swept_at().is_some_and(|at| at.as_second() >= asked.as_second());
            let rows = self.rows(&awaited).await?;
            let swept: Vec<_> = rows.iter().filter(|row| is_new(row)).map(|row| &row.place).collect();
            awaited.retain(|place| !swept.contains(&place));
            if awaited.is_empty() {
                return Ok(began.elapsed().as_secs_f64());
            }
            self.tracker.still_runs()?;
            anyhow::ensure!(began.elapsed() < PATIENCE, "a sweep does not end");
            tokio::time::sleep(LOOKS_APART).await;
        }
    }

    /// MiB that the tracker had resident at most.
    pub fn most_memory(&self) -> anyhow::Result<f64> {
        Ok(self.tracker.memory()?.1)
    }

    async fn rows(&self, places: &[Place]) -> anyhow::Result<Vec<PlaceRow>> {
        let keys: Vec<_> = places.iter().map(keys::place).collect();
        let rows = self.fleet.operator.read::<PlaceRow>(&keys).await.context("the places' rows")?;
        Ok(rows.into_iter().flatten().map(|stored| stored.row).collect())
    }

    /// Open incidents of all places, by kind.
    pub async fn incidents(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let rows = self.rows(&self.places).await?;
        let mut open = BTreeMap::new();
        for (kind, _) in rows.iter().flat_map(|row| incident::open(&row.incidents)) {
            *open.entry(kind.to_string()).or_default() += 1;
        }
        Ok(open)
    }
}

fn site(place: &Place) -> (&str, &str) {
    (place.account.as_str(), place.region.as_str())
}

fn plan(accounts: usize, servers: usize) -> EstatePlan {
    let spoke = |n: usize| SpokePlan {
        account: format!("1111{n:08}"),
        name: format!("spoke-{n:03}"),
        region: REGION.to_owned(),
        servers,
    };
    EstatePlan {
        organization: "o-a1b2c3d4e5".to_owned(),
        hub: "999900001111".to_owned(),
        region: REGION.to_owned(),
        alert_email: "oncall@example.com".to_owned(),
        spokes: (0..accounts).map(spoke).collect(),
        seed: 1,
    }
}
