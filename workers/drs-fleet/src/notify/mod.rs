//! `notify`: what people are told.

mod test;

/// What `notify` can do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Print a sample of what people would read; the hub is not needed
    Test(test::Arguments),
}

/// Does what the command line says.
pub(crate) fn notify(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Test(arguments) => test::test(arguments, &mut std::io::stdout()),
    }
}
