//! R14 from what AWS tells to what people read: the job-monitor follows the jobs, the capacity-tracker sees servers stall.

use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::{Label, Matchers, WindowRow};
use drs_fleet_domain::seen::{JobSeen, ServerSeen};
use drs_fleet_testkit::company::{begun, drill, ended, place, register, seen, stalled, window};
use job_monitor::JobMonitor;

use super::super::stage::Stage;
use super::{OF_A_WAVE, STALLED, WAVES, assert_held, assert_told, close_window, editor};

/// Two waves in each account, which is well below what one may replicate.
const ACCOUNTS: u32 = 5;

/// A company in two Regions; of one all servers are drilled.
struct Company {
    stage: Stage,
    /// By wave, its job as DRS shows it.
    jobs: Vec<JobSeen>,
    /// Where nothing is drilled.
    elsewhere: Place,
}

/// Where a wave takes place.
fn site(wave: u32) -> Place {
    place(u64::from(wave % ACCOUNTS))
}

impl Company {
    fn new() -> Self {
        let stage = Stage::new();
        let elsewhere = Place { region: "eu-west-1".parse().unwrap(), ..place(77) };
        let now = stage.world.now();
        let jobs = (0..WAVES).map(|wave| drill(wave, now, OF_A_WAVE, ("STARTED", "PENDING"))).collect();
        let company = Self { stage, jobs, elsewhere };
        company.places().iter().for_each(|place| register(&company.stage.world, place));
        company.shows(None, false);
        company.stage.all_work();
        company
    }

    fn places(&self) -> Vec<Place> {
        (0..ACCOUNTS).map(site).chain([self.elsewhere.clone()]).collect()
    }

    /// DRS lists all servers; those of a wave stall that do so in it, and one elsewhere or none.
    fn shows(&self, wave: Option<u32>, is_failing: bool) {
        let world = &self.stage.world;
        for account in 0..ACCOUNTS {
            let of_account = (0..WAVES).filter(|wave| site(*wave) == site(account));
            let servers = of_account.flat_map(|n| self.servers(n, wave == Some(n))).collect();
            world.set_servers(&site(account), servers);
        }
        let other = drill(99, world.now(), 3, ("STARTED", "PENDING")).servers;
        let servers = (0..).zip(other).map(|(n, s)| seen(&self.elsewhere, &s.server, is_failing && n == 0));
        world.set_servers(&self.elsewhere, servers.collect());
    }

    fn servers(&self, wave: u32, stalls: bool) -> Vec<ServerSeen> {
        let servers = (0..).zip(&self.jobs[wave as usize].servers);
        servers.map(|(n, server)| seen(&site(wave), &server.server, stalls && n < STALLED)).collect()
    }

    /// Events of the servers of a wave that stall in it.
    fn tells(&self, wave: u32, stalls: bool) {
        let tracker = self.stage.world.clone().on_queue(CapacityTracker::NAME);
        for server in self.jobs[wave as usize].servers.iter().take(STALLED) {
            tracker.put_message(stalled(&site(wave), &server.server, stalls, tracker.now()).to_string());
        }
    }

    fn shows_jobs(&self, wave: u32) {
        let of_site = (0..=wave).filter(|other| site(*other) == site(wave));
        let jobs = of_site.map(|wave| self.jobs[wave as usize].clone()).collect();
        self.stage.world.set_jobs(&site(wave), jobs);
    }

    /// A wave of nine minutes, in which some servers stall as those do that are launched and stopped.
    async fn plays(&mut self, wave: u32) {
        let n = wave as usize;
        self.jobs[n].created = Some(self.stage.world.now());
        self.shows_jobs(wave);
        let call = begun(&site(wave), &self.jobs[n]).to_string();
        self.stage.world.clone().on_queue(JobMonitor::NAME).put_message(call);
        self.passes(1).await;
        self.shows(Some(wave), false);
        self.tells(wave, true);
        self.passes(7).await;
        self.jobs[n] = ended(&self.jobs[n], self.stage.world.now());
        if wave.is_multiple_of(3) {
            self.jobs[n].servers[7].launch_status = Some("FAILED".to_owned());
        }
        self.shows_jobs(wave);
        self.shows(None, false);
        self.tells(wave, false);
        self.passes(1).await;
    }

    async fn passes(&self, minutes: u32) {
        self.stage.minutes(minutes, &self.places()).await;
    }

    async fn opens_window(&self) {
        let matchers = Matchers::of([(Label::Region, place(1).region.to_string())]);
        let window = WindowRow { matchers, ..window(&place(1), self.stage.world.now()) };
        editor(&self.stage).open(&window).await.unwrap();
        self.passes(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_drill_of_a_thousand_servers_as_aws_tells_of_it_pages_nobody_and_a_failure_elsewhere_does() {
    let mut company = Company::new();
    company.passes(10).await;
    company.opens_window().await;
    for wave in 0..WAVES / 2 {
        company.plays(wave).await;
    }
    let failed_at = company.stage.seconds();
    company.shows(None, true);
    let [server, ..] = &drill(99, company.stage.world.now(), 1, ("", "")).servers[..] else { panic!() };
    let event = stalled(&company.elsewhere, &server.server, true, company.stage.world.now());
    company.stage.world.clone().on_queue(CapacityTracker::NAME).put_message(event.to_string());
    company.passes(3).await;
    company.shows(None, false);
    for wave in WAVES / 2..WAVES {
        company.plays(wave).await;
    }
    company.passes(10).await;
    close_window(&company.stage).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    for channel in ["mail", "slack"] {
        assert_told(&company.stage.drills(channel), Some("kim"));
        let pages = company.stage.digests(channel);
        assert!((failed_at..=failed_at + 35).contains(&pages[0].0), "failed after {failed_at} s: {pages:#?}");
        let account = &company.elsewhere.account;
        assert!(pages.iter().all(|(_, post)| post.facts["Account"].contains(account.as_str())), "{pages:#?}");
    }
    assert_held(&company.stage, WAVES as usize * STALLED + 4);
}
