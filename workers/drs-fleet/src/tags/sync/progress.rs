//! How far it is, on standard error: a bar in a terminal, else a line for each place that is done.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::tags::Tally;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ask::Asked;
use super::told::result;
use crate::text::{counted, plain};

/// Where it is shown.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// Requests that are over and were told.
    told: BTreeSet<String>,
}

impl Progress {
    pub(super) fn on_stderr(left_out: &[Place]) -> anyhow::Result<Self> {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:20}  {pos} of {len} places  {wide_msg}")?;
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            Ok::<_, anyhow::Error>(bar.with_style(style.progress_chars("█░")))
        });
        let progress = Self { bar: bar.transpose()?, told: BTreeSet::new() };
        for place in left_out {
            progress.say(&format!("{place} is left out: its account is switched off, or not validated."))?;
        }
        Ok(progress)
    }

    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => writeln!(std::io::stderr(), "{text}")?,
        }
        Ok(())
    }

    pub(super) fn show(&mut self, all: &[Asked]) -> anyhow::Result<()> {
        let over = all.iter().filter(|asked| asked.is_over());
        if let Some(bar) = &self.bar {
            bar.set_length(all.len() as u64);
            bar.set_position(over.count() as u64);
            bar.set_message(summed(all));
            return Ok(());
        }
        for asked in over {
            if self.told.insert(asked.request.clone()) {
                let number = format!("[{}/{}]", self.told.len(), all.len());
                let (name, region) = (plain(&asked.account_name), &asked.place.region);
                self.say(&format!("{number} {name} {region}: {}", result(asked)))?;
            }
        }
        Ok(())
    }

    /// What is printed next has the screen for itself.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn summed(all: &[Asked]) -> String {
    let tallies = || all.iter().filter_map(|asked| asked.row.as_ref()).map(|row| &row.tally);
    let sum = |of: fn(&Tally) -> u32| tallies().map(|tally| of(tally) as usize).sum::<usize>();
    let (done, servers) = (sum(Tally::done), sum(|tally| tally.servers));
    let (written, failed) = (sum(|tally| tally.written), sum(|tally| tally.failed));
    format!("{done} of {}, {written} written, {failed} failed", counted(servers, "server"))
}
