use proptest::prelude::*;

use super::*;
use crate::notify::hours::{Days, Hours};

const SERVERS: u8 = 4;

/// How much happens.
const MOVES: usize = 40;

/// After so many seconds everybody has been told: a day, and an hour.
const LONGEST: i64 = 25 * 3600;

#[derive(Clone, Debug)]
enum Move {
    Opens(u8),
    Worsens(u8),
    Ends(u8),
    Mute(u8),
    Unmute(u8),
    Acknowledges(usize),
    Passes(u16),
    Dies(Dies),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let server = || 1..=SERVERS;
    let dies = prop_oneof![(0..4_usize).prop_map(Dies::Marking), Just(Dies::Kept)];
    let each = prop_oneof![
        3 => server().prop_map(Move::Opens),
        1 => server().prop_map(Move::Worsens),
        3 => server().prop_map(Move::Ends),
        1 => server().prop_map(Move::Mute),
        1 => server().prop_map(Move::Unmute),
        2 => (0..4_usize).prop_map(Move::Acknowledges),
        3 => (1..900_u16).prop_map(Move::Passes),
        2 => dies.prop_map(Move::Dies),
    ];
    prop::collection::vec(each, 1..MOVES)
}

/// When whoever is told wants to be told.
fn hours() -> impl Strategy<Value = Hours> {
    let (clock, zone) = (|text: &str| text.to_owned().try_into().unwrap(), jiff::tz::TimeZone::UTC);
    let excepts = prop::sample::select(vec![None, Some(Severity::High), Some(Severity::Critical)]);
    // Longer than dying in each move takes.
    let (from, to, of) = (clock("00:10"), clock("01:10"), zone.clone());
    let quiet = excepts.prop_map(move |except| Hours::Quiet { from, to, zone: of.clone(), except });
    let digest = Hours::Digest { at: clock("01:00"), zone, days: Days::Daily };
    prop_oneof![2 => Just(Hours::Any), 1 => quiet, 1 => Just(digest)]
}

/// What is true of each server, and what happens to it.
#[derive(Default)]
struct World {
    open: BTreeMap<u8, Happened>,
    sequence: u32,
}

impl World {
    fn event(&mut self, server: u8, happened: Happened, now: i64) -> Option<IncidentEvent> {
        let was = self.open.get(&server).copied().filter(|was| *was != Happened::Resolved);
        let goes = match happened {
            Happened::Opened | Happened::Reopened => was.is_none(),
            Happened::Escalated => was == Some(Happened::Opened),
            Happened::Resolved => was.is_some(),
        };
        self.sequence += 1;
        goes.then(|| {
            self.open.insert(server, happened);
            event(server, happened, self.sequence, now)
        })
    }
}

fn play(moves: &[Move], hours: Hours) -> (Stage, World) {
    let mut stage = Stage { hours, ..Stage::default() };
    let (mut world, mut now) = (World::default(), 0_i64);
    for each in moves {
        now += 1;
        stage.passes(at(now));
        let happens = match each {
            Move::Opens(server) => world.event(*server, Happened::Opened, now),
            Move::Worsens(server) => world.event(*server, Happened::Escalated, now),
            Move::Ends(server) => world.event(*server, Happened::Resolved, now),
            Move::Mute(server) => {
                stage.muted.insert(event(*server, Happened::Opened, 1, 0).incident);
                None
            }
            Move::Unmute(server) => {
                stage.muted.remove(&event(*server, Happened::Opened, 1, 0).incident);
                None
            }
            Move::Acknowledges(open) => {
                stage.is_acknowledged(*open, at(now));
                None
            }
            Move::Passes(seconds) => {
                now += i64::from(*seconds);
                stage.passes(at(now));
                None
            }
            Move::Dies(dies) => {
                if let Some(due) = stage.due() {
                    now = now.max(due.as_second());
                    stage.look(at(now), *dies);
                }
                None
            }
        };
        if let Some(event) = happens {
            stage.happens(&event, at(now));
        }
    }
    stage.acknowledged = usize::MAX;
    stage.passes(at(now + LONGEST));
    (stage, world)
}

/// What people know when they have read all bulletins, which name everything here; nobody may be told the same twice, nor
/// the end of what nobody was told, unless it came and went while they wanted quiet.
fn known(stage: &Stage) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for digest in stage.digests.iter().filter(|digest| digest.why == crate::notify::Why::Changed) {
        for event in &digest.first {
            let subject = event.subject.clone();
            match event.happened {
                Happened::Resolved => {
                    let was_told = open.remove(&subject);
                    assert!(was_told || stage.hours != Hours::Any, "the end of what nobody was told");
                }
                Happened::Escalated => drop(open.insert(subject)),
                Happened::Opened | Happened::Reopened => assert!(open.insert(subject), "told twice"),
            }
        }
        assert_eq!(usize::try_from(digest.counts.open).unwrap(), open.len());
    }
    open
}

proptest! {
    #[test]
    fn in_the_end_people_know_what_is_open_and_not_muted_whoever_died_meanwhile(moves in moves(), hours in hours()) {
        let (stage, world) = play(&moves, hours);
        let subject = |server: &u8| event(*server, Happened::Opened, 1, 0).subject;
        let is_muted = |server: &u8| stage.muted.contains(&event(*server, Happened::Opened, 1, 0).incident);
        let open: BTreeSet<u8> =
            world.open.iter().filter(|(_, last)| **last != Happened::Resolved).map(|(server, _)| *server).collect();
        let known = known(&stage);
        for server in 1..=SERVERS {
            let knows = known.contains(&subject(&server));
            // What is muted may have been told before it was.
            prop_assert!(knows == open.contains(&server) || (is_muted(&server) && !knows), "server {server}");
        }
        let numbers: Vec<&str> = stage.digests.iter().map(|digest| digest.key.as_str()).collect();
        prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "each has a key of its own");
        // Whoever goes on for one that died does so a minute later.
        let deaths = moves.iter().filter(|each| matches!(each, Move::Dies(_))).count();
        let deaths = 0..=u64::try_from(deaths).unwrap();
        for digest in &stage.digests {
            let wanted_at = |deaths| stage.hours.tells_at(digest.at - Duration::from_mins(deaths), Severity::Critical);
            let is_wanted = deaths.clone().any(|deaths| wanted_at(deaths) <= digest.at);
            prop_assert!(is_wanted, "told at {}, and wants quiet until {}", digest.at, wanted_at(0));
            let is_quiet = |event: &&IncidentEvent| {
                let is_quiet = |deaths| stage.hours.is_quiet(digest.at - Duration::from_mins(deaths), event.severity);
                event.happened != Happened::Resolved && deaths.clone().all(is_quiet)
            };
            prop_assert_eq!(digest.first.iter().find(is_quiet).filter(|_| digest.why == crate::notify::Why::Changed), None);
        }
    }
}
