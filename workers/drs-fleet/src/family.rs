//! The frame of a family of commands that are carried out against the hub, such as `servers list` and `servers show`.
//!
//! A family is an enum of commands; [`OneOf`] it implements [`Asked`], and [`Arguments`] adds how the hub is reached.

use std::io::{ErrorKind, Write};
use std::process::{ExitCode, Termination};

use crate::hub::{Hub, Reach};
use crate::text::{Ask, ask};

/// What a family takes.
#[derive(clap::Args)]
pub(crate) struct Arguments<A: clap::Args> {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) asked: A,
}

/// A command, without which the family does nothing.
#[derive(clap::Args)]
pub(crate) struct OneOf<C: clap::Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
}

/// What was asked of a family.
pub(crate) trait Asked: clap::Args {
    /// Does it.
    async fn perform(self, hub: &Hub, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<Outcome>;

    /// Whether nothing is left undone when whoever reads the output, such as `head`, has seen enough.
    fn is_done_when_unread(&self) -> bool {
        true
    }
}

/// How a command ended that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// What it looked at lacks something, which scripts are to notice.
    Wanting,
}

impl Outcome {
    /// What the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Wanting => 2,
        }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Fine
    }
}

impl Termination for Outcome {
    fn report(self) -> ExitCode {
        self.code().into()
    }
}

/// Does what the command line says.
pub(crate) async fn run<A: Asked>(arguments: Arguments<A>) -> anyhow::Result<Outcome> {
    let hub = arguments.reach.hub().await?;
    let is_done_when_unread = arguments.asked.is_done_when_unread();
    let done = arguments.asked.perform(&hub, &mut std::io::stdout(), &ask).await;
    if is_done_when_unread { read_far_enough(done) } else { done }
}

/// Whoever read the output has seen enough: that is no failure of the command.
pub(crate) fn read_far_enough(done: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    match done.as_ref().err().and_then(|error| error.downcast_ref::<std::io::Error>()) {
        Some(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Outcome::Fine),
        _ => done,
    }
}
