//! `local`: the whole system in one process: an embedded cloud, a hub, spokes, the four workers, a scenario.
//!
//! Nothing outside loopback is touched and no AWS credentials are read. The workers are the same libraries as
//! in production, reach the cloud with the unmodified SDK, and hold the roles of `infra/hub.yaml`.

pub(crate) mod address;
mod desk;
mod live;
pub(crate) mod operator;
mod page;
mod scenario;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use drs_fleet::fleet::Fleet;
use drs_fleet_aws::policy::PolicyEditor;
use drs_fleet_aws::process;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::notify::routes::Telling;
use drs_fleet_domain::notify::{Channel, ChannelName, Routes, RoutesRow};
use drs_fleet_local::estate::{EstatePlan, SpokePlan};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::desk::Desk;
use self::live::Live;
use self::operator::Operator;
use self::scenario::Scenario;

/// The hub lies in the Region that one would recover to.
const HUB: (&str, &str) = ("999900001111", "eu-central-1");

/// Account, name and Region of the spokes. The first is the account that AWS's event samples name.
const SPOKES: [(&str, &str, &str); 4] = [
    ("111122223333", "Payments", "us-west-2"),
    ("222233334444", "Logistics", "eu-central-1"),
    ("333344445555", "Web shop", "us-west-2"),
    ("444455556666", "ERP", "eu-central-1"),
];

/// What `local` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet local
  drs-fleet local --scenario drill --speed 60
  drs-fleet local --scenario my-day.yaml --servers 20 --until-played")]
pub(crate) struct Arguments {
    /// calm, stall, drill, jobs, storm, health, full, or a file like those in workers/drs-fleet/scenarios
    #[arg(long, default_value = "stall")]
    scenario: String,
    /// Simulated seconds in each real second, 1 to 600
    #[arg(long, default_value_t = 10, value_parser = RangedU64ValueParser::<u64>::new().range(1..=600))]
    speed: u64,
    /// Servers in each of the four spokes, 1 to 300
    #[arg(long, default_value_t = 250, value_parser = RangedU64ValueParser::<usize>::new().range(1..=300))]
    servers: usize,
    /// The same seed makes the same servers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End once the scenario has played and all it caused is done
    #[arg(long)]
    until_played: bool,
}

/// Starts everything, plays the scenario, and runs until Ctrl-C.
pub(crate) async fn local(arguments: Arguments) -> anyhow::Result<()> {
    logs();
    let scenario = Scenario::load(&arguments.scenario)?;
    live::say(&format!("Starting a hub and four spokes of {} servers each …", arguments.servers));
    let clock = Clock::starting(Timestamp::now(), arguments.speed as f64);
    let cloud = LocalCloud::start(clock, Faults::none()).await.context("no loopback port is free")?;
    let world = Arc::clone(cloud.world());
    let stop = CancellationToken::new();
    tokio::spawn(process::stop_on_signal(stop.clone()));

    let desk = Desk::open(Arc::clone(&world), stop.clone()).await?;
    let mut fleet = Fleet::build(&cloud, plan(&arguments), &desk.slack_url()).await?;
    fleet.admit_slack_bot(desk.slack_api(), desk.workspace()).await?;
    desk.send_clicks_to(fleet.estate.slack_interactivity_url(fleet.endpoint()));
    // Before the workers start, so that the first thing they read is the whole registry.
    fleet.register().await?;
    tell_as_bot(&fleet).await?;
    let workers = fleet.start_workers(&stop)?;
    desk.admit_operators(Operator::sessions_of(&fleet));
    address::note(desk.address());
    let live = Live::new(&fleet, &desk);
    live.welcome(&arguments.scenario, &scenario.about, arguments.speed);

    live.say_when_swept(arguments.servers * fleet.estate.spokes.len(), &stop).await;
    let watching = tokio::spawn(live.clone().watch(stop.clone()));
    let played = play(&scenario, &fleet, &live, arguments.until_played, &stop).await;
    if played.is_ok() {
        stop.cancelled().await;
    }
    stop.cancel();
    let worked = workers.await.context("the workers broke off")?;
    let _ = watching.await;
    live.farewell().await;
    address::forget(desk.address());
    cloud.stop().await;
    played.and(worked)
}

/// In Slack people are told as by a bot, in threads with buttons, and not by the hub's incoming webhook.
async fn tell_as_bot(fleet: &Fleet) -> anyhow::Result<()> {
    let [mail, slack] = ["mail", "slack-bot"].map(|name| ChannelName::try_from(name.to_owned()));
    let (mail, slack) = (mail.map_err(anyhow::Error::msg)?, slack.map_err(anyhow::Error::msg)?);
    let bot =
        Channel::Slack { secret: "drs-fleet/slack-bot".to_owned(), channel: desk::SLACK_CHANNEL.to_owned() };
    let default = Telling { channels: Some(vec![mail, slack.clone()]), ..Telling::default() };
    let routes = Routes { default, channels: [(slack, bot)].into(), ..Routes::default() };
    let editor = PolicyEditor::new(fleet.operator.clone(), WriteToken::for_command_of_a_person());
    editor.set::<RoutesRow>(routes, "drs-fleet local".to_owned(), None).await?;
    Ok(())
}

fn plan(arguments: &Arguments) -> EstatePlan {
    let spoke = |(account, name, region): (&str, &str, &str)| SpokePlan {
        account: account.to_owned(),
        name: name.to_owned(),
        region: region.to_owned(),
        servers: arguments.servers,
    };
    EstatePlan {
        organization: "o-a1b2c3d4e5".to_owned(),
        hub: HUB.0.to_owned(),
        region: HUB.1.to_owned(),
        alert_email: "oncall@example.com".to_owned(),
        spokes: SPOKES.map(spoke).into(),
        seed: arguments.seed,
    }
}

async fn play(
    scenario: &Scenario,
    fleet: &Fleet,
    live: &Live,
    until_played: bool,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let playing = scenario.play(&fleet.estate, &fleet.world, |what| live.happened(&what));
    let Some(played) = stop.run_until_cancelled(playing).await else { return Ok(()) };
    played?;
    live.happened("the scenario has played; the fleet goes on until Ctrl-C");
    if until_played {
        let _ = stop.run_until_cancelled(live.settled()).await;
        stop.cancel();
    }
    Ok(())
}

/// Only what is wrong is shown, on standard error: the summary is what people look at here.
fn logs() {
    let given = std::env::var("DRS_FLEET_LOG").ok().and_then(|setting| setting.parse().ok());
    let filter = given.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let logs = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let logs = logs.with_writer(std::io::stderr).with_target(false).finish().with(filter);
    // Only a second call in one process could fail, and then logs are started.
    let _ = logs.try_init();
}
