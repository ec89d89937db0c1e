//! A person at the command line of a simulated company, for tests: against the local cloud, with the unmodified SDK and
//! the operator's role of `infra/hub.yaml`.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::{Io, Write};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::notify::delivery::{self, Answer, day_of};
use drs_fleet_domain::notify::{DeliveryRow, SampleEvent};
use drs_fleet_domain::place::{self, Context, Counted, Observation, PlaceRow};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::row::{Change, Outbox, Row, Stored};
use drs_fleet_domain::seen::Staging;
use drs_fleet_domain::server::{Inventory, Replication, ServerRow, States};
use drs_fleet_domain::stamp::Stamp;
use jiff::Timestamp;
use notifier::Notifier;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::family::{Arguments, Asked};
use crate::hub::Hub;
use crate::local::operator::Operator;
use crate::local::testing::{Company, company};

/// A company whose spokes are not registered, the operator's hub, and the family of commands that a person types.
pub(crate) struct Stage<A> {
    pub(crate) company: Company,
    pub(crate) hub: Hub,
    family: PhantomData<fn() -> A>,
}

#[derive(clap::Parser)]
struct Line<A: clap::Args> {
    #[command(flatten)]
    arguments: Arguments<A>,
}

impl<A: Asked> Stage<A> {
    pub(crate) async fn new() -> Self {
        let company = company().await;
        let hub = Hub::of_operator(&Operator::at(company.desk.address()).await.unwrap());
        Self { company, hub, family: PhantomData }
    }

    /// Lets the commands' clock run so many times as fast, so that what waits waits less.
    pub(crate) async fn hurry(&mut self, speed: f64) {
        let operator = Operator::at(self.company.desk.address()).await.unwrap();
        self.hub = Hub::of_operator(&Operator { speed, ..operator });
    }

    /// What a command prints, and after it the error that it ends with.
    pub(crate) async fn run(&self, line: &str) -> String {
        self.run_to_code(line).await.0
    }

    /// The same, and the code that the process ends with.
    pub(crate) async fn run_to_code(&self, line: &str) -> (String, u8) {
        self.run_words(line.split_whitespace(), None).await
    }

    pub(crate) async fn run_and_answer(&self, line: &str, answer: Option<bool>) -> String {
        self.run_words(line.split_whitespace(), answer).await.0
    }

    /// For words with blanks, and a person who answers.
    pub(crate) async fn run_words<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        answer: Option<bool>,
    ) -> (String, u8) {
        let asked = match Line::<A>::try_parse_from(std::iter::once("family").chain(words)) {
            Ok(line) => line.arguments.asked,
            Err(error) => return (error.to_string(), 2),
        };
        let mut printed = Vec::new();
        let ended = asked.perform(&self.hub, &mut printed, &move |_| Ok(answer)).await;
        let (code, error) = match ended {
            Ok(outcome) => (outcome.code(), String::new()),
            Err(error) => (1, format!("error: {error:#}\n")),
        };
        (timeless(&(String::from_utf8(printed).unwrap() + &error)), code)
    }

    /// Each line and what it prints.
    pub(crate) async fn session(&self, family: &str, lines: &[&str]) -> String {
        let mut transcript = String::new();
        for line in lines {
            transcript.extend(["$ drs-fleet ", family, " ", line, "\n", &self.run(line).await, "\n"]);
        }
        transcript
    }

    pub(crate) async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line).await).unwrap()
    }

    /// Stores a row as a worker would.
    pub(crate) async fn store<R: Row>(&self, row: &R) {
        let none = Outbox::new();
        let write = Write { row, expected: None, outbox_before: &none, outbox: &none, due: None };
        self.hub.io.commit(write).await.unwrap();
    }

    /// A notifier that gets this answer of every channel, until it is dropped.
    pub(crate) fn notifier(&self, answer: Answer) -> JoinSet<()> {
        let io = self.hub.io.clone();
        let queue = self.company.fleet.worker_io(Notifier::NAME).unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                for asked in samples(&queue).await {
                    let row = asked.delivery();
                    let new = |_: Option<&_>| Some(Change { row: row.clone(), tell: Vec::new() });
                    Store::default().change(&io, &row.key(), new).await.unwrap();
                }
                let days = [io.now() - Duration::from_hours(24), io.now()].map(day_of).map(keys::deliveries);
                let [yesterday, today] = days.each_ref().map(|day| io.query::<DeliveryRow>(day));
                let stored = [yesterday.await.unwrap(), today.await.unwrap()].concat();
                for Stored { row, .. } in stored {
                    let store = Store::default();
                    let claimed =
                        store.wake(&io, &row.key(), |row| delivery::claim(row, None, io.now())).await;
                    let claimed = claimed.unwrap();
                    if let Some(row) = claimed.row().filter(|_| claimed.changed()) {
                        let answered =
                            |known: Option<&_>| delivery::answered(known?, row.attempts, &answer, io.now());
                        store.change(&io, &row.key(), answered).await.unwrap();
                    }
                }
            }
        });
        running
    }

    /// An ACTIVE account, registered as the spoke of the company that it is, with these DRS Regions.
    pub(crate) async fn register(&self, id: &str, name: &str, regions: &[&str], target: Option<&str>) {
        let target = target.map(|target| target.parse().unwrap());
        self.store(&AccountRow { target, ..account(id, name, regions) }).await;
    }
}

