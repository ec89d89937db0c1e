//! `drill-window open`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells;
use drs_fleet_domain::notify::window::Told;
use drs_fleet_domain::notify::{Label, Matchers, WindowRow};

use crate::hub::Hub;
use crate::mutes::LABELS;
use crate::places;
use crate::spells::{Open, Span, a_matcher, editor, named};
use crate::text::{a_line, counted, plain, second};

/// What `drill-window open` takes.
#[derive(clap::Args)]
#[command(after_help = format!("Examples:
  drs-fleet drill-window open --name 'spring drill' --for 8h
  drs-fleet drill-window open --name 'wave 2' --for 4h --match drill=drill --match plan=wave-2
  drs-fleet drill-window open --name 'data centre off' --for 4h --match region=eu-west-1      pages nobody of anything there

{LABELS}"))]
pub(crate) struct Arguments {
    /// What the drill is called
    #[arg(long, value_parser = a_line)]
    name: String,
    #[command(flatten)]
    span: Span,
    /// What is expected, all of it where given several times; without drill=drill, also what is no drill [default: drill=drill]
    #[arg(long = "match", value_name = "LABEL=VALUE", value_parser = a_matcher)]
    matchers: Vec<(Label, String)>,
    /// Who opens it [default: you, as AWS or this machine knows you]
    #[arg(long, value_parser = a_line)]
    by: Option<String>,
}

/// Opens a window.
pub(super) async fn open(hub: &Hub, arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Arguments { name, span, matchers, by } = arguments;
    let (from, until) = span.times(hub.io.now())?;
    let author = match by {
        Some(by) => by,
        None => hub.who().await,
    };
    let matchers = if matchers.is_empty() { WindowRow::expected() } else { Matchers::of(matchers) };
    let id = spells::new_id();
    let row = WindowRow {
        id,
        name,
        matchers,
        from,
        until,
        author,
        closed_at: None,
        closed_by: None,
        told: Told::Nothing,
    };
    editor(hub).open(&row).await?;
    let (id, name, what) = (&row.id, plain(&row.name), plain(&row.matchers.to_string()));
    writeln!(out, "Window {id} for {name:?} expects {what} from {} to {}.", second(from), second(until))?;
    if !row.is_for_drills_alone() {
        writeln!(
            out,
            "Real failures that it matches page nobody either; --match drill=drill leaves them out."
        )?;
    }
    let open = Open::read(hub).await?;
    let meant = open.meant(&row.matchers);
    writeln!(out, "It matches {} now.", counted(meant.len(), "open incident"))?;
    write!(out, "{}", named(&meant))?;
    places::complain(&open.unread)
}
