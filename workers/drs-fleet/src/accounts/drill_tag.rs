//! The tag of an account that opens a window for a drill.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells::OpenError;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::tags::from_person;

use crate::hub::Hub;
use crate::spells;
use crate::text::{plain, second, short};

/// A tag of an account, as a person types it; a window that it opens is to be readable.
pub(super) fn readable(text: &str) -> Result<(String, String), String> {
    let (key, value) = from_person(text)?;
    if key == DRILL_TAG {
        WindowRow::of_tag(&value)?;
    }
    Ok((key, value))
}

/// Opens the window of a tag, and says what that does.
pub(super) async fn opens(hub: &Hub, tag: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let window = WindowRow::of_tag(tag).map_err(anyhow::Error::msg)?;
    let (id, name) = (&window.id, plain(&window.name));
    if window.until <= hub.io.now() {
        writeln!(out, "The drill {name:?} of its tag is over: no window is opened.")?;
        return Ok(());
    }
    // Another account may have the same tag, and so have opened it.
    match spells::editor(hub).open(&window).await {
        Ok(()) | Err(OpenError::Taken(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let stored = stored(hub, id).await?;
    if let Some(by) = stored.and_then(|row| row.closed_by) {
        let by = plain(short(&by));
        writeln!(out, "Window {id} for {name:?} was closed by {by}; another name opens another.")?;
        return Ok(());
    }
    let (from, until) = (second(window.from), second(window.until));
    writeln!(
        out,
        "Window {id} for {name:?}: from {from} to {until} what is wrong in the account pages nobody, jobs that are no \
         drill excepted."
    )?;
    Ok(())
}

/// Says that the window of a tag which the account had stays, where it is not over.
pub(super) async fn stays(hub: &Hub, former: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let Ok(window) = WindowRow::of_tag(former) else { return Ok(()) };
    if stored(hub, &window.id).await?.is_some_and(|row| hub.io.now() < row.closes_at()) {
        let (id, name) = (&window.id, plain(&window.name));
        writeln!(
            out,
            "The window for {name:?} stays, for others may have its tag: drs-fleet drill-window close {id}"
        )?;
    }
    Ok(())
}

async fn stored(hub: &Hub, id: &str) -> anyhow::Result<Option<WindowRow>> {
    Ok(spells::all::<WindowRow>(hub).await?.into_iter().find(|row| row.id == id))
}
