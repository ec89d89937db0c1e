//! The bulletins of the last days, which of them a person means, and what comes of one.

use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::delivery::day_of;
use drs_fleet_domain::notify::{Bulletin, DeliveryRow, DrillHappened};
use drs_fleet_domain::registry::Registry;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::accounts::load;
use crate::hub::Hub;
use crate::places;

/// How many days are read at a time.
const SIDE_BY_SIDE: usize = 8;

/// For so many days bulletins are kept.
const KEPT: u16 = 90;

/// How often it is looked whether a channel has answered.
const EVERY: Duration = Duration::from_millis(500);

/// Which bulletins are meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Which {
    /// Only those of so many days, 90 at most; longer they are not kept [default: 1; 90 with --waiting, and where --failed ones are listed]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(KEPT)))]
    days: Option<u16>,
    /// Only those for this channel
    #[arg(long)]
    channel: Option<String>,
    /// Only those about this account, be it named or counted among others: its id, alias or name
    #[arg(long)]
    account: Option<String>,
    /// Only those of this kind of incident
    #[arg(long, ignore_case = true,
        value_parser = clap::builder::PossibleValuesParser::new(IncidentKind::ALL.map(IncidentKind::as_str)))]
    kind: Option<String>,
    /// Only those that were given up on: no channel took them, and nobody tries any more
    #[arg(long, group = "standing")]
    pub(super) failed: bool,
    /// Only those that wait: to be tried again after their channel refused, or for one before them
    #[arg(long, group = "standing")]
    pub(super) waiting: bool,
}

impl Which {
    /// How many days are meant. What is still to be done may be older than what is only history.
    pub(super) fn days(&self) -> u16 {
        self.days.unwrap_or(if self.failed || self.waiting { KEPT } else { 1 })
    }

    /// The same, and of what was given up on only the last day where nobody says more: to send it all once more would flood a
    /// channel with what nobody needs any more.
    pub(super) fn recent(&self) -> Self {
        Self { days: self.days.or(self.failed.then_some(1)), ..self.clone() }
    }

    /// The bulletins that are meant, the newest first.
    pub(super) async fn read(&self, hub: &Hub) -> anyhow::Result<Vec<DeliveryRow>> {
        let registry = load(hub).await?;
        let now = hub.io.now();
        let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(self.days())))?;
        let days = day_of(from).series(jiff::Span::new().days(1)).take_while(|day| *day <= day_of(now));
        let read = stream::iter(days.collect::<Vec<_>>()).map(|day| of_day(hub, day));
        let rows: Vec<Vec<DeliveryRow>> = read.buffered(SIDE_BY_SIDE).try_collect().await?;
        let mut rows: Vec<_> =
            rows.into_iter().flatten().filter(|row| self.means(row, &registry, from)).collect();
        rows.sort_by(|a, b| (b.made_at, a.id()).cmp(&(a.made_at, b.id())));
        Ok(rows)
    }

    fn means(&self, row: &DeliveryRow, registry: &Registry, from: Timestamp) -> bool {
        row.made_at >= from
            && (row.given_up || !self.failed)
            && (!self.waiting || (row.sent_at.is_none() && !row.given_up))
            && self.channel.as_ref().is_none_or(|name| *name == row.channel.as_str())
            && self.kind.as_ref().is_none_or(|kind| is_of_kind(&row.bulletin, kind))
            && self.account.as_ref().is_none_or(|given| names_account(&row.bulletin, registry, given))
    }
}

fn is_of_kind(bulletin: &Bulletin, kind: &str) -> bool {
    match bulletin {
        Bulletin::Digest(digest) => {
            digest.covered().kinds.iter().any(|known| known.as_str().eq_ignore_ascii_case(kind))
        }
        Bulletin::Drill(_) => false,
    }
}

/// Accounts that are not registered any more are known by what was told of them.
fn names_account(bulletin: &Bulletin, registry: &Registry, given: &str) -> bool {
    let registered = places::account(registry, given).ok();
    let is_it = |id: Option<&str>, name: &str| {
        id == Some(given)
            || name.eq_ignore_ascii_case(given)
            || registered.is_some_and(|row| id.map_or(name == row.name, |id| id == row.id.as_str()))
    };
    match bulletin {
        Bulletin::Digest(digest) => {
            digest.first.iter().any(|event| is_it(Some(event.account_id.as_str()), &event.account_name))
                || digest.unnamed.accounts.iter().any(|id| is_it(Some(id.as_str()), ""))
        }
        Bulletin::Drill(drill) => match &drill.happened {
            DrillHappened::Wave { account_id, account_name, .. } => {
                is_it(account_id.as_ref().map(AccountId::as_str), account_name)
            }
            DrillHappened::Started { .. } | DrillHappened::Ended { .. } => {
                drill.sites.iter().any(|site| is_it(Some(site.account_id.as_str()), &site.account_name))
            }
        },
    }
}

async fn of_day(hub: &Hub, day: Date) -> anyhow::Result<Vec<DeliveryRow>> {
    hub.rows(&keys::deliveries(day)).await.with_context(|| hub.unreadable())
}

/// The one with this key, or the only one whose key begins so.
pub(super) async fn meant(hub: &Hub, given: &str) -> anyhow::Result<DeliveryRow> {
    let day = given.split_once('/').and_then(|(day, _)| day.parse::<Date>().ok());
    let day = day.with_context(|| {
        format!("{given:?} is no key of a message; `drs-fleet notifications list` shows them: 2026-08-22/3f9a12bc04")
    })?;
    let mut rows = of_day(hub, day).await?;
    rows.retain(|row| row.id().starts_with(given));
    match rows.len() {
        1 => rows.pop().context("it is gone"),
        0 => bail!(
            "no message of that day has a key that begins with {given:?}; `drs-fleet notifications list --days 90` \
             shows all"
        ),
        _ => bail!("{given:?} is the beginning of several keys; give more of it"),
    }
}

/// The row as it is when its channel has answered, or when `patience` is at an end, if there is one then; `seen` sees it
/// meanwhile.
pub(crate) async fn answer(
    hub: &Hub,
    key: &Key,
    patience: Duration,
    mut seen: impl FnMut(&DeliveryRow) -> anyhow::Result<()>,
) -> anyhow::Result<Option<DeliveryRow>> {
    // A person's time: that of a local fleet may run fast.
    let until = Instant::now().checked_add(patience);
    loop {
        let row: Option<DeliveryRow> = hub.row(key.clone()).await.with_context(|| hub.unreadable())?;
        row.as_ref().map_or(Ok(()), &mut seen)?;
        if row.as_ref().is_some_and(DeliveryRow::is_answered)
            || until.is_some_and(|until| until <= Instant::now())
        {
            return Ok(row);
        }
        tokio::time::sleep(EVERY).await;
    }
}
