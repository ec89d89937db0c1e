//! From a seed to a history.

mod jobs;

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::verdict::Verdict;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::history::{Event, History, Outage, Step, Tells, Trouble, Weather, What};
use super::shown::{Ail, Shown};

/// Registered accounts.
pub const PLACES: u8 = 4;
/// Servers of each; with all of them a digest names each.
pub const SERVERS: u8 = 5;

/// One more, of which nothing is to be seen: it is heard when all others are still.
pub const SPEAKER: u8 = PLACES;

/// Where all workers work.
pub const HUB: u8 = SPEAKER + 1;

/// So many milliseconds after all is over the stragglers come: what is so late asks for no sweep.
const LATE: u64 = 400_000;

/// The table and the bus are away for so many seconds at most.
const OUTAGE: u64 = 600;
const BUS_OUTAGE: u64 = 180;

/// Messages are reordered within so many.
const WINDOW: usize = 100;

impl History {
    /// What a seed draws; about so many messages.
    pub fn drawn(seed: u64, events: usize) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let weather = Weather::drawn(&mut dice);
        // Where nobody speaks for long, all other workers would have nothing to do.
        let whole = dice.random_ratio(1, 5) && !weather.has(Trouble::Silence);
        let mut drawing = Drawing {
            weather: weather.clone(),
            whole,
            clock: 0,
            stalled: [[false; SERVERS as usize]; PLACES as usize],
            version: 0,
            began: BTreeMap::new(),
            late: Vec::new(),
            arrived: 0,
            dice,
        };
        let steps = drawing.steps(events);
        let outages = drawing.outages();
        Self { seed, weather, outages, whole, steps }
    }
}

impl Weather {
    fn drawn(dice: &mut StdRng) -> Self {
        let chances = [
            (Trouble::Faults, 2),
            (Trouble::Kills, 2),
            (Trouble::TableAway, 8),
            (Trouble::BusAway, 8),
            (Trouble::RoleRefused, 4),
            (Trouble::ClocksApart, 3),
            (Trouble::EventsLost, 4),
            (Trouble::TagsRefused, 6),
            (Trouble::ReadsLag, 2),
            (Trouble::Silence, 8),
            (Trouble::MailDeaf, 6),
        ];
        Self::of(
            chances
                .into_iter()
                .filter(|(_, one_in)| dice.random_ratio(1, *one_in))
                .map(|(trouble, _)| trouble),
        )
    }
}

struct Drawing {
    weather: Weather,
    whole: bool,
    /// Milliseconds since the world began.
    clock: u64,
    /// As the accounts know it themselves.
    stalled: [[bool; SERVERS as usize]; PLACES as usize],
    /// The newest version of tags.
    version: u64,
    /// When each job begins, in milliseconds since the world began.
    began: BTreeMap<(u8, u8), u64>,
    /// What comes when all is over.
    late: Vec<What>,
    /// When all but that has come, in milliseconds since the world began.
    arrived: u64,
    dice: StdRng,
}

impl Drawing {
    fn steps(&mut self, events: usize) -> Vec<Step> {
        let mut timed = Vec::with_capacity(events + events / 8);
        let mut number = 0;
        if self.has_jobs() {
            self.jobs(events, &mut timed);
        }
        while timed.len() < events {
            self.clock += self.dice.random_range(0..150);
            if self.dice.random_ratio(1, 150) {
                timed.push((self.clock, self.shows()));
                continue;
            }
            number += 1;
            let event = self.event(number);
            if self.weather.has(Trouble::EventsLost) && self.dice.random_ratio(1, 100) {
                continue;
            }
            if self.dice.random_ratio(1, 30) {
                self.late.push(What::Comes(event));
                continue;
            }
            timed.extend(self.arrivals().into_iter().map(|at| (at, What::Comes(event.clone()))));
        }
        let (mut messages, shown): (Vec<_>, Vec<_>) =
            timed.into_iter().partition(|(_, what)| matches!(what, What::Comes(_)));
        self.reorder(&mut messages);
        let mut timed: Vec<_> = shown.into_iter().chain(messages).collect();
        timed.sort_by_key(|(at, _)| *at);
        self.clock = timed.iter().map(|(at, _)| *at).max().unwrap_or(0).max(self.clock) + 1_000;
        timed.extend((0..PLACES).map(|place| (self.clock, self.shows_all(place))));
        self.arrived = self.clock;
        self.stragglers(&mut timed);
        let mut before = 0;
        let paused = timed.into_iter().map(|(at, what)| {
            let pause = Duration::from_millis(at.saturating_sub(before));
            before = before.max(at);
            Step { pause, what }
        });
        paused.collect()
    }

