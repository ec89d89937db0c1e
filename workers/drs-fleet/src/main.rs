//! The operator's command line.

mod accounts;
mod capacity;
mod drill_windows;
mod drills;
mod events;
mod explain;
mod extended;
mod family;
mod hub;
mod incidents;
mod jobs;
mod local;
mod mutes;
mod notifications;
mod notify;
mod paging;
mod places;
mod policy;
mod recovery_instances;
mod routes;
mod run;
mod servers;
mod sheet;
mod spells;
mod tags;
#[cfg(test)]
mod testing;
mod text;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use drs_fleet_aws::process;

use crate::family::{Arguments, OneOf};

/// Command of AWS Elastic Disaster Recovery over many accounts.
#[derive(Parser)]
#[command(name = "drs-fleet", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  drs-fleet local                                the whole system on this machine, no AWS needed
  drs-fleet local --scenario storm --speed 30    a Region stalls, thirty times as fast as real time
  drs-fleet explain events/aws.drs/drs-source-server-data-replication-stalled-change/stalled.json
  drs-fleet events send events/aws.drs/drs-source-server-data-replication-stalled-change/stalled.json
  drs-fleet accounts list --local                the accounts of the running local fleet
  drs-fleet servers list --health incident       the servers with an open incident
  drs-fleet jobs watch                           the jobs that run, live
  drs-fleet drills report                        the servers that are due for a drill
  drs-fleet recovery-instances list              the machines that drills and recoveries left running
  drs-fleet capacity place --servers 120 --region us-east-1
  drs-fleet policy show                          the thresholds that apply
  drs-fleet tags plan                            which tags differ from those of EC2
  drs-fleet routes test --incident erp-db-01     who is told of an incident, and why
  drs-fleet mutes list                           what is muted, and what that swallows now
  drs-fleet notifications list --failed          the messages that no channel took
  drs-fleet notify test --channel mail           whether a channel works
  drs-fleet run all                              the four workers in one process, for a small hub";

#[derive(Subcommand)]
enum Command {
    /// Run the whole system on an embedded local cloud with simulated spokes
    Local(local::Arguments),
    /// Say what each worker would decide about an event, without any cloud
    Explain(explain::Arguments),
    /// Send events through the running local cloud
    #[command(subcommand)]
    Events(events::Command),
    /// Register, validate and look at the accounts of the fleet
    Accounts(Arguments<OneOf<accounts::Command>>),
    /// Look at extended source servers, and extend those that are missing
    Extended(Arguments<OneOf<extended::Command>>),
    /// List, show and acknowledge incidents
    Incidents(Arguments<OneOf<incidents::Command>>),
    /// List and show source servers
    Servers(Arguments<OneOf<servers::Command>>),
    /// List, show and watch DRS jobs of any origin, and see how many more an account takes
    Jobs(Arguments<OneOf<jobs::Command>>),
    /// Report which servers were drilled in time, and which are due
    Drills(Arguments<OneOf<drills::Command>>),
    /// List the recovery instances of drills and recoveries, and what they cost
    RecoveryInstances(Arguments<OneOf<recovery_instances::Command>>),
    /// Show how full accounts are, were and will be, and where new servers go
    Capacity(Arguments<capacity::Capacity>),
    /// Show, check and set the thresholds of the fleet
    Policy(Arguments<OneOf<policy::Command>>),
    /// Compare the tags of EC2 machines with those of their source servers, and see how they are kept in line
    Tags(Arguments<OneOf<tags::Command>>),
    /// Show, check, set and try the routes: who is told of which incidents
    Routes(Arguments<OneOf<routes::Command>>),
    /// Mute incidents for a while, and see what is muted
    Mutes(Arguments<OneOf<mutes::Command>>),
    /// Open and close windows for drills, in which what is expected pages nobody
    DrillWindow(Arguments<OneOf<drill_windows::Command>>),
    /// List what was sent over which channel, and send again what no channel took
    Notifications(Arguments<OneOf<notifications::Command>>),
    /// Try the channels, and see what people are told
    Notify(Arguments<OneOf<notify::Command>>),
    /// Run workers against AWS
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Local(arguments) => process::in_runtime(local::local(arguments)),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Events(command) => process::in_runtime(events::events(command)),
        Command::Accounts(arguments) => process::in_runtime(family::run(arguments)),
        Command::Extended(arguments) => process::in_runtime(family::run(arguments)),
        Command::Incidents(arguments) => process::in_runtime(family::run(arguments)),
        Command::Servers(arguments) => process::in_runtime(family::run(arguments)),
        Command::Jobs(arguments) => process::in_runtime(family::run(arguments)),
        Command::Drills(arguments) => process::in_runtime(family::run(arguments)),
        Command::RecoveryInstances(arguments) => process::in_runtime(family::run(arguments)),
        Command::Capacity(arguments) => process::in_runtime(family::run(arguments)),
        Command::Policy(arguments) => process::in_runtime(policy::policy(arguments)),
        Command::Tags(arguments) => process::in_runtime(tags::tags(arguments)),
        Command::Routes(arguments) => process::in_runtime(routes::routes(arguments)),
        Command::Mutes(arguments) => process::in_runtime(family::run(arguments)),
        Command::DrillWindow(arguments) => process::in_runtime(family::run(arguments)),
        Command::Notifications(arguments) => process::in_runtime(family::run(arguments)),
        Command::Notify(arguments) => process::in_runtime(notify::notify(arguments)),
        Command::Run(arguments) => process::in_runtime(run::run(arguments)),
    };
    ended.unwrap_or_else(|error| process::fail(&error))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_line_is_sound_and_explains_itself() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        let mut commands = vec![&cli];
        while let Some(command) = commands.pop() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            let help = command.clone().render_long_help().to_string();
            for file in help.split_whitespace().filter(|word| word.starts_with("events/aws")) {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
                assert!(path.exists(), "{}: there is no {file}", command.get_name());
            }
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            commands.extend(command.get_subcommands().filter(|c| c.get_name() != "help"));
        }
    }
}
