//! `notify test`: a sample, sent through a channel or printed as each channel would show it.

mod render;
mod send;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::message;
use drs_fleet_domain::notify::{ChannelName, SampleEvent};
use jiff::Timestamp;

use self::render::Form;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::text::typed_length;

/// What `notify test` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet notify test --channel mail
  drs-fleet notify test --channel slack --kind JOB_FAILED --severity CRITICAL
  drs-fleet notify test --render email --kind JOB_FAILED
  drs-fleet notify test --render slack --severity CRITICAL --grouped 47

--channel takes the whole road: over the hub's bus and the notifier's queue to the channel, and what that answered is
said. It is marked as a test wherever people read it. Ends with 2 where the channel did not take it.
What --render slack prints can be pasted into Slack's Block Kit Builder: the content of attachments[0].")]
#[command(group = clap::ArgGroup::new("how").args(["channel", "render"]).required(true))]
pub(crate) struct Arguments {
    /// Send the sample through this channel of the routes; mail and slack are the hub's
    #[arg(long, value_name = "NAME", value_parser = |name: &str| ChannelName::try_from(name.to_owned()))]
    channel: Option<ChannelName>,
    /// Print the sample as this channel would send it; the hub is not needed, and the links of its routes are left out
    #[arg(long)]
    render: Option<Form>,
    /// What is wrong in the sample
    #[arg(long, default_value = "REPLICATION_STALLED", ignore_case = true,
        value_parser = PossibleValuesParser::new(IncidentKind::ALL.map(IncidentKind::as_str)))]
    kind: String,
    /// How bad it is
    #[arg(long, default_value = "HIGH", ignore_case = true,
        value_parser = PossibleValuesParser::new(Severity::ALL.map(Severity::as_str)))]
    severity: String,
    /// How many incidents are told together, 1 to 100000
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    grouped: u32,
    /// Wait at most so long for what the channel says; ends with 1 when it has said nothing
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = typed_length, conflicts_with = "render")]
    timeout: Duration,
}

impl Arguments {
    /// Prints the sample, where that is asked for.
    pub(super) fn print(&self, out: &mut dyn Write) -> Option<anyhow::Result<()>> {
        let form = self.render?;
        let told = self.told();
        let print = |(kind, severity)| {
            let sample = message::sample(kind, severity, self.grouped, &place()?, Timestamp::now());
            Ok(writeln!(out, "{}", render::rendered(form, &sample.into()))?)
        };
        Some(told.and_then(print))
    }

    /// Sends the sample through the channel.
    pub(super) async fn send(&self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let channel = self.channel.clone().context("give --channel or --render")?;
        let (kind, severity) = self.told()?;
        let Place { account: account_id, region } = place()?;
        let (event_id, incidents, at) = (spells::new_id(), self.grouped, hub.io.now());
        let asked = SampleEvent { event_id, channel, kind, severity, incidents, account_id, region, at };
        send::send(hub, asked, self.timeout, out).await
    }

    fn told(&self) -> anyhow::Result<(IncidentKind, Severity)> {
        let is_kind = |kind: &IncidentKind| kind.as_str().eq_ignore_ascii_case(&self.kind);
        let kind = IncidentKind::ALL.into_iter().find(is_kind);
        let kind = kind.with_context(|| format!("there is no kind {:?}", self.kind))?;
        let is_severity = |severity: &Severity| severity.as_str().eq_ignore_ascii_case(&self.severity);
        let severity = Severity::ALL.into_iter().find(is_severity);
        Ok((kind, severity.with_context(|| format!("there is no severity {:?}", self.severity))?))
    }
}

/// Where the sample is.
fn place() -> anyhow::Result<Place> {
    Ok(Place { account: "111122223333".parse()?, region: "eu-central-1".parse()? })
}