    /// Each begins while messages arrive.
    fn outages(&mut self) -> Vec<Outage> {
        let of_bus = [Verdict::Transient, Verdict::Throttled, Verdict::Denied];
        // That the hub's table refuses anything the SDK never says.
        let of_table = [Verdict::Transient, Verdict::Transient, Verdict::Throttled];
        [(Trouble::BusAway, BUS_OUTAGE, of_bus), (Trouble::TableAway, OUTAGE, of_table)]
            .into_iter()
            .map(|(of, longest, verdicts)| Outage {
                of,
                begins: Duration::from_millis(self.dice.random_range(0..self.arrived)),
                lasts: Duration::from_secs(self.dice.random_range(30..=longest)),
                verdict: verdicts[self.dice.random_range(0..verdicts.len())],
            })
            .collect()
    }

    /// A few come when all is over and was swept, some of them once more: spokes try for a day.
    fn stragglers(&mut self, timed: &mut Vec<(u64, What)>) {
        let events = timed.iter().map(|(_, what)| what).filter(|what| matches!(what, What::Comes(_)));
        let again: Vec<_> = events.filter(|_| self.dice.random_ratio(1, 60)).cloned().collect();
        for what in std::mem::take(&mut self.late).into_iter().chain(again) {
            self.clock += self.dice.random_range(0..1_000);
            timed.push((self.clock + LATE, what));
        }
    }

    /// When a message arrives; one in ten arrives twice, and then much later too.
    fn arrivals(&mut self) -> Vec<u64> {
        let mut arrivals = vec![self.clock];
        if self.dice.random_ratio(1, 10) {
            arrivals.push(self.clock + self.dice.random_range(0..60_000));
        }
        arrivals
    }

    /// What arrives close together arrives in any order.
    fn reorder(&mut self, timed: &mut [(u64, What)]) {
        timed.sort_by_key(|(at, _)| *at);
        for window in timed.chunks_mut(WINDOW) {
            let mut order: Vec<_> = window.iter().map(|(at, _)| *at).collect();
            window.shuffle(&mut self.dice);
            order.sort_unstable();
            window
                .iter_mut()
                .zip(order)
                .for_each(|((at, what), ordered)| *at = ordered.max(self.earliest(what)));
        }
    }

    fn event(&mut self, number: u32) -> Event {
        let (place, server) = (self.dice.random_range(0..PLACES), self.dice.random_range(0..SERVERS));
        let tells = match self.dice.random_range(0..200) {
            0..6 => Tells::Heartbeat,
            6..12 => Tells::Snapshot(server),
            12..15 => Tells::Disconnect(server),
            180..200 if self.has_jobs() => {
                self.version += 1;
                Tells::Tagged(server, self.version)
            }
            15 => Tells::Novelty,
            16 => Tells::Ahead(server),
            17 => Tells::Stranger,
            18 => Tells::Poison(self.dice.random_range(0..POISONS)),
            _ => {
                let stalled = &mut self.stalled[usize::from(place)][usize::from(server)];
                *stalled = !*stalled;
                Tells::Stalled(server, *stalled)
            }
        };
        Event { number, place, at: self.dated(), tells }
    }

    /// Now by the account's clock, to the second.
    fn dated(&mut self) -> i64 {
        let now = i64::try_from(self.clock / 1_000).unwrap_or(0);
        let late = self.dice.random_range(0..3);
        let apart =
            if self.weather.has(Trouble::ClocksApart) { self.dice.random_range(-600..=600) } else { 0 };
        now - late + apart
    }

    fn shows(&mut self) -> What {
        let place = self.dice.random_range(0..PLACES);
        self.shows_all(place)
    }

    /// Most servers as they are; some are not there, and some became otherwise without an event.
    fn shows_all(&mut self, place: u8) -> What {
        let mut servers = Vec::new();
        for server in 0..SERVERS {
            let stalled = &mut self.stalled[usize::from(place)][usize::from(server)];
            if self.dice.random_ratio(1, 10) {
                *stalled = !*stalled;
            }
            if !self.dice.random_ratio(1, 12) {
                let stalled = *stalled;
                let ail =
                    self.dice.random_ratio(1, 6).then(|| Ail::ALL[self.dice.random_range(0..Ail::ALL.len())]);
                servers.push(Shown { server, stalled, ail });
            }
        }
        What::Shows { place, servers }
    }
}

/// In how many ways a message can be unreadable.
pub const POISONS: u8 = 5;
