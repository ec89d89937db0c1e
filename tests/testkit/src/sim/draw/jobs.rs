//! Drills and recoveries, and who tells of them.

use rand::RngExt;

use super::super::history::{Event, Job, Tells, Trouble, What};
use super::{Drawing, PLACES, SERVERS};

/// Events of jobs are numbered from here on.
const JOB_EVENTS: u32 = 1_000_000;

impl Drawing {
    /// Nobody tells of a job before DRS shows it.
    pub(super) fn earliest(&self, what: &What) -> u64 {
        let What::Comes(Event { place, tells: Tells::Started(job) | Tells::Launched(job, ..), .. }) = what
        else {
            return 0;
        };
        self.began.get(&(*place, *job)).map_or(0, |began| began + 1)
    }

    /// Where DRS refuses the role nobody can look at jobs, nor set tags.
    pub(super) fn has_jobs(&self) -> bool {
        self.whole && !self.weather.has(Trouble::RoleRefused)
    }

    /// Each account has a drill and a recovery, of different servers: they begin, launch, and end.
    pub(super) fn jobs(&mut self, events: usize, timed: &mut Vec<(u64, What)>) {
        let length = 60 * events as u64;
        for (place, (number, servers)) in
            (0..PLACES).flat_map(|place| [(place, (0, 0..2)), (place, (1, 2..SERVERS))])
        {
            let servers: Vec<_> = servers.map(|server| (server, self.dice.random_ratio(3, 4))).collect();
            let (began, ended) =
                (self.dice.random_range(0..length), self.dice.random_range(length..2 * length));
            let fails_back = !Job::is_drill(number) && self.dice.random_ratio(1, 4);
            let runs = |over| What::Runs(Job { place, number, servers: servers.clone(), over, fails_back });
            timed.push((began, runs(false)));
            self.began.insert((place, number), began);
            if !self.dice.random_ratio(1, 6) {
                timed.push((ended, runs(true)));
            }
            let launches = servers.iter().map(|(server, well)| Tells::Launched(number, *server, *well));
            for (n, tells) in (0..).zip(std::iter::once(Tells::Started(number)).chain(launches)) {
                let at = self.dice.random_range(began..ended);
                let number = JOB_EVENTS + 100 * u32::from(place) + 10 * u32::from(number) + n;
                let event = Event { number, place, at: (at / 1_000).cast_signed(), tells };
                if !self.dice.random_ratio(1, 8) {
                    timed.push((at, What::Comes(event)));
                }
            }
        }
    }
}
