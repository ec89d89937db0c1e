//! What `local` prints: where to look, what happens, and every few seconds how things stand.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drs_fleet::fleet::Fleet;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_local::World;
use tokio_util::sync::CancellationToken;

use super::desk::Desk;

/// How often the summary is looked at, in real time.
const EVERY: Duration = Duration::from_secs(2);

/// A round of sweeps takes five minutes, and a little more to be told of.
const ROUND: Duration = Duration::from_secs(330);

/// Tells a person what goes on. Clones share it.
#[derive(Clone)]
pub(crate) struct Live {
    world: Arc<World>,
    desk: Desk,
    table: SdkIo,
    places: Vec<Place>,
    queues: Vec<String>,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    events: u64,
    servers: u32,
    replicating: u32,
    open: usize,
    slack: usize,
    mails: usize,
    queued: usize,
}

impl Live {
    /// For a fleet.
    pub(crate) fn new(fleet: &Fleet, desk: &Desk) -> Self {
        let output = |name: &str| fleet.estate.output(name).to_owned();
        let queues = ["CapacityQueueArn", "JobsQueueArn", "TagsQueueArn", "NotificationsQueueArn"];
        Self {
            world: Arc::clone(&fleet.world),
            desk: desk.clone(),
            table: fleet.operator.clone(),
            places: fleet.places(),
            queues: queues.map(output).into(),
        }
    }

    /// What was started, and where to look.
    pub(crate) fn welcome(&self, scenario: &str, about: &str, speed: u64) {
        say(&format!("\n  Slack channel and mailbox   {}", self.desk.address()));
        say("  Send an event through it    drs-fleet events send FILE");
        say(&format!("  Scenario {scenario:<18} {about}"));
        say(&format!("  Speed                       {speed} simulated seconds a second; Ctrl-C stops it\n"));
    }

    /// Something happened in the spokes.
    pub(crate) fn happened(&self, what: &str) {
        self.line(&format!("» {what}"));
    }

    /// Waits for the first sweep, so that people are told names and not ids.
    pub(crate) async fn say_when_swept(&self, servers: usize, stop: &CancellationToken) {
        let swept = async {
            while !self.standing().await.is_ok_and(|now| now.servers as usize == servers) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        // A cloud as slow as this tells ids; the scenario need not wait for it.
        let longest = tokio::time::timeout(Duration::from_mins(1), swept);
        if let Some(Ok(())) = stop.run_until_cancelled(longest).await {
            self.line(&format!("the first sweep found all {servers} servers"));
        }
    }

    /// Prints messages as they arrive and the summary when it changed, until `stop`.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let (mut shown, mut told) = (Standing::default(), 0);
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            told = self.tell_new(told);
            match self.standing().await {
                Ok(now) if now != shown => {
                    self.line(&now.to_string());
                    shown = now;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the table cannot be read"),
            }
        }
        self.tell_new(told);
    }

    /// Waits until people were told nothing new for a whole round of sweeps.
    pub(crate) async fn settled(&self) {
        let round = self.world.clock.real_duration(ROUND).max(Duration::from_secs(5));
        let mut told = (0, 0, 0);
        let mut since = Instant::now();
        while since.elapsed() < round {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.standing().await.unwrap_or_default();
            if told != (now.open, now.slack, now.mails) {
                told = (now.open, now.slack, now.mails);
                since = Instant::now();
            }
        }
    }

    /// How it ended.
    pub(crate) async fn farewell(&self) {
        match self.standing().await {
            Ok(standing) => self.line(&format!("stopped; {standing}")),
            Err(error) => tracing::warn!(%error, "the table cannot be read"),
        }
    }

    fn tell_new(&self, told: usize) -> usize {
        let messages = self.desk.slack();
        for message in &messages[told.min(messages.len())..] {
            self.line(&format!("Slack: {}", plain(message["text"].as_str().unwrap_or_default())));
        }
        messages.len()
    }

    async fn standing(&self) -> Result<Standing, IoError> {
        let keys: Vec<_> = self.places.iter().map(keys::place).collect();
        let places = self.table.read::<PlaceRow>(&keys).await?;
        let counted: Vec<_> = places.into_iter().flatten().filter_map(|stored| stored.row.counted).collect();
        let mut open = 0;
        for place in &self.places {
            let incidents = self.table.query::<IncidentRow>(&keys::incidents(place)).await?;
            open += incidents.iter().filter(|stored| stored.row.is_open()).count();
        }
        let depth = |arn: &String| {
            let (visible, in_flight, delayed) = self.world.sqs.depth(&self.world, arn);
            visible + in_flight + delayed
        };
        Ok(Standing {
            events: self.world.events.counts().received,
            servers: counted.iter().map(|c| c.servers).sum(),
            replicating: counted.iter().map(|c| c.replicating).sum(),
            open,
            slack: self.desk.slack().len(),
            mails: self.world.sns.mails().len(),
            queued: self.queues.iter().map(depth).sum(),
        })
    }

    fn line(&self, text: &str) {
        say(&format!("{}  {text}", self.world.clock.now().strftime("%H:%M:%S")));
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { events, servers, replicating, open, slack, mails, queued } = self;
        write!(
            f,
            "events {events}, server rows {servers} ({replicating} replicating), incidents open {open}, \
             Slack messages {slack}, e-mails {mails}, queued {queued}"
        )
    }
}

/// Slack's three control characters as people read them.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Prints a line; a reader that went away is no reason to stop the fleet.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_printed_as_people_read_it_in_slack() {
        assert_eq!(plain("R&amp;D &lt;prod&gt; is &amp;lt;"), "R&D <prod> is &lt;");
    }
}
