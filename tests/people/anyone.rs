//! Whatever the routes are, whatever happens and whoever dies, every channel ends up knowing what its routes take of what is
//! open and neither muted nor expected in a drill's window, and nothing else.

mod takes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::{Fault, QUEUE_VISIBILITY};
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::{MuteRow, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_testkit::company::{place, window};
use drs_fleet_testkit::post::Post;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use self::takes::{ALL, Takes, channels, severity, takers, takes, written};
use super::drill::editor;
use super::stage::{RESTART, Stage, stall};

const ACCOUNTS: u64 = 2;
const SERVERS: u64 = 2;

/// Until nothing that was begun is unfinished, no group waits for its interval, and all is escalated.
const QUIET: Duration = Duration::from_mins(30);

/// Which server.
type Server = (u64, u64);

#[derive(Clone, Debug)]
enum Move {
    Opens(Server, Severity),
    Worsens(Server),
    Ends(Server),
    Back(Server),
    /// A person mutes an account, or ends that.
    Mute(u64),
    /// A person opens a drill's window for an account, or closes it.
    Drill(u64),
    Passes(u64),
}

/// What is true of a server.
#[derive(Clone, Debug)]
struct Truth {
    last: IncidentEvent,
    /// Who takes it, or did since it was first open.
    took: BTreeSet<String>,
    /// Who of these may know of it, since nothing held it back.
    takers: BTreeSet<String>,
}

#[derive(Default)]
struct Truths {
    now: BTreeMap<Server, Truth>,
    muted: BTreeMap<u64, MuteRow>,
    drills: BTreeMap<u64, WindowRow>,
    /// How often a channel had something to tell of a server.
    news: BTreeMap<(String, Server), usize>,
    /// For so long a message may lie with those who die of it.
    late: Duration,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let server = || (1..=ACCOUNTS, 1..=SERVERS);
    let each = prop_oneof![
        4 => (server(), severity()).prop_map(|(server, severity)| Move::Opens(server, severity)),
        2 => server().prop_map(Move::Worsens),
        3 => server().prop_map(Move::Ends),
        2 => server().prop_map(Move::Back),
        1 => (1..=ACCOUNTS).prop_map(Move::Mute),
        1 => (1..=ACCOUNTS).prop_map(Move::Drill),
        4 => prop_oneof![1..40_u64, 200..700_u64].prop_map(Move::Passes),
    ];
    prop::collection::vec(each, 1..30)
}

fn deaths() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    let fault = prop::sample::select(vec![Fault::Before, Fault::After]);
    prop::collection::vec((10..200_usize, fault), 0..3)
}

impl Truths {
    /// What a move does to a server, if it can.
    fn next(&self, each: &Move, stage: &Stage) -> Option<(Server, IncidentEvent)> {
        let now = stage.world.now();
        let event = |(account, server): Server, severity, what| {
            let subject = usize::try_from(account * 100 + server).unwrap();
            stall(&place(account), subject, severity, what, now)
        };
        let known = |server: &Server| self.now.get(server).map(|truth| &truth.last);
        let open = |server: &Server| known(server).filter(|last| last.happened != Happened::Resolved);
        let follows = |server: Server, last: &IncidentEvent, severity, happened| {
            let what = (happened, last.sequence + 1);
            (server, IncidentEvent { opened_at: last.opened_at, ..event(server, severity, what) })
        };
        match each {
            Move::Opens(server, severity) if open(server).is_none() => {
                let opened = event(*server, *severity, (Happened::Opened, 1));
                Some((*server, IncidentEvent { opened_at: now, ..opened }))
            }
            Move::Worsens(server) => {
                let last = open(server).filter(|last| last.severity < Severity::Critical)?;
                Some(follows(*server, last, Severity::Critical, Happened::Escalated))
            }
            Move::Ends(server) => {
                open(server).map(|last| follows(*server, last, last.severity, Happened::Resolved))
            }
            Move::Back(server) => {
                let last = known(server).filter(|last| last.happened == Happened::Resolved)?;
                Some(follows(*server, last, last.severity, Happened::Reopened))
            }
            _ => None,
        }
    }

    fn learn(&mut self, server: Server, event: &IncidentEvent, takers: BTreeSet<String>) {
        let is_news = event.happened != Happened::Resolved;
        let known = self.now.remove(&server).map(|truth| (truth.took, truth.takers));
        let (mut took, known) = known.unwrap_or_default();
        took.extend(takers);
        for taker in took.iter().filter(|_| is_news) {
            *self.news.entry((taker.clone(), server)).or_default() += 1;
        }
        let takers = if self.is_held(server.0) { known } else { took.clone() };
        self.now.insert(server, Truth { last: event.clone(), took, takers });
    }

    fn is_held(&self, account: u64) -> bool {
        self.muted.contains_key(&account) || self.drills.contains_key(&account)
    }

    /// Where nothing holds an account back any more, what is open in it may be told, as far as anybody knows: whoever took the
    /// message of its end may have died of it.
    fn is_let_go(&mut self, account: u64, now: Timestamp) {
        if self.is_held(account) {
            return;
        }
        let here = self.now.iter_mut().filter(|((of, _), _)| *of == account).map(|(_, truth)| truth);
        let known_to_be_over_by = now - self.late;
        let is_open = |last: &IncidentEvent| last.happened != Happened::Resolved;
        for truth in here.filter(|truth| is_open(&truth.last) || truth.last.at > known_to_be_over_by) {
            truth.takers.clone_from(&truth.took);
        }
    }
}

