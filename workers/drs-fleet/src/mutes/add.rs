//! `mutes add`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells;
use drs_fleet_domain::notify::{Label, Matchers, MuteRow};

use super::LABELS;
use crate::hub::Hub;
use crate::places;
use crate::spells::{Open, Span, a_matcher, editor, named};
use crate::text::{a_line, counted, plain, second};

/// What `mutes add` takes.
#[derive(clap::Args)]
#[command(after_help = format!("Examples:
  drs-fleet mutes add --match kind=REPLICATION_* --match account=Pay* --for 4h --reason 'network maintenance, ticket 4711'
  drs-fleet mutes add --match subject=erp-db-01 --until 2026-08-24T06:00Z --reason 'disk is on its way'

{LABELS}"))]
pub(crate) struct Arguments {
    /// Which incidents; may be given several times
    #[arg(long = "match", value_name = "LABEL=VALUE", required = true, value_parser = a_matcher)]
    matchers: Vec<(Label, String)>,
    #[command(flatten)]
    span: Span,
    /// Why
    #[arg(long, value_parser = a_line)]
    reason: String,
    /// Who mutes them [default: you, as AWS or this machine knows you]
    #[arg(long, value_parser = a_line)]
    by: Option<String>,
}

/// Stores a mute.
pub(super) async fn add(hub: &Hub, arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Arguments { matchers, span, reason, by } = arguments;
    let (from, until) = span.times(hub.io.now())?;
    let author = match by {
        Some(by) => by,
        None => hub.who().await,
    };
    let (id, matchers) = (spells::new_id(), Matchers::of(matchers));
    let row = MuteRow { id, matchers, from, until, reason, author, ended_at: None, ended_by: None };
    editor(hub).open(&row).await?;
    let (id, what) = (&row.id, plain(&row.matchers.to_string()));
    writeln!(out, "Mute {id} holds back {what} from {} to {}.", second(from), second(until))?;
    let open = Open::read(hub).await?;
    let meant = open.meant(&row.matchers);
    writeln!(out, "It matches {} now.", counted(meant.len(), "open incident"))?;
    write!(out, "{}", named(&meant))?;
    places::complain(&open.unread)
}
