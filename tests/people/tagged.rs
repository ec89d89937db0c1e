//! A drill window that a tag opens: from the tags in AWS to what people read.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::seen::ServerSeen;
use drs_fleet_testkit::company::{begun, drill, ended, place, register, seen};
use job_monitor::JobMonitor;

use super::stage::Stage;

/// Servers of the place that have the tag, and the servers of its job; another has none.
const TAGGED: u32 = 3;

struct Company {
    stage: Stage,
    tag: String,
}

impl Company {
    /// All workers, a place whose servers replicate, and a drill that begins in an hour and takes two.
    fn new() -> Self {
        let stage = Stage::new();
        let from = stage.world.now() + Duration::from_hours(1);
        register(&stage.world, &place(1));
        stage.all_work();
        Self { tag: format!("spring drill {from:.0}/2h"), stage }
    }

    /// DRS shows the place's servers so: which have the tag, and which stall.
    fn shows(&self, is_tagged: impl Fn(u32) -> bool, stalls: impl Fn(u32) -> bool) {
        let job = drill(1, self.stage.world.now(), TAGGED, ("STARTED", "PENDING"));
        let ids = job.servers.into_iter().map(|server| server.server);
        let other = "s-99999999999999999".parse().unwrap();
        let seen = |(n, id)| {
            let tags = is_tagged(n).then(|| (DRILL_TAG.to_owned(), self.tag.clone()));
            ServerSeen { tags: tags.into_iter().collect(), ..seen(&place(1), &id, stalls(n)) }
        };
        self.stage.world.set_servers(&place(1), (0..).zip(ids.chain([other])).map(seen).collect());
    }

    async fn minutes(&self, minutes: u32) {
        self.stage.minutes(minutes, &[place(1)]).await;
    }

    /// CloudTrail tells of the drill's job.
    fn job_starts(&self) {
        let job = drill(1, self.stage.world.now(), TAGGED, ("STARTED", "PENDING"));
        let event = begun(&place(1), &job);
        self.stage.world.set_jobs(&place(1), vec![job]);
        self.stage.world.clone().on_queue(JobMonitor::NAME).put_message(event.to_string());
    }

    fn job_ends(&self) {
        let now = self.stage.world.now();
        let began = now.checked_sub(Duration::from_mins(20)).unwrap();
        let job = ended(&drill(1, began, TAGGED, ("STARTED", "PENDING")), now);
        self.stage.world.set_jobs(&place(1), vec![job]);
    }

    async fn windows(&self) -> Vec<WindowRow> {
        let rows = self.stage.world.query::<WindowRow>(&keys::windows()).await.unwrap();
        rows.into_iter().map(|stored| stored.row).collect()
    }

    fn pages(&self) -> Vec<String> {
        let told = self.stage.digests("mail").into_iter();
        told.flat_map(|(_, post)| post.named()).map(|named| format!("{named:?}")).collect()
    }

    fn lines(&self) -> Vec<String> {
        self.stage.drills("mail").into_iter().map(|(_, post)| post.headline).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_on_servers_opens_one_window_in_which_they_page_nobody_and_others_do() {
    let company = Company::new();
    let tagged = |n| n < TAGGED;
    company.shows(tagged, |_| false);
    company.minutes(50).await;
    let [window] = &company.windows().await[..] else { panic!("one window of one value") };
    assert_eq!((window.name.as_str(), window.author.as_str()), ("spring drill", "tag drs-fleet:drill"));
    assert_eq!(company.lines(), [""; 0], "it opens in ten minutes");
    company.minutes(15).await;
    assert_eq!(company.lines(), ["Drill started: spring drill"]);
    company.job_starts();
    company.shows(tagged, |n| n == 1);
    company.minutes(20).await;
    assert_eq!(company.pages(), [""; 0], "{:#?}", company.stage.world.notices());
    company.shows(tagged, |n| n == 1 || n == TAGGED);
    company.job_ends();
    company.minutes(20).await;
    assert_eq!(company.lines()[1..], ["Drill spring drill, wave 1: 3 of 3 servers launched"]);
    let pages = company.pages();
    assert!(!pages.is_empty() && pages.iter().all(|page| page.contains("s-999")), "the others': {pages:#?}");
    company.shows(tagged, |_| false);
    company.minutes(100).await;
    assert_eq!(company.lines()[2..], ["Drill ended: spring drill: 3 of 3 servers launched"]);
    assert_eq!(company.windows().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_of_a_few_servers_without_the_tag_is_of_no_window_and_a_drill_of_its_own() {
    let company = Company::new();
    company.shows(|n| n == 0, |_| false);
    company.minutes(65).await;
    company.job_starts();
    company.minutes(20).await;
    company.job_ends();
    company.minutes(30).await;
    let lines = company.lines();
    assert_eq!(lines[..2], ["Drill started: spring drill", "Drill started: jobs without a plan"]);
    assert!(lines[2].starts_with("Drill jobs without a plan, wave 1:"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_tag_of_the_account_opens_a_window_for_all_that_is_of_it() {
    let company = Company::new();
    let world = &company.stage.world;
    // As `accounts label` opens it.
    super::drill::editor(&company.stage).open(&WindowRow::of_tag(&company.tag).unwrap()).await.unwrap();
    let key = keys::account(&place(1).account);
    let mut account = world.read::<AccountRow>(&[key]).await.unwrap().pop().flatten().unwrap().row;
    account.tags.insert(DRILL_TAG.to_owned(), company.tag.clone());
    world.set_row(&account);
    company.shows(|_| false, |_| false);
    company.minutes(65).await;
    company.shows(|_| false, |n| n == 1);
    company.job_starts();
    company.minutes(20).await;
    assert_eq!(company.pages(), [""; 0]);
    assert_eq!(company.lines(), ["Drill started: spring drill"], "the job is of the window");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_a_tag_that_a_person_closed_stays_closed() {
    let company = Company::new();
    company.shows(|_| true, |_| false);
    company.minutes(65).await;
    let window = company.windows().await.remove(0);
    let editor = super::drill::editor(&company.stage);
    editor.end::<WindowRow>(&window.id, "kim").await.unwrap();
    company.shows(|_| true, |n| n == 1);
    company.minutes(15).await;
    assert_eq!(company.windows().await[0].closed_by.as_deref(), Some("kim"));
    assert!(!company.pages().is_empty(), "it is told as any other");
}
