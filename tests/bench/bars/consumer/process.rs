//! The processes that the benchmark starts, and what Linux tells of them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use clap::ValueEnum;
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::process::Process;
use drs_fleet_testkit::shipped;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::control::{self, Behavior, Counted};
use super::events::{REGION, Shape};
use crate::args::Role;

/// The endpoint; ends when it is dropped.
pub struct Endpoint {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Endpoint {
    pub fn start() -> anyhow::Result<Self> {
        let mut child = again(Role::Endpoint)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let commands = child.stdin.take().context("the endpoint has no input")?;
        let answers = BufReader::new(child.stdout.take().context("the endpoint has no output")?);
        let mut endpoint = Self { child, commands, answers, port: 0 };
        endpoint.port = endpoint.answer()?;
        Ok(endpoint)
    }

    pub fn behave(&mut self, behavior: Behavior) -> anyhow::Result<()> {
        self.tell(&control::Command::Behave(behavior))
    }

    /// Forgets what was counted and puts events on the queue.
    pub fn fill(&mut self, shape: Shape, count: usize) -> anyhow::Result<()> {
        self.tell(&control::Command::Fill { shape, count })
    }

    /// The same, one event every so many milliseconds.
    pub fn trickle(&mut self, count: usize, every_ms: u64) -> anyhow::Result<()> {
        self.tell(&control::Command::Trickle { count, every_ms })
    }

    pub fn counted(&mut self) -> anyhow::Result<Counted> {
        self.tell(&control::Command::Count)
    }

    fn tell<T: DeserializeOwned>(&mut self, command: &control::Command) -> anyhow::Result<T> {
        writeln!(self.commands, "{}", serde_json::to_string(command)?).context("the endpoint is gone")?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("the endpoint does not answer")?;
        serde_json::from_str(&line).context("the endpoint does not speak JSON")
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which consumer is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The capacity-tracker's own binary, with all its settings.
    Worker,
    /// A plain consumer.
    Baseline,
}

impl Who {
    fn command(self) -> anyhow::Result<Command> {
        match self {
            Self::Worker => Ok(Command::new(shipped::path(CapacityTracker::NAME)?)),
            Self::Baseline => again(Role::Baseline),
        }
    }
}

/// A consumer under measurement; killed when it is dropped.
pub struct Consumer {
    pub process: Process,
    /// When it was started.
    pub started: Timestamp,
}

impl Consumer {
    pub fn start(who: Who, endpoint: &Endpoint) -> anyhow::Result<Self> {
        Self::run(CapacityTracker::NAME, who.command()?, endpoint)
    }

    /// Any worker as it is shipped.
    pub fn worker(name: &str, endpoint: &Endpoint) -> anyhow::Result<Self> {
        Self::run(name, Command::new(shipped::path(name)?), endpoint)
    }

    /// On the first processor alone.
    pub fn start_on_one_core(who: Who, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let of_all = who.command()?;
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(of_all.get_program()).args(of_all.get_args());
        Self::run(CapacityTracker::NAME, command, endpoint).context("taskset, of util-linux, is needed")
    }

    fn run(name: &str, command: Command, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let url = format!("http://127.0.0.1:{}", endpoint.port);
        let queue = format!("{url}/111122223333/drs-fleet-{name}");
        let environment = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "AKIABENCHMARK"),
            ("AWS_SECRET_ACCESS_KEY", "benchmark"),
            ("DRS_FLEET_TABLE", "drs-fleet"),
            ("DRS_FLEET_BUS_NAME", "drs-fleet"),
            ("DRS_FLEET_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:drs-fleet-alerts"),
            ("DRS_FLEET_QUEUE_URL", &queue),
            ("DRS_FLEET_DLQ_URL", &format!("{queue}-dlq")),
        ];
        let started = Timestamp::now();
        Ok(Self { process: Process::start(command, environment)?, started })
    }
}

/// This binary in another role.
fn again(role: Role) -> anyhow::Result<Command> {
    let name = role.to_possible_value().context("a role without a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--role", name.get_name()]);
    Ok(command)
}