/// The account and number of a server, by its name.
fn server_of(name: &str) -> Server {
    let number: u64 = name.trim_start_matches("s-").parse().unwrap();
    (number / 100, number % 100)
}

/// What each channel was told, in that order.
fn told(stage: &Stage) -> BTreeMap<String, Vec<Post>> {
    let mut told = BTreeMap::<_, Vec<_>>::new();
    for notice in stage.world.notices() {
        let Notice::Topic { arn, .. } = &notice else { continue };
        let name = arn.as_deref().and_then(|arn| arn.rsplit_once("drs-fleet-")).map_or(ALL, |(_, name)| name);
        told.entry(name.to_owned()).or_default().push(Post::mail(&notice).unwrap());
    }
    told
}

async fn play(
    stage: &Stage,
    (routes, person): (&[Takes], Severity),
    moves: &[Move],
    late: Duration,
) -> Truths {
    let mut truths = Truths { late, ..Truths::default() };
    for (n, each) in moves.iter().enumerate() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match each {
            Move::Passes(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
            Move::Mute(account) => {
                let now = stage.world.now();
                let ended = truths.muted.remove(account).map(|mute| MuteRow { ended_at: Some(now), ..mute });
                let row = ended.clone().unwrap_or_else(|| mute(n, *account, now));
                stage.world.set_row(&row);
                if ended.is_none() {
                    truths.muted.insert(*account, row);
                }
                truths.is_let_go(*account, stage.world.now());
            }
            Move::Drill(account) => {
                if let Some(row) = truths.drills.remove(account) {
                    editor(stage).end::<WindowRow>(&row.id, "kim").await.unwrap();
                } else {
                    let row =
                        WindowRow { id: format!("w{n}"), ..window(&place(*account), stage.world.now()) };
                    editor(stage).open(&row).await.unwrap();
                    truths.drills.insert(*account, row);
                }
                truths.is_let_go(*account, stage.world.now());
            }
            each => {
                if let Some((server, event)) = truths.next(each, stage) {
                    truths.learn(server, &event, takers(routes, person, server.0, event.severity));
                    stage.happens(n, event);
                }
            }
        }
    }
    tokio::time::sleep(QUIET).await;
    truths
}

fn mute(n: usize, account: u64, from: Timestamp) -> MuteRow {
    MuteRow {
        id: format!("m{n}"),
        matchers: serde_json::from_value(json!({ "account": place(account).account })).unwrap(),
        from,
        until: from + Duration::from_hours(90 * 24),
        reason: "moving".into(),
        author: "anna".into(),
        ended_at: None,
        ended_by: None,
    }
}

/// Holds what one channel was told against what is true.
fn check(channel: &str, posts: &[Post], truths: &Truths, takers_now: impl Fn(Server) -> bool, deaths: usize) {
    let (mut known, mut news) = (BTreeMap::new(), BTreeMap::<Server, usize>::new());
    for post in posts.iter().filter(|post| !post.is_of_drill()) {
        for named in post.named() {
            let server = server_of(&named.subject);
            let may = truths.now.get(&server).is_some_and(|truth| truth.takers.contains(channel));
            assert!(may, "{channel} was told of {server:?}, which it does not take");
            known.insert(server, !named.is_over);
            *news.entry(server).or_default() += usize::from(!named.is_over && !post.is_repeated());
        }
    }
    for (server, truth) in &truths.now {
        let (is_open, believed) =
            (truth.last.happened != Happened::Resolved, known.get(server).copied().unwrap_or(false));
        assert!(is_open || !believed, "{channel} believes that {server:?} is open");
        let must = is_open && takers_now(*server) && !truths.is_held(server.0);
        assert!(believed || !must, "{channel} knows nothing of {server:?}");
        let most = truths.news.get(&(channel.to_owned(), *server)).copied().unwrap_or(0) + deaths;
        let often = news.get(server).copied().unwrap_or(0);
        assert!(often <= most, "{channel} was told of {server:?} {often} times, of {most} at most");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_routes_are_each_channel_knows_of_what_they_take_and_of_nothing_else(
        routes in prop::collection::vec(takes(), 0..4),
        person in severity(),
        moves in moves(),
        deaths in [deaths(), deaths()],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let died: usize = deaths.iter().map(Vec::len).sum();
        let late = (QUEUE_VISIBILITY + RESTART) * u32::try_from(died).unwrap();
        let (truths, told) = runtime.block_on(async {
            let stage = Stage::new();
            let set_at = stage.world.now();
            let policy = written(&routes, person);
            stage.world.set_row(&RoutesRow { policy, set_by: "kim".into(), set_at });
            for deaths in deaths {
                stage.notifier_that_dies(deaths);
            }
            let truths = play(&stage, (&routes, person), &moves, late).await;
            (truths, told(&stage))
        });
        for channel in channels(&routes) {
            let takes = |server: Server| {
                let severity = truths.now[&server].last.severity;
                takers(&routes, person, server.0, severity).contains(&channel)
            };
            check(&channel, told.get(&channel).map_or(&[][..], Vec::as_slice), &truths, takes, died);
        }
    }
}
