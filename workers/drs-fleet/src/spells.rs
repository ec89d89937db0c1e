//! What commands for mutes and for windows of drills have in common: which incidents are meant, from when until when, and
//! which are open now.

use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::spells::{Spell, SpellEditor};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::{Label, Labels, Matchers};
use drs_fleet_domain::own_event::IncidentEvent;
use drs_fleet_domain::registry::Registry;
use jiff::Timestamp;

use crate::accounts::load;
use crate::hub::Hub;
use crate::incidents::read;
use crate::places::{Found, Unread};
use crate::text::{plain, typed_length};

/// How many incidents are named.
const NAMED: usize = 5;

/// From when until when.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("end").args(["length", "until"]).required(true))]
pub(crate) struct Span {
    /// For how long, such as 4h
    #[arg(long = "for", value_name = "LENGTH", value_parser = typed_length)]
    length: Option<Duration>,
    /// Until when, such as 2026-08-23T06:00Z
    #[arg(long, value_name = "TIME", value_parser = a_time)]
    until: Option<Timestamp>,
    /// From when on [default: now]
    #[arg(long, value_name = "TIME", value_parser = a_time)]
    from: Option<Timestamp>,
}

impl Span {
    /// Beginning and end.
    pub(crate) fn times(&self, now: Timestamp) -> anyhow::Result<(Timestamp, Timestamp)> {
        let from = self.from.unwrap_or(now);
        let until = match (self.until, self.length) {
            (Some(until), _) => until,
            (None, Some(length)) => from.checked_add(length).context("that is too long")?,
            (None, None) => bail!("say until when it lasts"),
        };
        if until <= now {
            bail!("it would be over already");
        }
        Ok((from, until))
    }
}

fn a_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it with its zone: 2026-08-23T06:00Z, 2026-08-23T08:00+02:00".to_owned())
}

/// A label and its value, as a person types them: `kind=REPLICATION_*`, `severity>=HIGH`.
pub(crate) fn a_matcher(text: &str) -> Result<(Label, String), String> {
    let (label, value) = text.split_once('=').ok_or("write LABEL=VALUE, such as kind=REPLICATION_*")?;
    match label.strip_suffix('>') {
        Some(label) => Ok((label.parse()?, format!(">={value}"))),
        None => Ok((label.parse()?, value.to_owned())),
    }
}

/// What is open in the fleet.
pub(crate) struct Open {
    registry: Registry,
    found: Vec<IncidentRow>,
    pub(crate) unread: Vec<Unread>,
}

impl Open {
    /// Reads all that is open.
    pub(crate) async fn read(hub: &Hub) -> anyhow::Result<Self> {
        let registry = load(hub).await?;
        let Found { mut found, unread } = read::read(hub, read::everywhere(hub, &registry).await?).await;
        found.retain(IncidentRow::is_open);
        Ok(Self { registry, found, unread })
    }

    /// Those that are meant, the worst first.
    pub(crate) fn meant(&self, matchers: &Matchers) -> Vec<&IncidentEvent> {
        let all = self.found.iter().map(|row| &row.latest);
        all.filter(|event| matchers.fit(&self.labels(event))).collect()
    }

    fn labels<'a>(&'a self, event: &'a IncidentEvent) -> Labels<'a> {
        Labels::of(event, self.registry.account(&event.account_id))
    }
}

/// The first of some incidents, one on a line, and how many more there are.
pub(crate) fn named(incidents: &[&IncidentEvent]) -> String {
    let one = |event: &&IncidentEvent| {
        let (name, account) = (plain(&event.subject_name), plain(&event.account_name));
        format!("  {:<8} {} ({name}, {account})\n", event.severity.as_str(), plain(&event.incident))
    };
    let more = incidents.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
    incidents.iter().take(NAMED).map(one).collect::<String>() + &more
}

/// Changes mutes and windows.
pub(crate) fn editor(hub: &Hub) -> SpellEditor<SdkIo> {
    SpellEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person())
}

/// All mutes, or all windows.
pub(crate) async fn all<R: Spell>(hub: &Hub) -> anyhow::Result<Vec<R>> {
    hub.rows::<R>(&R::all()).await.with_context(|| hub.unreadable())
}

/// The one whose id begins so.
pub(crate) async fn meant<R: Spell>(hub: &Hub, given: &str, id: impl Fn(&R) -> &str) -> anyhow::Result<R> {
    let mut found = all::<R>(hub).await?;
    found.retain(|row| !given.is_empty() && id(row).starts_with(given));
    match found.len() {
        1 => found.pop().context("it is gone"),
        0 => bail!("no {} has an id that begins with {given:?}; `list --all` shows all", R::KIND),
        _ => bail!("{given:?} is the beginning of several ids; give more of it"),
    }
}
