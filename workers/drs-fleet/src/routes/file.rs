//! Routes in a file, and `routes check`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use drs_fleet_domain::notify::routes::{Overlap, lines_with_secrets};
use drs_fleet_domain::notify::{Channel, Routes, RoutesRow};

use super::{EXAMPLE, WHAT};
use crate::explain;
use crate::policy::check;
use crate::text::counted;

/// What `routes check` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Routes in YAML or JSON; - for standard input
    file: PathBuf,
}

/// Says what is wrong with routes; ends with 1 when something is.
pub(super) fn check(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let routes = usable(&arguments.file)?;
    let (channels, people) = (counted(routes.channels.len(), "channel"), routes.people.len());
    // The default route is always there.
    let number = counted(routes.all().len() - 1 - people, "route");
    let people = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    let file = arguments.file.display();
    writeln!(out, "{file} can be used: besides those of the hub it has {channels}; {number}, {people}.")?;
    warn(&routes, out)
}

/// Topics that the notifier may publish to, as the hub's template has it.
const OURS: &str = "drs-fleet-";

/// Says what works in another way than it may be meant.
pub(super) fn warn(routes: &Routes, out: &mut dyn Write) -> anyhow::Result<()> {
    for (name, channel) in &routes.channels {
        let Channel::Topic { arn: Some(arn) } = channel else { continue };
        let is_ours = arn.rsplit(':').next().is_some_and(|topic| topic.starts_with(OURS));
        if !is_ours {
            writeln!(
                out,
                "Warning: channel {name}: the hub's template lets the notifier publish only to topics of its own account \
                 and Region that are called {OURS}*, and {arn} is not."
            )?;
        }
    }
    for Overlap { route, other, channel } in routes.overlaps() {
        writeln!(
            out,
            "Warning: {route} and {other} both tell {channel}: what takes both is told there twice, each time with others."
        )?;
    }
    let bots = routes.channels.values().filter_map(|channel| match channel {
        Channel::Slack { secret, .. } => Some(secret),
        _ => None,
    });
    if bots.collect::<BTreeSet<_>>().len() > 1 {
        writeln!(
            out,
            "Warning: there are several Slack bots, and a hub knows the signing secret of one app: the buttons of the others \
             acknowledge nothing, and `drs-fleet incidents ack` does."
        )?;
    }
    Ok(())
}

/// The routes of a file, if they can be used. What looks like a secret is looked for first: errors of readers repeat what
/// they cannot read.
pub(super) fn usable(file: &PathBuf) -> anyhow::Result<Routes> {
    let text = explain::read(file)?;
    if let [first, ..] = lines_with_secrets(&text)[..] {
        bail!(
            "{}: line {first} seems to hold a URL or a token, which may be secret. Put it into a secret in Secrets \
             Manager, and write the name of that secret here",
            file.display()
        );
    }
    check::usable_text::<RoutesRow>(&text, file, WHAT)
}