/// The samples that people ask for, as the bus brought them to the queue.
async fn samples(queue: &SdkIo) -> Vec<SampleEvent> {
    let messages = queue.receive(10, Duration::ZERO).await.unwrap();
    queue.delete(&messages).await.unwrap();
    let asked = messages.iter().filter_map(|message| match Received::read(message).unwrap().event {
        Event::Sample(asked) => Some(*asked),
        _ => None,
    });
    asked.collect()
}

/// An ACTIVE account with these DRS Regions.
pub(crate) fn account(id: &str, name: &str, regions: &[&str]) -> AccountRow {
    let region = |name: &&str| AccountRegion { region: name.parse().unwrap(), drs: true, source: true };
    AccountRow {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        alias: None,
        role_arn: format!("arn:aws:iam::{id}:role/drs-fleet-spoke"),
        external_id_secret: format!("drs-fleet/external-id/{id}"),
        regions: regions.iter().map(region).collect(),
        target: None,
        ou: None,
        tags: BTreeMap::new(),
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
    }
}

pub(crate) fn place(account: &str, region: &str) -> Place {
    Place { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

/// A place after a sweep that found so many servers.
pub(crate) fn swept(place: &Place, replicating: u32, extended: u32, at: Timestamp) -> PlaceRow {
    let (servers, by_state, initialized) = (replicating + extended, BTreeMap::new(), true);
    let counted = Counted { swept_at: at, replicating, extended, servers, by_state, initialized };
    place::decide(place, &[Observation::Swept(counted)], None, &Context::new("Payments", at)).unwrap().row
}

/// What a sweep told of a server, to be told otherwise.
pub(crate) fn inventory(server: &mut ServerRow) -> &mut Inventory {
    Arc::make_mut(server.inventory.as_mut().unwrap())
}

/// A server as a sweep found it.
pub(crate) fn server(place: &Place, number: u32, name: &str, state: &str, at: Timestamp) -> ServerRow {
    let inventory = Inventory {
        seen_at: at,
        name: name.to_owned(),
        instance: None,
        staging: Staging::default(),
        marks: BTreeMap::new(),
        fingerprint: 0,
    };
    ServerRow {
        place: place.clone(),
        id: format!("s-{number:017}").parse().unwrap(),
        inventory: Some(Arc::new(inventory)),
        replication: Replication {
            state: state.to_owned(),
            error: None,
            since: at,
            before: States::default(),
            stamp: Stamp::swept(at),
        },
        health: None,
        snapshot_at: None,
        disconnect_called_at: None,
        resync_since: None,
        gone_since: None,
        unlisted_since: None,
        forget_at: None,
        look_at: None,
        incidents: BTreeMap::new(),
    }
}

/// So long before the test, and a bit more, so that ages stay the same while it runs; what lies between two such times is
/// exact.
pub(crate) fn before(time: Duration) -> Timestamp {
    thread_local! {
        // Each test has a thread of its own.
        static BEGAN: Timestamp = Timestamp::now();
    }
    BEGAN.with(|began| *began - time - Duration::from_secs(20))
}

/// Dates in a snapshot would be others each time; ages are not.
pub(crate) fn dateless(text: &str) -> String {
    let word = |word: &str| {
        let date = word.trim_end_matches([',', ')']);
        if date.parse::<Timestamp>().is_ok() { word.replacen(date, "DATE", 1) } else { word.to_owned() }
    };
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// A time in a snapshot would be another each time.
fn timeless(text: &str) -> String {
    const BEFORE: &str = "read at ";
    let mut parts = text.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_at(part.find('Z').map_or(0, |end| end + 1));
        text + BEFORE + "TIME" + rest
    })
}
