//! Progress as bars in a terminal, one for each job.

use std::collections::BTreeMap;

use drs_fleet_domain::ids::JobId;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::lines::message;
use super::round::Watched;
use crate::text::plain;

/// So much of an id tells jobs apart, and `jobs show` takes it.
const SHORT: usize = 6;

/// Draws bars.
pub(super) struct Bars {
    all: MultiProgress,
    style: ProgressStyle,
    by_job: BTreeMap<JobId, ProgressBar>,
}

impl Bars {
    pub(super) fn on(target: ProgressDrawTarget) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("{prefix}  {bar:12}  {wide_msg}")?.progress_chars("█░");
        let all = MultiProgress::with_draw_target(target);
        Ok(Self { all, style, by_job: BTreeMap::new() })
    }

    pub(super) fn show(&mut self, watched: &[Watched], now: Timestamp) {
        let names: Vec<_> = watched.iter().map(name).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        for (each, name) in watched.iter().zip(names) {
            let (row, progress) = (&each.job.row, &each.progress);
            let bar = self.by_job.entry(row.id.clone()).or_insert_with(|| self.all.add(ProgressBar::new(0)));
            bar.set_style(self.style.clone());
            bar.set_prefix(format!("{name:<width$}"));
            if bar.is_finished() {
                continue;
            }
            // A bar without length would be drawn as full.
            let done = if progress.servers == 0 { 0 } else { progress.done() };
            bar.set_length(progress.servers.max(1).into());
            bar.set_position(done.into());
            if row.is_active() {
                bar.set_message(message(each, now));
            } else {
                bar.abandon_with_message(message(each, now));
            }
        }
    }

    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        Ok(self.all.println(text)?)
    }
}

/// Whose it is, what it is for, and the beginning of its id.
fn name(watched: &Watched) -> String {
    let row = &watched.job.row;
    let id = row.id.as_str();
    let short: String = id.rsplit_once('-').map_or(id, |(_, rest)| rest).chars().take(SHORT).collect();
    let Watched { job, .. } = watched;
    format!("{} {} {} {short}", plain(&job.account_name), row.place.region, row.purpose().words())
}

#[cfg(test)]
mod tests {
    use drs_fleet_domain::job::{Counts, JobRow, Progress};
    use drs_fleet_domain::pace::History;

    use super::super::super::read::Job;
    use super::*;
    use crate::testing::place;

    fn watched(id: &str, status: &str, (done, failed): (u32, u32)) -> Watched {
        let unknown = JobRow::unknown((&place("111122223333", "us-west-2"), &id.parse().unwrap()));
        let counts = Some(Counts { done, failed, servers: 40 });
        let row = JobRow { status: status.to_owned(), counts, drill: Some(true), ..unknown };
        let progress = row.progress(&[], &History::default());
        Watched { job: Job { account_name: "Payments".to_owned(), row }, progress }
    }

    #[test]
    fn a_bar_is_filled_with_what_is_done_and_ends_with_its_job() {
        let (first, second) = ("drsjob-11111111111111111", "drsjob-2222222222222222z");
        let mut bars = Bars::on(ProgressDrawTarget::hidden()).unwrap();
        bars.show(&[watched(first, "STARTED", (12, 2))], Timestamp::UNIX_EPOCH);
        let bar = |bars: &Bars, id: &str| bars.by_job[&id.parse().unwrap()].clone();
        let shown = bar(&bars, first);
        assert_eq!((shown.position(), shown.length(), shown.is_finished()), (12, Some(40), false));
        assert_eq!(
            (shown.prefix().as_str(), shown.message().as_str()),
            ("Payments us-west-2 drill 111111", "10 of 40 launched, 2 failed",)
        );
        let later = [watched(first, "COMPLETED", (40, 2)), watched(second, "STARTED", (0, 0))];
        bars.show(&later, Timestamp::UNIX_EPOCH);
        assert_eq!((shown.position(), shown.is_finished()), (40, true));
        assert!(shown.message().starts_with("PARTIAL: 38 of 40 launched, 2 failed"), "{}", shown.message());
        assert!(!bar(&bars, second).is_finished());
    }

    #[test]
    fn a_job_whose_servers_are_not_known_has_an_empty_bar() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden()).unwrap();
        let mut unknown = watched("drsjob-11111111111111111", "STARTED", (0, 0));
        unknown.job.row.counts = None;
        unknown.progress = Progress { servers: 0, succeeded: 2, ..unknown.progress };
        bars.show(&[unknown], Timestamp::UNIX_EPOCH);
        let bar = bars.by_job.values().next().unwrap();
        assert_eq!((bar.position(), bar.length()), (0, Some(1)), "without length it would be full");
        assert_eq!(bar.message(), "2 launched so far");
    }
}
