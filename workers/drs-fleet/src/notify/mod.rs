//! `notify`: what people are told.

mod test;

use std::io::Write;

use crate::family::{self, Arguments, Asked, OneOf, Outcome, read_far_enough};
use crate::hub::Hub;
use crate::text::Ask;

/// What `notify` can do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Send a marked sample through a channel, or print what people would read
    Test(test::Arguments),
}

/// Does what the command line says. What is only printed needs no hub.
pub(crate) async fn notify(arguments: Arguments<OneOf<Command>>) -> anyhow::Result<Outcome> {
    let Command::Test(test) = &arguments.asked.command;
    match test.print(&mut std::io::stdout()) {
        Some(done) => read_far_enough(done.map(Outcome::from)),
        None => family::run(arguments).await,
    }
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let Command::Test(arguments) = self.command;
        match arguments.print(out) {
            Some(done) => done.map(Outcome::from),
            None => arguments.send(hub, out).await,
        }
    }

    fn is_done_when_unread(&self) -> bool {
        false
    }
}
