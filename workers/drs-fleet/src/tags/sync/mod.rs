//! `tags sync`: the tag-sync does the work, account by account; this asks it, and watches how far it is.

mod ask;
mod progress;
mod told;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys;
use drs_fleet_domain::tags::TagRequestRow;
use jiff::Timestamp;

use self::ask::Asked;
use self::progress::Progress;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::text::{counted, length, plain, typed_length};

/// How often the table is read.
const EVERY: Duration = Duration::from_secs(1);
/// A table that cannot be read so often in a row is given up.
const PATIENCE: u32 = 15;

/// What `tags sync` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Only of this account: its id, alias or name; may be given several times
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Only in this Region
    #[arg(long)]
    region: Option<Region>,
    /// Only servers whose name, id, host name or instance contains this; may be given several times
    #[arg(long = "server", value_name = "TEXT")]
    servers: Vec<String>,
    /// Only servers that have this tag, or whose machines have it; may be given several times
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,
    /// Give up when nothing was heard of the work for so long
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = typed_length)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet tags sync                                  everywhere
  drs-fleet tags sync --account Payments --account ERP --region us-west-2
  drs-fleet tags sync --server erp-db-01
  drs-fleet tags sync --tag CostCentre=4711 --json

The tag-sync does the work, accounts side by side, and the history tells who asked. How far it is is told on standard error.
What fails or is refused in one account keeps no other from its tags. When this is stopped the tag-sync goes on; run it again
to see what is left: only what still differs is written. A server that is newer than the last sweep of source servers waits
for the next one.
Exits with 0 when all is in line, with 2 when some could not be brought in line, with 1 when the end was not seen.";

/// Has the tags of places, or of some servers, brought in line, and waits for it.
pub(super) async fn sync(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut all = ask::ask(hub, arguments).await?;
    let mut progress = Progress::on_stderr(all.left_out())?;
    let ended = tokio::select! {
        watched = watch(hub, arguments.timeout, all.asked_mut(), &mut progress) => watched,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    progress.clear();
    write!(out, "{}", if arguments.json { told::json(&all, ended.is_ok())? } else { told::print(&all) })?;
    if let Err(error) = ended {
        let left = all.asked().iter().filter(|asked| !asked.is_over()).count();
        bail!(
            "{error:#}: {} of {} not seen to end. The tag-sync goes on with what it was asked. Run the same again to see what \
             is left: only what still differs is written",
            left,
            counted(all.asked().len(), "request")
        );
    }
    Ok(if all.is_whole() { Outcome::Fine } else { Outcome::Wanting })
}

/// Reads how far it is, until all is over.
async fn watch(
    hub: &Hub,
    timeout: Duration,
    all: &mut [Asked],
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let (mut heard_at, mut failures) = (hub.io.now(), 0);
    loop {
        match read(hub, all).await {
            Ok(is_news) => {
                failures = 0;
                if is_news {
                    heard_at = hub.io.now();
                }
            }
            Err(error) if failures >= PATIENCE => return Err(error).with_context(|| hub.unreadable()),
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    progress.say(&format!(
                        "The table cannot be read now, trying again: {}",
                        plain(&error.to_string())
                    ))?;
                }
            }
        }
        progress.show(all)?;
        if all.iter().all(Asked::is_over) {
            return Ok(());
        }
        if has_passed(heard_at, timeout, hub.io.now()) {
            bail!("nothing was heard of it for {}; are the workers running?", length(timeout));
        }
        hub.io.sleep(EVERY).await;
    }
}

fn has_passed(from: Timestamp, time: Duration, now: Timestamp) -> bool {
    from.checked_add(time).is_ok_and(|end| end <= now)
}

/// Answers whether anything has changed.
async fn read(hub: &Hub, all: &mut [Asked]) -> Result<bool, IoError> {
    let mut is_news = false;
    let mut open: Vec<_> = all.iter_mut().filter(|asked| !asked.is_over()).collect();
    for asked in open.chunks_mut(READ_AT_ONCE) {
        let keys: Vec<_> = asked.iter().map(|it| keys::tag_request(&it.place, &it.request)).collect();
        let rows = hub.io.read::<TagRequestRow>(&keys).await?;
        for (asked, row) in asked.iter_mut().zip(rows) {
            let row = row.map(|stored| stored.row);
            is_news |= asked.row != row;
            asked.row = row;
        }
    }
    Ok(is_news)
}
